import math

import pytest
import torch
from support import build

from gan_lab.networks.infogan import InfoGANGenerator


def prepared(*overrides):
    data, gan = build("model=infogan", "data.resolution=16", *overrides)
    torch.manual_seed(0)
    z = torch.randn(4, gan.latent_dim)
    gan.latent = lambda like: z
    return gan, z, {"image": torch.randn(4, *data.shape).tanh()}


def test_losses_are_equation_6():
    gan, z, batch = prepared(
        "model.generator.categories=[10,3]",
        "model.category_weight=2.0",
        "model.continuous_weight=0.5",
    )
    G, D = gan.generator, gan.discriminator
    real, (fake, Q) = D(batch["image"]), D.judge_and_read(G(z))
    bound = 0.0
    for row in range(4):  # of z: 62 numbers of noise, 10 + 3 of classes, 2 of continuous codes
        first, second = z[row, 62:72].argmax(), z[row, 72:75].argmax()
        bound += 2 * Q[row, :10].softmax(0)[first].log() / 4
        bound += 2 * Q[row, 10:13].softmax(0)[second].log() / 4
        for number, mean in zip(z[row, 75:], Q[row, 13:], strict=True):
            u = 2 * (0.5 + 0.5 * math.erf(number / math.sqrt(2))) - 1
            bound -= 0.5 * (u - mean) ** 2 / 2 / 4
    V = torch.sigmoid(real).log().mean() + (1 - torch.sigmoid(fake)).log().mean()
    torch.testing.assert_close(gan.discriminator_loss(batch), -V - bound)
    expected = -torch.sigmoid(fake).log().mean() - bound
    torch.testing.assert_close(gan.generator_loss(batch), expected)


def test_codes_of_normal_latents_are_uniform():
    G = InfoGANGenerator((1, 16, 16), categories=[4], num_continuous=1, width=2)
    torch.manual_seed(0)
    (ids,), u = G.code(torch.randn(20_000, G.latent_dim))
    assert (ids.bincount() / 20_000 - 0.25).abs().max() < 0.015
    quantiles = torch.quantile(u, torch.tensor([0.1, 0.5, 0.9]))
    torch.testing.assert_close(quantiles, torch.tensor([-0.8, 0.0, 0.8]), atol=0.03, rtol=0)


def test_chosen_codes_are_the_samples_codes():
    G = InfoGANGenerator((1, 16, 16), categories=[10, 4], num_continuous=2, width=2)
    torch.manual_seed(0)
    z = torch.randn(3, G.latent_dim)
    ids, u = torch.tensor([3, 0, 2]), torch.tensor([-0.9, 0.0, 0.5])
    chosen = G.with_code(G.with_code(z, 1, ids), 3, u)
    (first, second), continuous = G.code(chosen)
    (first_before, _), continuous_before = G.code(z)
    assert torch.equal(second, ids) and torch.equal(first, first_before)
    torch.testing.assert_close(continuous[:, 1], u)
    torch.testing.assert_close(continuous[:, 0], continuous_before[:, 0])
    assert torch.equal(chosen[:, :62], z[:, :62])
    with pytest.raises(ValueError, match="code=4"):
        G.with_code(z, 4, u)


def test_generator_depends_on_codes_alone():
    gan, z, _ = prepared()
    G = gan.generator.eval()
    louder = z.clone()
    louder[:, 62:72] *= 3  # the same class
    torch.testing.assert_close(G(louder), G(z))
    assert not torch.equal(G(G.with_code(z, 0, torch.arange(4))), G(z))
    assert not torch.equal(G(G.with_code(z, 1, torch.zeros(4))), G(z))
