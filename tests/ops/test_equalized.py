import math

import torch

from gan_lab.ops.equalized import EqualizedConv2d, EqualizedLinear, scaled_leaky_relu


def test_linear_is_the_equation():
    torch.manual_seed(0)
    layer = EqualizedLinear(6, 3, bias_init=1.0, lr_multiplier=0.01)
    x = torch.randn(4, 6)
    expected = x @ (layer.weight * 0.01 / math.sqrt(6)).T + 1
    torch.testing.assert_close(layer(x), expected)
    assert torch.allclose(layer.bias, torch.tensor(100.0))
    assert 70 < layer.weight.std() < 130


def test_layers_keep_the_second_moment_at_first():
    torch.manual_seed(0)
    x = torch.randn(64, 128, 8, 8)
    convolution = EqualizedConv2d(128, 128, 3, padding=0)
    assert abs(convolution(x).std() - 1) < 0.05
    linear = EqualizedLinear(128, 128, lr_multiplier=0.01)
    assert abs(linear(x[:, :, 0, 0]).std() - 1) < 0.05
    assert abs(scaled_leaky_relu(x).square().mean() - 1.04) < 0.02


def test_steps_of_the_optimizer_are_equally_large_in_every_layer():
    """What Adam moves is the stored weight, whose size is 1 / lr_multiplier everywhere."""
    torch.manual_seed(0)
    narrow, wide = EqualizedLinear(8, 64), EqualizedLinear(2048, 64)
    assert abs(narrow.weight.std() / wide.weight.std() - 1) < 0.1


def test_convolution_pads_to_the_same_size_unless_told_otherwise():
    x = torch.zeros(1, 2, 5, 4)
    assert EqualizedConv2d(2, 3, 3)(x).shape == (1, 3, 5, 4)
    assert EqualizedConv2d(2, 3, 1, bias=False)(x).shape == (1, 3, 5, 4)
    assert EqualizedConv2d(2, 3, 4, padding=0)(x).shape == (1, 3, 2, 1)
    assert EqualizedConv2d(2, 3, 3, stride=2)(x).shape == (1, 3, 3, 2)
