import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from gan_lab.ops.modulated import grouped, modulated_conv2d, scaled
from gan_lab.ops.resample import downsampling_conv2d, fir, upsampling_conv2d

FILTER = fir([1.0, 3.0, 3.0, 1.0])


def inputs(dtype=torch.float64, rows=3):
    torch.manual_seed(0)
    x = torch.randn(rows, 4, 6, 8, dtype=dtype)
    return x, torch.randn(5, 4, 3, 3, dtype=dtype), torch.randn(rows, 4, dtype=dtype)


@pytest.mark.parametrize("form", [scaled, grouped])
@pytest.mark.parametrize("up, down", [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("demodulate", [True, False])
def test_each_row_is_convolved_with_weights_of_its_own(form, up, down, demodulate):
    x, weight, styles = inputs()
    filter = FILTER.double()
    rows = []
    for row, style in zip(x, styles, strict=True):
        own = weight * style[:, None, None]  # Equation 1
        if demodulate:
            own = own / (own.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()  # Equation 3
        if up == 2:
            rows.append(upsampling_conv2d(row[None], own, filter))
        elif down == 2:
            rows.append(downsampling_conv2d(row[None], own, filter))
        else:
            rows.append(conv2d(row[None], own, padding=1))
    ours = form(x, weight, styles, demodulate, up, down, None, filter)
    torch.testing.assert_close(ours, torch.cat(rows))


def test_demodulated_outputs_have_unit_variance_whatever_the_styles():
    torch.manual_seed(0)
    x, weight = torch.randn(4, 32, 64, 64), torch.randn(8, 32, 3, 3)
    styles = torch.rand(4, 32) * torch.tensor([0.01, 1.0, 10.0, 1000.0])[:, None]
    deviation = modulated_conv2d(x, weight, styles, padding=0).std((2, 3))
    assert (deviation - 1).abs().max() < 0.1


def test_padding():
    x, weight, styles = inputs()
    assert modulated_conv2d(x, weight, styles).shape == (3, 5, 6, 8)
    assert modulated_conv2d(x, weight, styles, padding=0).shape == (3, 5, 4, 6)
    assert modulated_conv2d(x, weight, styles, padding=2).shape == (3, 5, 8, 10)


@pytest.mark.parametrize("form", [scaled, grouped])
@pytest.mark.parametrize("up", [1, 2])
def test_is_twice_differentiable(form, up):
    torch.manual_seed(0)
    x = torch.randn(2, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    styles = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)

    def convolve(x, weight, styles):
        return form(x, weight, styles, True, up, 1, None, FILTER.double())

    assert torch.autograd.gradcheck(convolve, (x, weight, styles))
    assert torch.autograd.gradgradcheck(convolve, (x, weight, styles))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_neither_overflows_nor_vanishes(dtype):
    x, weight, styles = inputs(torch.float32)
    expected = modulated_conv2d(x, weight, styles)
    for weight_size, style_size in ((1e3, 1e3), (1e-2, 1e-2)):
        half = modulated_conv2d(x.to(dtype), weight_size * weight, style_size * styles)
        assert half.dtype == dtype
        torch.testing.assert_close(half.float(), expected, atol=0.1, rtol=0.05)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 4, 3, 3))
        self.register_buffer("filter", FILTER)

    def forward(self, x, styles):
        return modulated_conv2d(x, self.weight, styles, up=2, filter=self.filter)


def test_exports():
    x, _, styles = inputs(torch.float32)
    layer = Layer()
    exported = torch.export.export(layer, (x, styles)).module()
    torch.testing.assert_close(exported(x, styles), layer(x, styles))
