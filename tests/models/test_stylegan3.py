import math

import pytest
import torch
from support import build, compose, fit
from torch.nn.functional import softplus

TINY = ["data.resolution=16", "model.generator.latent_dim=16", "model.generator.w_dim=16"]
TINY += ["model.generator.num_layers=4", "model.generator.margin=3"]


@pytest.mark.parametrize("model", ["stylegan3", "stylegan3_conditional"])
def test_losses_agree_with_the_equations(model):
    data, gan = build(f"model={model}", *TINY, "model.gamma=0.5")
    torch.manual_seed(0)
    batch = {"image": torch.rand(4, *data.shape) * 2 - 1, "label": torch.arange(4)}
    condition = (batch["label"],) if gan.conditional else ()
    z = torch.randn(4, 16)
    gan.latent = lambda like: z
    gan.eval()
    fake, D = gan.generator(z, *condition), gan.discriminator
    expected = softplus(-D(batch["image"], *condition)) + softplus(D(fake, *condition))
    torch.testing.assert_close(gan.discriminator_loss(batch), expected.mean())
    torch.testing.assert_close(gan.generator_loss(batch), softplus(-D(fake, *condition)).mean())

    real = batch["image"].requires_grad_()
    (slope,) = torch.autograd.grad(D(real, *condition).sum(), real)
    expected = 0.25 * slope.square().sum((1, 2, 3)).mean()
    torch.testing.assert_close(gan.r1_loss(batch), expected)


def test_the_penalty_has_its_own_rare_turns_and_teaches_the_discriminator_alone():
    data, gan = build("model=stylegan3", *TINY, "model.r1_every=3")
    descend, turns = gan.descend, []

    def noted(players, loss, batch, weight=1.0):
        turns.append((players, loss.__name__, weight))
        descend(players, loss, batch, weight)

    gan.descend = noted
    fit(gan, data, steps=6)
    game = [("discriminator", "discriminator_loss", 1.0), ("generator", "generator_loss", 1.0)]
    rare = [game[0], ("discriminator", "r1_loss", 3), game[1]]
    assert turns == 2 * (2 * game + rare)


def test_r_shows_blurred_pictures_until_the_blur_has_faded():
    data, gan = build("model=stylegan3_r", *TINY, "model.blur_sigma=2", "model.blur_kimg=0.16")
    seen, forward = [], gan.discriminator.forward
    gan.discriminator.forward = lambda x, *label: seen.append(x.detach()) or forward(x, *label)
    fit(gan, data, steps=11)
    details = [(x[..., 1:] - x[..., :-1]).square().mean() for x in seen[::3]]  # of the reals
    assert details[0] < 0.2 * details[-1]
    assert all(torch.equal(gan.blurred(x), x) for x in seen[-1:])  # past 0.16 kimg


def test_blur_is_a_gaussian_of_half_height_at_sigma():
    data, gan = build("model=stylegan3_r", *TINY, "model.blur_sigma=2")
    spot = torch.zeros(1, 1, 33, 33)
    spot[..., 16, 16] = 1
    blurred = gan.blurred(spot)[0, 0]
    assert blurred.sum() == pytest.approx(1, abs=1e-5)
    for x, y in [(2, 0), (0, -2), (1, 1), (3, -4)]:
        expected = 2 ** -((x**2 + y**2) / 4)
        assert (blurred[16 + y, 16 + x] / blurred[16, 16]).item() == pytest.approx(expected)
    assert blurred[16, 23] == 0  # cut off at 3 sigma
    _, sharp = build("model=stylegan3", *TINY)
    assert sharp.blurred(spot) is spot


def test_samples_are_truncated_in_w():
    _, gan = build("model=stylegan3", *TINY)
    gan.generator_ema.mapping.w_avg.normal_()
    typical = gan.sample(3, seed=0, truncation=0.0)
    torch.testing.assert_close(typical[0], typical[1])
    assert not torch.allclose(*gan.sample(2, seed=0, truncation=0.7))


def test_defaults_are_configurations_t_and_r():
    t, r = (compose(f"model={name}").model for name in ("stylegan3", "stylegan3_r"))
    assert (t.generator.kernel, t.generator.width, t.blur_sigma) == (3, 512, 0)
    assert (r.generator.kernel, r.generator.width, r.blur_sigma) == (1, 1024, 10)
    assert math.isclose(t.optimizers.generator.lr, 2.5e-3)
    assert "lazy_every" not in t.optimizers.generator  # its penalty has no turns of its own
    assert r.discriminator == t.discriminator
