import numpy as np
import pytest
import torch
from scipy.signal import upfirdn
from torch import nn

from gan_lab.ops.resample import (
    blur,
    downsample,
    downsampling_conv2d,
    fir,
    resample,
    upsample,
    upsampling_conv2d,
)

TAPS = [1.0, 3.0, 3.0, 1.0]


def slow(x, filter, up, down, padding, gain):
    """The definition, one output pixel at a time."""
    left, right, top, bottom = padding
    B, C, H, W = x.shape
    zeros = np.zeros((B, C, H * up, W * up))
    zeros[:, :, ::up, ::up] = x
    zeros = np.pad(
        zeros, [(0, 0)] * 2 + [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))]
    )
    height, width = zeros.shape[2:]
    zeros = zeros[:, :, max(-top, 0) : height - max(-bottom, 0)]
    zeros = zeros[:, :, :, max(-left, 0) : width - max(-right, 0)]
    h, w = filter.shape
    out = np.zeros((B, C, zeros.shape[2] - h + 1, zeros.shape[3] - w + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = zeros[:, :, i : i + h, j : j + w]
            out[:, :, i, j] = gain * (patch * filter[::-1, ::-1]).sum((2, 3))
    return out[:, :, ::down, ::down]


@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (2, 2, 3, 3), (4, 1, 2, 3), (-1, 3, 2, -2)])
@pytest.mark.parametrize("up, down", [(1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (1, 3)])
def test_agrees_with_the_definition(up, down, padding):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 7, 8, dtype=torch.float64)
    line = torch.randn(4, dtype=torch.float64)
    for filter in (torch.randn(3, 5, dtype=torch.float64), line, torch.outer(line, line)):
        plane = torch.outer(filter, filter) if filter.ndim == 1 else filter
        expected = slow(x.numpy(), plane.numpy(), up, down, padding, 1.5)
        ours = resample(x, filter, up=up, down=down, padding=padding, gain=1.5)
        np.testing.assert_allclose(ours.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("up, down", [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_agrees_with_scipy_along_both_axes(up, down):
    x = np.random.default_rng(0).normal(size=(1, 2, 6, 9))
    taps = np.array([1.0, 2.0, 5.0])
    expected = upfirdn(taps, upfirdn(taps, x, up, down, axis=2), up, down, axis=3)
    full = (2, 3 - up, 2, 3 - up)  # SciPy keeps all of the convolution, and no zeros at the end
    ours = resample(torch.tensor(x), torch.tensor(taps), up=up, down=down, padding=full)
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-12)


def test_filters_sum_to_one():
    for taps in (TAPS, [1.0], [1.0, 2.0, 1.0]):
        assert fir(taps).shape == (len(taps),) * 2
        assert abs(fir(taps).sum() - 1) < 1e-6


@pytest.mark.parametrize("taps", [TAPS, [1.0, 1.0], [1.0, 4.0, 6.0, 4.0, 1.0]])
def test_constant_pictures_stay_constant_inside(taps):
    x = torch.full((1, 2, 16, 12), 3.0)
    for y in (blur(x, fir(taps)), upsample(x, fir(taps)), downsample(x, fir(taps))):
        inside = y[:, :, 4:-4, 4:-4] if y.shape[2] > 8 else y[:, :, 2:-2, 2:-2]
        torch.testing.assert_close(inside, torch.full_like(inside, 3.0))


def test_sizes():
    x = torch.zeros(1, 2, 8, 12)
    assert upsample(x, fir(TAPS)).shape == (1, 2, 16, 24)
    assert upsample(x, fir(TAPS), 4).shape == (1, 2, 32, 48)
    assert downsample(x, fir(TAPS)).shape == (1, 2, 4, 6)
    assert blur(x, fir(TAPS)).shape == x.shape


def test_upsampling_is_the_transpose_of_downsampling():
    torch.manual_seed(0)
    small, large = torch.randn(1, 2, 5, 6).double(), torch.randn(1, 2, 10, 12).double()
    filter = fir(TAPS).double()
    over = (upsample(small, filter) * large).sum()
    torch.testing.assert_close(over, 4 * (small * downsample(large, filter)).sum())


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("taps", [TAPS, [1.0, 2.0, 1.0]])
def test_resampling_convolutions_are_their_parts(kernel, taps):
    """A true convolution with both filters, of the picture with zeros between its pixels."""
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64)
    weight = torch.randn(4, 3, kernel, kernel, dtype=torch.float64)
    filter = fir(taps).double()
    margin = kernel // 2
    before, after = (len(taps) + 1) // 2 + margin, (len(taps) - 2) // 2 + margin
    smooth = resample(x, filter, up=2, padding=(before, after) * 2, gain=4)
    expected = nn.functional.conv2d(smooth, weight.flip(2, 3))
    torch.testing.assert_close(upsampling_conv2d(x, weight, filter), expected)

    before, after = (len(taps) - 1) // 2 + margin, (len(taps) - 2) // 2 + margin
    smooth = resample(x, filter, padding=(before, after) * 2)
    expected = nn.functional.conv2d(smooth, weight)[:, :, ::2, ::2]
    torch.testing.assert_close(downsampling_conv2d(x, weight, filter), expected)


def test_groups_are_convolutions_of_their_own():
    torch.manual_seed(0)
    x, filter = torch.randn(2, 6, 4, 4), fir(TAPS)
    weight = torch.randn(4, 3, 3, 3)
    for convolve in (upsampling_conv2d, downsampling_conv2d):
        halves = [convolve(a, w, filter) for a, w in zip(x.chunk(2, 1), weight.chunk(2))]
        torch.testing.assert_close(convolve(x, weight, filter, 2), torch.cat(halves, 1))


@pytest.mark.parametrize("up, down, padding", [(2, 1, (2, 1, 2, 1)), (1, 2, (1, 1, 1, 1))])
@pytest.mark.parametrize("filter", [fir(TAPS), torch.tensor([1.0, 2.0, 1.0])])
def test_is_twice_differentiable(filter, up, down, padding):
    torch.manual_seed(0)
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)

    def squared(x):
        return resample(x, filter, up=up, down=down, padding=padding).square()

    assert torch.autograd.gradcheck(squared, x)
    assert torch.autograd.gradgradcheck(squared, x)


class UpAndDown(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("filter", fir(TAPS))

    def forward(self, x):
        return downsample(blur(upsample(x, self.filter), self.filter), self.filter)


def test_exports():
    x = torch.randn(1, 3, 8, 8)
    exported = torch.export.export(UpAndDown(), (x,)).module()
    torch.testing.assert_close(exported(x), UpAndDown()(x))
