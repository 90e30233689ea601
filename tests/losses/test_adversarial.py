import pytest
import torch

from gan_lab.losses.adversarial import (
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    RelativisticAverage,
    RelativisticPairing,
    Wasserstein,
)

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


@pytest.mark.parametrize(("a", "b", "c"), [(0, 1, 1), (-1, 1, 0)])
def test_least_squares_are_least_at_the_optimal_discriminator(a, b, c):
    """Mao et al. 2017, Equation 5: D*(x) = (b p_data + a p_g) / (p_data + p_g)."""
    game, p_data, p_g = LeastSquares(a, b, c), 0.7, 0.2

    def value(logits):
        zero = torch.zeros_like(logits)
        real, fake = game.discriminator(logits, zero + a), game.discriminator(zero + b, logits)
        return p_data * real + p_g * fake

    logits = torch.linspace(-1, 1, 2001, dtype=torch.float64)
    best = logits[value(logits).argmin()].item()
    assert best == pytest.approx((b * p_data + a * p_g) / (p_data + p_g), abs=1e-3)
    assert game.generator(torch.tensor([float(c)])) == 0


def test_least_squares_descend_the_pearson_divergence():
    """With b - c = 1 and b - a = 2, against the optimal discriminator, as Section 3.2.2 has it."""
    p_data, p_g = torch.tensor([[0.1, 0.2, 0.7], [0.5, 0.2, 0.3]], dtype=torch.float64)
    best = (p_data - p_g) / (p_data + p_g)
    generator = LeastSquares(-1, 1, 0).generator(best)
    pearson = ((2 * p_g - (p_data + p_g)).square() / (p_data + p_g)).sum()
    torch.testing.assert_close(2 * ((p_data + p_g) * generator).sum(), pearson)


def test_hinge_counts_logits_within_the_margin_only():
    game = Hinge()
    losses = game.discriminator(REAL, FAKE)
    expected = [0 + 0.5, 2 + 4, 0.5 + 1]
    torch.testing.assert_close(losses, torch.tensor(expected, dtype=torch.float64))
    torch.testing.assert_close(game.generator(FAKE), -FAKE)
    sure = torch.tensor([1.5], requires_grad=True)
    assert torch.autograd.grad(game.discriminator(sure, -sure).sum(), sure)[0] == 0


def test_average_agrees_with_one_sample_at_a_time():
    game = RelativisticAverage()

    def judged(own, others):  # the probability that `own` is more real than the others' average
        return torch.sigmoid(own - sum(others) / len(others))

    for i, (real, fake) in enumerate(zip(REAL, FAKE, strict=True)):
        D_x, D_Gz = judged(real, FAKE), judged(fake, REAL)
        discriminator = -torch.log(D_x) - torch.log(1 - D_Gz)
        generator = -torch.log(D_Gz) - torch.log(1 - D_x)
        torch.testing.assert_close(game.discriminator(REAL, FAKE)[i], discriminator)
        torch.testing.assert_close(game.generator(REAL, FAKE)[i], generator)


def test_average_ignores_a_common_shift_and_meets_pairing_for_one_pair():
    game, pairing = RelativisticAverage(), RelativisticPairing()
    torch.testing.assert_close(
        game.discriminator(REAL + 7, FAKE + 7), game.discriminator(REAL, FAKE)
    )
    one, other = REAL[:1], FAKE[:1]
    torch.testing.assert_close(
        game.discriminator(one, other), 2 * pairing.discriminator(one, other)
    )


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_losses_stay_finite_for_extreme_logits(logit):
    logits = torch.tensor([logit])
    for game in (Minimax(), NonSaturating()):
        assert torch.isfinite(game.discriminator(logits, -logits)).all()
        assert torch.isfinite(game.generator(logits)).all()
