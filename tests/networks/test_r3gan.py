"""The networks of R3GAN."""

import math

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import open_dict
from support import compose
from torch.nn.functional import conv2d, leaky_relu, one_hot

from gan_lab.networks.r3gan import R3GANDiscriminator, R3GANGenerator, ResidualBlock

SMALL = {"width": 8, "num_full": 2, "group_size": 4}


def shaken(network):
    """All weights drawn, since those that start at zero would hide what comes before them."""
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(0, 0.3)
    return network


def count(network):
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(
    ("model", "size", "num_classes", "generator", "discriminator"),
    [
        ("r3gan", 32, None, 20_732_160, 20_683_776),  # CIFAR-10 without labels
        ("r3gan_cifar10", 32, 10, 20_781_952, 21_280_512),
        ("r3gan_ffhq64", 64, None, 22_429_824, 22_381_440),
        (
            "r3gan_ffhq256",
            256,
            None,
            23_057_952,
            23_009_568,
        ),
        ("r3gan_imagenet32", 32, 1000, 82_914_304, 86_548_992),
        ("r3gan_imagenet64", 64, 1000, 103_570_432, 107_205_120),
    ],
)
def test_counts_are_those_of_the_authors_code(model, size, num_classes, generator, discriminator):
    config = compose(f"model={model}")
    with open_dict(config):
        config.data.shape, config.data.num_classes = [3, size, size], num_classes
    with torch.device("meta"):
        assert count(instantiate(config.model.generator)) == generator
        assert count(instantiate(config.model.discriminator)) == discriminator


# A slow plain version: resampling by matrices, groups one by one.


def upsampling_matrix(n):
    """(2 n, n): pixels at a quarter and three quarters, drawn to 0 outside of the picture."""
    matrix = torch.zeros(2 * n, n + 2)
    for i in range(n):
        matrix[2 * i, i : i + 2] = torch.tensor([0.25, 0.75])
        matrix[2 * i + 1, i + 1 : i + 3] = torch.tensor([0.75, 0.25])
    return matrix[:, 1:-1]


def downsampling_matrix(n):
    """(n / 2, n): each the mean of four pixels weighted 1, 3, 3, 1."""
    matrix = torch.zeros(n // 2, n + 2)
    for i in range(n // 2):
        matrix[i, 2 * i : 2 * i + 4] = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return matrix[:, 1:-1]


def resampled(x, matrix):
    H, W = x.shape[-2:]
    return matrix(H) @ x @ matrix(W).T


def plain_block(x, block):
    groups = block.mix.groups
    y = leaky_relu(conv2d(x, block.expand.weight, block.expand.bias), 0.2)
    parts = zip(
        y.chunk(groups, 1),
        block.mix.weight.chunk(groups),
        block.mix.bias.chunk(groups),
        strict=True,
    )
    y = torch.cat([conv2d(part, weight, bias, padding=1) for part, weight, bias in parts], 1)
    return x + conv2d(leaky_relu(y, 0.2), block.reduce.weight)


def plain_stage(x, stage):
    for block in stage:
        x = plain_block(x, block)
    return x


@pytest.mark.parametrize("num_classes", [None, 3])
def test_generator_agrees_with_a_plain_version(num_classes):
    torch.manual_seed(0)
    G = shaken(R3GANGenerator((3, 32, 24), 5, num_classes=num_classes, **SMALL))
    z, label = torch.randn(2, 5), torch.tensor([2, 0])
    inputs = z if num_classes is None else torch.cat([z, G.embedding.weight[label]], 1)
    scale = inputs @ G.modulation.weight.T
    x = plain_stage(torch.einsum("bc,chw->bchw", scale, G.basis), G.stages[0])
    for stage, transition in zip(G.stages[1:], G.transitions, strict=True):
        x = plain_stage(resampled(transition(x), upsampling_matrix), stage)
    expected = conv2d(x, G.to_image.weight)
    made = G(z) if num_classes is None else G(z, label)
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("num_classes", [None, 3])
def test_discriminator_agrees_with_a_plain_version(num_classes):
    torch.manual_seed(0)
    D = shaken(R3GANDiscriminator((3, 32, 24), num_classes=num_classes, **SMALL))
    image, label = torch.randn(2, 3, 32, 24), torch.tensor([2, 0])
    x = conv2d(image, D.from_image.weight)
    for stage, transition in zip(D.stages[:-1], D.transitions, strict=True):
        x = transition(resampled(plain_stage(x, stage), downsampling_matrix))
    x = plain_stage(x, D.stages[-1])
    x = torch.einsum("bchw,chw->bc", x, D.basis.weight[:, 0]) @ D.head.weight.T
    expected = x.sum(1) if num_classes is None else (x * D.embedding.weight[label]).sum(1)
    logits = D(image) if num_classes is None else D(image, label)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)


def test_blocks_begin_as_the_identity_and_with_the_papers_spread():
    torch.manual_seed(0)
    G = R3GANGenerator((3, 16, 16), width=64)
    block, x = G.stages[0][0], torch.randn(2, 64, 4, 4)
    torch.testing.assert_close(block(x), x)
    gain = math.sqrt(2 / 1.04) * 6**-0.25  # six blocks, three layers each
    assert block.expand.weight.std().item() == pytest.approx(gain / math.sqrt(64), rel=0.02)
    assert block.mix.weight.std().item() == pytest.approx(gain / math.sqrt(16 * 9), rel=0.02)
    assert block.mix.groups == 128 // 16
    assert not any(bias.any() for bias in (block.expand.bias, block.mix.bias))


def test_width_halves_beyond_the_sizes_of_full_width():
    G = R3GANGenerator((3, 256, 256), width=32)
    D = R3GANDiscriminator((3, 256, 256), width=32)
    widths = [32, 32, 32, 32, 16, 8, 4]
    assert [stage[0].reduce.out_channels for stage in G.stages] == widths
    assert [stage[0].reduce.out_channels for stage in D.stages] == widths[::-1]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 12), (4, 28, 28), (3, 64, 48)])
def test_rectangles_and_channels(shape):
    G, D = R3GANGenerator(shape, 4, 4), R3GANDiscriminator(shape, 4)
    images = G(torch.randn(2, 4))
    assert images.shape == (2, *shape)
    assert D(images).shape == (2,)


def test_labels_may_be_weights_of_classes():
    torch.manual_seed(0)
    G = shaken(R3GANGenerator((1, 8, 8), 4, 4, num_classes=3))
    z, label = torch.randn(3, 4), torch.tensor([0, 2, 1])
    torch.testing.assert_close(G(z, one_hot(label, 3).float()), G(z, label))


def test_penalty_reaches_every_weight_before_the_last():
    torch.manual_seed(0)
    D = shaken(R3GANDiscriminator((1, 16, 16), num_classes=2, **SMALL))
    image = torch.randn(2, 1, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(
        D(image, torch.tensor([0, 1])).sum(), image, create_graph=True
    )
    gradient.square().sum().backward()
    assert all(w.grad.any() for name, w in D.named_parameters() if name.endswith("weight"))


def test_sizes_that_cannot_be_made_are_refused():
    for network in (R3GANGenerator, R3GANDiscriminator):
        with pytest.raises(ValueError, match="data.resolution=34x34"):
            network((3, 34, 34))


def test_group_size_follows_narrow_widths():
    assert ResidualBlock(3, 1.0, 16).mix.groups == 3  # six channels in groups of two
