"""StyleGAN's networks against what the paper, its reference implementation and plain layers say."""

import math

import pytest
import torch
from torch.nn.functional import avg_pool2d, conv2d, interpolate, leaky_relu

from gan_lab.networks.stylegan import (
    Mapping,
    StyleGANDiscriminator,
    StyleGANGenerator,
    adaptive_instance_norm,
)

SHAPES = [(1, 8, 8), (3, 16, 16), (4, 32, 32), (1, 28, 28), (3, 24, 32)]
BINOMIAL = torch.outer(torch.tensor([1.0, 2, 1]), torch.tensor([1.0, 2, 1])) / 16


def num_parameters(network):
    return sum(weight.numel() for weight in network.parameters())


def small_pair(shape=(3, 16, 16), num_classes=None):
    torch.manual_seed(0)
    sizes = {"width": 8, "max_width": 8, "num_classes": num_classes}
    pair = StyleGANGenerator(shape, 6, 10, **sizes), StyleGANDiscriminator(shape, **sizes)
    for network in pair:  # biases and noise that matter, too
        with torch.no_grad():
            for name, weight in network.named_parameters():
                if not name.startswith("mapping"):
                    weight.normal_()
    return pair


def blurred(x):
    return conv2d(x, BINOMIAL.expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1])


def at(network, level, inputs):
    network.grow(level)
    return network(inputs)


def test_parameter_counts_are_those_of_the_reference_implementation():
    # Channels of the two layers at 4x4, 8x8, ..., 1024x1024.
    widths = [512, 512, 512, 512, 256, 128, 64, 32, 16]
    mapping = 8 * (512 * 512 + 512)
    styles = sum(2 * (512 * 2 * n + 2 * n) for n in widths)
    noise_and_bias = sum(2 * (n + n) for n in widths)
    kernels = 512 * 512 * 9
    kernels += sum(i * o * 9 + o * o * 9 for i, o in zip(widths, widths[1:], strict=False))
    constant, to_rgb = 512 * 16, sum(3 * n + 3 for n in widths)
    with torch.device("meta"):
        generator = StyleGANGenerator((3, 1024, 1024))
        discriminator = StyleGANDiscriminator((3, 1024, 1024))
    expected = mapping + styles + noise_and_bias + kernels + constant + to_rgb
    assert num_parameters(generator) == expected == 26_219_627
    assert num_parameters(discriminator) == 23_087_249
    assert (generator.num_ws, generator.w_dim) == (18, 512)
    assert generator.num_noise == 2 * sum(4**n for n in range(2, 11))


@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_have_the_full_size_at_every_level(shape):
    generator, discriminator = small_pair(shape)
    for level in (0, 0.5, discriminator.levels):
        generator.grow(level)
        discriminator.grow(level)
        pictures = generator(torch.randn(4, 6), noise=torch.randn(4, generator.num_noise))
        assert pictures.shape == (4, *shape)
        assert discriminator(pictures).shape == (4,)


def test_adaptive_instance_norm_gives_each_channel_the_style():
    torch.manual_seed(0)
    x, scale, shift = 3 + 5 * torch.randn(2, 4, 8, 8), torch.randn(2, 4), torch.randn(2, 4)
    deviation, mean = torch.std_mean(x, (2, 3), correction=0, keepdim=True)
    expected = scale[..., None, None] * (x - mean) / deviation + shift[..., None, None]
    torch.testing.assert_close(adaptive_instance_norm(x, scale, shift), expected)


def test_generator_agrees_with_plain_layers():
    generator, _ = small_pair()
    generator.grow(1)
    w = dict(generator.synthesis.named_parameters())
    he = math.sqrt(2)
    ws, noise = torch.randn(4, generator.num_ws, 10), torch.randn(4, 160)
    maps = [part.view(4, 1, side, side) for part, side in zip(
        noise.split([16, 16, 64, 64], 1), (4, 4, 8, 8), strict=True
    )]  # fmt: skip

    def convolved(x, name):
        return conv2d(x, w[f"{name}.weight"] * he / math.sqrt(9 * x.shape[1]), padding=1)

    def styled(x, n):
        layer = f"layers.{n}"
        x = x + maps[n] * w[f"{layer}.noise_strength"].view(-1, 1, 1)
        x = leaky_relu(x + w[f"{layer}.bias"].view(-1, 1, 1), 0.2)
        x = x - x.mean((2, 3), keepdim=True)
        x = x / (x.square().mean((2, 3), keepdim=True) + 1e-8).sqrt()
        style = ws[:, n] @ w[f"{layer}.style.weight"].T / math.sqrt(10) + w[f"{layer}.style.bias"]
        scale, shift = style.view(4, 2, 8, 1, 1).unbind(1)
        return x * (scale + 1) + shift

    x = styled(w["constant"].expand(4, -1, -1, -1), 0)
    x = styled(convolved(x, "layers.1.convolution"), 1)
    x = styled(blurred(convolved(interpolate(x, scale_factor=2), "layers.2.convolution.0")), 2)
    x = styled(convolved(x, "layers.3.convolution"), 3)
    x = conv2d(x, w["to_rgb.1.weight"] / math.sqrt(8), w["to_rgb.1.bias"])
    ours = generator.synthesis(ws, noise)
    torch.testing.assert_close(ours, interpolate(x, scale_factor=2), rtol=1e-4, atol=1e-4)


def test_discriminator_blurs_before_it_halves():
    _, discriminator = small_pair()
    images, w = torch.randn(4, 3, 8, 8), dict(discriminator.blocks[0].named_parameters())

    def convolved(x, name):
        return conv2d(x, w[f"{name}.weight"] / math.sqrt(4.5 * 8), w[f"{name}.bias"], padding=1)

    x = torch.randn(4, 8, 8, 8)
    expected = blurred(leaky_relu(convolved(x, "0"), 0.2))
    expected = leaky_relu(avg_pool2d(convolved(expected, "3"), 2), 0.2)
    torch.testing.assert_close(discriminator.blocks[0](x), expected)
    assert discriminator(images.repeat_interleave(2, 2).repeat_interleave(2, 3)).shape == (4,)


def test_mapping_agrees_with_plain_layers():
    torch.manual_seed(0)
    mapping = Mapping(6, 10, num_ws=4, num_classes=3, depth=2)
    with torch.no_grad():
        for layer in mapping.layers:
            layer.bias.normal_(std=100)
    z, label = torch.randn(5, 6), torch.tensor([0, 2, 1, 1, 0])
    x = torch.cat([z, mapping.embedding.weight[label]], 1)
    x = x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for layer in mapping.layers:  # stored a hundred times as large, learns a hundredth as fast
        weight = 0.01 * layer.weight * math.sqrt(2 / x.shape[1])
        x = leaky_relu(x @ weight.T + 0.01 * layer.bias, 0.2)
    torch.testing.assert_close(mapping(z, label), x[:, None].expand(-1, 4, -1))


def test_mean_w_moves_only_while_the_mapping_learns():
    mapping = Mapping(6, 10, num_ws=4)
    z = torch.randn(5, 6)
    mapping.eval()(z)
    mapping.train().keeps_statistics = False
    mapping(z)
    assert torch.equal(mapping.w_avg, torch.zeros(10))
    mapping.keeps_statistics = True
    w = mapping(z)[:, 0]
    torch.testing.assert_close(mapping.w_avg, 0.005 * w.mean(0))


def test_truncation_draws_the_coarse_layers_to_the_mean():
    mapping = Mapping(6, 10, num_ws=6, truncated_layers=2).eval()
    mapping.w_avg.normal_()
    z = torch.randn(5, 6)
    whole, half, none = (mapping(z, truncation=psi) for psi in (1.0, 0.5, 0.0))
    torch.testing.assert_close(half[:, :2], (whole[:, :2] + mapping.w_avg) / 2)
    torch.testing.assert_close(none[:, :2], mapping.w_avg.expand(5, 2, -1))
    assert torch.equal(half[:, 2:], whole[:, 2:])


def test_noise_is_constant_unless_given_and_as_large_as_the_level():
    generator, _ = small_pair()
    z = torch.randn(2, 6)
    assert torch.equal(generator(z), generator(z))
    assert generator.num_noise == 2 * (16 + 64 + 256)
    generator.grow(0.5)
    assert (generator.num_noise, generator.num_ws_used) == (2 * (16 + 64), 4)
    noise = torch.randn(2, generator.num_noise)
    assert torch.equal(generator(z, noise=noise), generator(z, noise=noise))
    assert not torch.allclose(generator(z, noise=noise), generator(z))


def test_fade_leads_from_one_level_to_the_next():
    generator, discriminator = small_pair()
    inputs = torch.randn(4, 6), torch.randn(4, 3, 16, 16)
    for network, x in zip((generator, discriminator), inputs, strict=True):
        low, first, last, high = (at(network, n, x) for n in (1, 1 + 1e-7, 2 - 1e-7, 2))
        torch.testing.assert_close(first, low, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(last, high, rtol=1e-4, atol=1e-4)
        assert not torch.allclose(low, high, rtol=1e-2)


def test_label_chooses_the_logit():
    _, discriminator = small_pair(num_classes=3)
    images = torch.randn(4, 3, 16, 16)
    every = discriminator.end(discriminator.features(images))
    label = torch.tensor([2, 0, 1, 2])
    torch.testing.assert_close(discriminator(images, label), every[range(4), label])
    halves = torch.tensor([0.5, 0.5, 0.0]).expand(4, 3)
    torch.testing.assert_close(discriminator(images, halves), every[:, :2].mean(1))
