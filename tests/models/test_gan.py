import pytest
import torch
from support import build, fit

from gan_lab.losses.adversarial import NonSaturating


def test_losses_are_equation_1():
    minimax = "model.game._target_=gan_lab.losses.adversarial.Minimax"
    data, gan = build("model=gan", "model.discriminator.dropout=0.0", minimax)
    torch.manual_seed(0)
    z, batch = torch.randn(16, gan.latent_dim), {"image": torch.randn(16, *data.shape).tanh()}
    gan.latent = lambda like: z
    D_x = torch.sigmoid(gan.discriminator(batch["image"]))
    D_Gz = torch.sigmoid(gan.discriminator(gan.generator(z)))
    value = D_x.log().mean() + (1 - D_Gz).log().mean()
    torch.testing.assert_close(gan.discriminator_loss(batch), -value)
    torch.testing.assert_close(gan.generator_loss(batch), (1 - D_Gz).log().mean())


def test_k_discriminator_steps_for_each_generator_step():
    data, gan = build("model=gan", "model.discriminator_steps=3")
    turns, descend = [], gan.descend
    gan.descend = lambda players, *rest: (turns.append(players[0]), descend(players, *rest))
    fit(gan, data, steps=6)
    assert "".join(turns) == "dddgdddg"


@pytest.mark.parametrize("data", ["digits", "gaussians"])
def test_default_game_is_the_practical_one(data):
    _, gan = build("model=gan", f"data={data}")
    assert isinstance(gan.game, NonSaturating)
