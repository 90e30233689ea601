import pytest
import torch

from gan_lab.losses.adversarial import Minimax, NonSaturating, RelativisticPairing, Wasserstein

REAL = torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)
FAKE = torch.tensor([-0.5, 3.0, 0.0], dtype=torch.float64)


def test_minimax_is_the_value_function_of_probabilities():
    D_x, D_Gz = torch.sigmoid(REAL), torch.sigmoid(FAKE)
    value = torch.log(D_x) + torch.log(1 - D_Gz)
    torch.testing.assert_close(Minimax().discriminator(REAL, FAKE), -value)
    torch.testing.assert_close(Minimax().generator(FAKE), torch.log(1 - D_Gz))


def test_non_saturating_raises_log_d():
    torch.testing.assert_close(NonSaturating().generator(FAKE), -torch.log(torch.sigmoid(FAKE)))


def test_minimax_generator_saturates_where_the_other_does_not():
    sure = torch.tensor([-10.0], requires_grad=True)
    (flat,) = torch.autograd.grad(Minimax().generator(sure).sum(), sure)
    (steep,) = torch.autograd.grad(NonSaturating().generator(sure).sum(), sure)
    assert flat.abs() < 1e-4 and steep.abs() > 0.99


def test_equilibrium_of_the_original_game_is_log_4():
    zero = torch.zeros(3)
    expected = torch.full((3,), 4.0).log()
    torch.testing.assert_close(Minimax().discriminator(zero, zero), expected)


def test_wasserstein_is_antisymmetric():
    game = Wasserstein()
    torch.testing.assert_close(game.discriminator(REAL, FAKE), -game.discriminator(FAKE, REAL))
    torch.testing.assert_close(game.generator(FAKE), -FAKE)


def test_pairing_ignores_a_common_shift():
    game = RelativisticPairing()
    torch.testing.assert_close(
        game.discriminator(REAL + 7, FAKE + 7), -torch.log(torch.sigmoid(REAL - FAKE))
    )
    torch.testing.assert_close(game.generator(REAL, FAKE), game.discriminator(FAKE, REAL))


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_losses_stay_finite_for_extreme_logits(logit):
    logits = torch.tensor([logit])
    for game in (Minimax(), NonSaturating()):
        assert torch.isfinite(game.discriminator(logits, -logits)).all()
        assert torch.isfinite(game.generator(logits)).all()
