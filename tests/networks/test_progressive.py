"""Progressive GAN's networks against what the paper and plain layers say."""

import math

import pytest
import torch
from torch.nn.functional import avg_pool2d, conv2d, interpolate, leaky_relu

from gan_lab.networks.progressive import (
    DownsamplingConv2d,
    ProgressiveDiscriminator,
    ProgressiveGenerator,
    UpsamplingConv2d,
    pixel_norm,
)

SHAPES = [(1, 8, 8), (3, 16, 16), (4, 32, 32), (1, 28, 28), (3, 24, 32)]


def num_parameters(network):
    return sum(weight.numel() for weight in network.parameters())


def randomised(network):
    """Biases that matter, too."""
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_()
    return network


def small_pair(shape=(3, 16, 16)):
    torch.manual_seed(0)
    generator = randomised(ProgressiveGenerator(shape, latent_dim=6, width=8, max_width=8))
    discriminator = randomised(ProgressiveDiscriminator(shape, width=8, max_width=8))
    return generator, discriminator


def at(network, level, inputs):
    network.grow(level)
    return network(inputs)


def test_parameter_counts_are_those_of_table_2():
    # Channels at 4x4, 8x8, ..., 1024x1024, and the layers of each size with their inputs.
    widths = [512, 512, 512, 512, 256, 128, 64, 32, 16]
    start = 512 * 512 * 16 + 512 + 512 * 512 * 9 + 512
    ups = [i * o * 9 + o + o * o * 9 + o for i, o in zip(widths, widths[1:], strict=False)]
    to_rgb = [n * 3 + 3 for n in widths]
    from_rgb = [3 * n + n for n in widths]
    downs = [i * i * 9 + i + i * o * 9 + o for o, i in zip(widths, widths[1:], strict=False)]
    end = 513 * 512 * 9 + 512 + 512 * 16 * 512 + 512 + 512 + 1
    with torch.device("meta"):
        generator = ProgressiveGenerator((3, 1024, 1024))
        discriminator = ProgressiveDiscriminator((3, 1024, 1024))
    assert num_parameters(generator) == start + sum(ups) + sum(to_rgb)
    assert num_parameters(discriminator) == sum(from_rgb) + sum(downs) + end
    assert num_parameters(discriminator) == 23_087_249  # as the reference implementation prints
    for network in (generator, discriminator):
        assert round(num_parameters(network) / 1e6, 1) == 23.1  # Table 2


@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_have_the_full_size_at_every_level(shape):
    generator, discriminator = small_pair(shape)
    for level in (0, 0.5, generator.levels):
        generator.grow(level)
        discriminator.grow(level)
        pictures = generator(torch.randn(4, 6))
        assert pictures.shape == (4, *shape)
        assert discriminator(pictures).shape == (4,)


def test_generator_agrees_with_plain_layers():
    generator, _ = small_pair()
    generator.grow(1)
    w = dict(generator.named_parameters())
    he = math.sqrt(2)

    def normalised(x):
        x = leaky_relu(x, 0.2)
        return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()

    def convolved(x, name):
        weight = w[f"{name}.weight"] * he / math.sqrt(9 * x.shape[1])
        return normalised(conv2d(x, weight, w[f"{name}.bias"], padding=1))

    z = torch.randn(4, 6)
    x = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    x = (x @ w["start.1.weight"].T * (he / 4 / math.sqrt(6))).view(4, 8, 4, 4)
    x = normalised(x + w["start.3.bias"].view(8, 1, 1))
    x = convolved(x, "start.6")
    x = convolved(interpolate(x, scale_factor=2), "blocks.0.0")
    x = convolved(x, "blocks.0.3")
    x = conv2d(x, w["to_rgb.1.weight"] / math.sqrt(8), w["to_rgb.1.bias"])
    torch.testing.assert_close(generator(z), interpolate(x, scale_factor=2))


def test_discriminator_agrees_with_plain_layers():
    _, discriminator = small_pair()
    discriminator.grow(1)
    w = dict(discriminator.named_parameters())
    he = math.sqrt(2)

    def convolved(x, name, kernel):
        weight = w[f"{name}.weight"] * he / math.sqrt(kernel**2 * x.shape[1])
        return conv2d(x, weight, w[f"{name}.bias"], padding=kernel // 2)

    images = torch.randn(4, 3, 16, 16)
    x = leaky_relu(convolved(avg_pool2d(images, 2), "from_rgb.1.0", 1), 0.2)
    x = leaky_relu(convolved(x, "blocks.0.0", 3), 0.2)
    x = leaky_relu(avg_pool2d(convolved(x, "blocks.0.2", 3), 2), 0.2)
    deviation = (x.var(0, correction=0) + 1e-8).sqrt().mean()
    x = torch.cat([x, deviation.expand(4, 1, 4, 4)], 1)
    x = leaky_relu(convolved(x, "convolution", 3), 0.2).flatten(1)
    x = leaky_relu(x @ w["dense.weight"].T * he / math.sqrt(8 * 16) + w["dense.bias"], 0.2)
    x = x @ w["end.weight"].T / math.sqrt(8) + w["end.bias"]
    torch.testing.assert_close(discriminator(images), x.squeeze(1))


@pytest.mark.parametrize("level", [0, 1])
def test_fade_leads_from_one_level_to_the_next(level):
    z, images = torch.randn(4, 6), torch.randn(4, 3, 16, 16)
    for network, inputs in zip(small_pair(), (z, images), strict=True):
        for alpha, end in ((1e-7, level), (1 - 1e-7, level + 1)):
            near = at(network, level + alpha, inputs)
            assert network.fading
            torch.testing.assert_close(near, at(network, end, inputs), rtol=1e-4, atol=1e-5)
    generator, _ = small_pair()
    low, middle, high = (at(generator, level + alpha, z) for alpha in (0, 0.25, 1))
    torch.testing.assert_close(middle, 0.75 * low + 0.25 * high)


def test_discriminator_below_full_size_is_the_one_of_small_pictures():
    _, discriminator = small_pair()
    discriminator.grow(1)
    small = ProgressiveDiscriminator((3, 8, 8), width=8, max_width=8)
    known = small.state_dict()
    state = {k: v for k, v in discriminator.state_dict().items() if k in known}
    small.load_state_dict(state)
    pictures = torch.randn(4, 3, 8, 8)
    torch.testing.assert_close(
        discriminator(pictures.repeat_interleave(2, 2).repeat_interleave(2, 3)), small(pictures)
    )


def test_layers_above_the_level_do_not_run():
    for network, inputs in zip(
        small_pair(), (torch.randn(4, 6), torch.randn(4, 3, 16, 16)), strict=True
    ):
        network.grow(0.5)
        network(inputs).sum().backward()
        idle = {name for name, weight in network.named_parameters() if weight.grad is None}
        assert idle and all(
            name.startswith(("blocks.1", "to_rgb.2", "from_rgb.2")) for name in idle
        )


def test_resampling_convolutions_agree_with_their_two_steps():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64)
    up, down = (kind(3, 5).double() for kind in (UpsamplingConv2d, DownsamplingConv2d))
    expected = conv2d(interpolate(x, scale_factor=2), up.weight * up.gain, up.bias, padding=1)
    torch.testing.assert_close(up(x), expected)
    expected = avg_pool2d(conv2d(x, down.weight * down.gain, down.bias, padding=1), 2)
    torch.testing.assert_close(down(x), expected)


def test_pixel_norm_brings_features_to_mean_square_one():
    x = pixel_norm(7 * torch.randn(2, 5, 3, 3))
    torch.testing.assert_close(x.square().mean(1), torch.ones(2, 3, 3))
