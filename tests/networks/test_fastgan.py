"""The networks of FastGAN."""

import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, conv2d, interpolate

from gan_lab.networks import fastgan
from gan_lab.networks.fastgan import (
    FastGANDiscriminator,
    FastGANGenerator,
    NoisyUpsampling,
    quarter,
)

SHAPES = [(1, 16, 16), (3, 28, 28), (4, 32, 24), (3, 64, 64), (3, 48, 96)]


@pytest.fixture
def shapes_only(monkeypatch):
    """Networks without numbers; spectral norm would iterate on them, and slowly."""
    monkeypatch.setattr(fastgan, "spectral_norm", lambda layer: layer)
    with torch.device("meta"):
        yield


def count(network):
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(
    ("size", "generator", "discriminator"),
    [(256, 29_127_846, 11_526_160), (512, 29_174_392, 11_526_496), (1024, 29_176_512, 11_528_192)],
)
def test_counts_are_those_of_the_authors_code(size, generator, discriminator, shapes_only):
    assert count(FastGANGenerator((3, size, size))) == generator
    assert count(FastGANDiscriminator((3, size, size))) == discriminator


@pytest.mark.parametrize("shape", SHAPES)
def test_both_sizes_of_picture_and_all_reconstructions_fit(shape):
    torch.manual_seed(0)
    G, D = FastGANGenerator(shape, 4, 4), FastGANDiscriminator(shape, 4)
    images, small = G.views(torch.randn(2, 4), torch.randn(2, G.num_noise))
    assert images.shape == (2, *shape) and images.abs().max() <= 1
    assert small.shape == D.shrink(images).shape == (2, shape[0], shape[1] // 2, shape[2] // 2)
    features = D.look(images, small)
    assert len(features.middle) == 2
    for made in D.reconstructions(features, torch.tensor([0, 3])):
        assert made.shape == small.shape and made.abs().max() <= 1


def test_large_pictures_meet_small_ones_of_128_pixels(shapes_only):
    for size, small_size in [((256, 192), (128, 96)), ((1024, 1024), (128, 128))]:
        G, D = FastGANGenerator((3, *size), 4, 8), FastGANDiscriminator((3, *size), 8)
        images, small = G.views(torch.randn(2, 4))
        assert small.shape == D.shrink(images).shape == (2, 3, *small_size)
        assert D(images).shape == (2,)


def plain_gate(x, norm):
    """Batch norm by the moments of the minibatch, then a gated linear unit."""
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), correction=0, keepdim=True)
    weight, bias = norm.weight[:, None, None], norm.bias[:, None, None]
    a, b = ((x - mean) / (var + 1e-5).sqrt() * weight + bias).chunk(2, 1)
    return a * b.sigmoid()


def plain_excitation(x, excitation):
    first, second = excitation.layers[1].weight, excitation.layers[3].weight
    x = conv2d(adaptive_avg_pool2d(x, 4), first)
    return conv2d(x * x.sigmoid(), second).sigmoid()


def test_generator_agrees_with_a_plain_version():
    torch.manual_seed(0)
    G = FastGANGenerator((3, 32, 32), 5, 4)
    for part in G.modules():  # the spectral norms rest, so that both see the same weights
        if hasattr(part, "parametrizations"):
            part.parametrizations.eval()
        if isinstance(part, NoisyUpsampling):
            torch.nn.init.normal_(part.strengths)
    z, noise = torch.randn(6, 5), torch.randn(6, G.num_noise)
    maps = [
        m.reshape(6, 1, size, -1)
        for m, size in zip(noise.split([64, 64, 1024, 1024], 1), (8, 8, 32, 32), strict=True)
    ]
    x4 = torch.einsum("bz,zchw->bchw", z, G.start[1].weight)
    x4 = plain_gate(x4, G.start[2])

    def noisy(x, stage, maps):
        x = interpolate(x, scale_factor=2)
        layers = zip(stage.convolutions, stage.strengths, maps, stage.gates, strict=True)
        for layer, strength, normal, gate in layers:
            x = plain_gate(conv2d(x, layer.weight, padding=1) + strength * normal, gate[0])
        return x

    x8 = noisy(x4, G.stages[0], maps[:2])
    x16 = conv2d(interpolate(x8, scale_factor=2), G.stages[1][1].weight, padding=1)
    x16 = plain_gate(x16, G.stages[1][2]) * plain_excitation(x4, G.excitations["2"])
    x32 = noisy(x16, G.stages[2], maps[2:]) * plain_excitation(x8, G.excitations["3"])
    image, small = G.views(z, noise)
    close = {"rtol": 1e-3, "atol": 1e-4}
    expected = conv2d(x32, G.to_image.weight, padding=1).tanh()
    torch.testing.assert_close(image, expected, **close)
    torch.testing.assert_close(small, conv2d(x16, G.to_small.weight).tanh(), **close)


@pytest.mark.parametrize(
    ("size", "generator", "discriminator"),
    [
        (16, {1: 0, 2: 1}, {1: 0}),
        (32, {2: 0, 3: 1}, {1: 0, 2: 1}),
        (256, {4: 0, 5: 1, 6: 2}, {3: 0, 4: 1, 5: 2}),
        (1024, {4: 0, 5: 1, 6: 2, 7: 3}, {3: 0, 4: 1, 5: 2}),
    ],
)
def test_excitations_reach_as_in_the_paper_where_there_is_room(
    size, generator, discriminator, shapes_only
):
    G, D = FastGANGenerator((3, size, size), 4, 8), FastGANDiscriminator((3, size, size), 8)
    assert {int(k): int(k) - G.distance for k in G.excitations} == generator
    assert {int(k): int(k) - D.distance for k in D.excitations} == discriminator


def test_noise_is_constant_unless_given():
    torch.manual_seed(0)
    G = FastGANGenerator((1, 16, 16), 4, 4).eval()
    z = torch.randn(2, 4)
    start = G(z)
    assert torch.equal(start, G(z, noise=torch.randn(2, G.num_noise)))  # its strength begins at 0
    torch.nn.init.ones_(G.stages[0].strengths)
    assert torch.equal(G(z), G(z)) and not torch.equal(G(z), start)
    assert torch.equal(G(z), G(z, noise=G.noise.expand(2, -1)))


def test_logits_are_means_over_patches_of_both_sizes():
    torch.manual_seed(0)
    D = FastGANDiscriminator((1, 32, 32), 4).eval()
    images = torch.randn(2, 1, 32, 32)
    logits = D.logits(D.look(images, avg_pool2d(images, 2)))
    assert logits.shape == (2, 50)  # 5x5 of each size
    torch.testing.assert_close(D(images), logits.mean(1))


def test_quarters_are_cut_for_each_picture():
    x = torch.arange(4 * 2 * 4 * 6.0).reshape(4, 2, 4, 6)
    cut = quarter(x, torch.tensor([0, 1, 2, 3]))
    for row, (h, w) in enumerate([(0, 0), (0, 3), (2, 0), (2, 3)]):
        assert torch.equal(cut[row], x[row, :, h : h + 2, w : w + 3])


@pytest.mark.parametrize("size", [8, 2048])
def test_sizes_that_cannot_be_made_are_refused(size):
    for network in (FastGANGenerator, FastGANDiscriminator):
        with pytest.raises(ValueError, match=f"data.resolution={size}x{size}"):
            network((3, size, size), width=8)
