"""Filtered leaky ReLU against scipy's plain resampling in float64."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d, freqz, upfirdn

from gan_lab.ops import filtered
from gan_lab.ops.filtered import Jinc, Kaiser, Resampling, filtered_leaky_relu

UP = Kaiser()(12, 4.0, 2.0, 32.0).double()
DOWN = Kaiser()(12, 5.0, 3.0, 32.0).double()
RADIAL = Jinc()(12, 5.0, 3.0, 32.0).double()
PLAIN = {"gain": 1.0, "slope": 0.2, "clamp": None}


def enlarged(picture, filter, factor, padding):
    """(H, W): zeros inserted, padded or cropped, convolved where the filter fits."""
    H, W = picture.shape
    left, right, top, bottom = padding
    sparse = np.zeros((H * factor, W * factor))
    sparse[::factor, ::factor] = picture
    sparse = np.pad(sparse, [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))])
    height, width = sparse.shape
    sparse = sparse[max(-top, 0) : height - max(-bottom, 0), max(-left, 0) : width - max(-right, 0)]
    if filter.ndim == 2:
        return convolve2d(sparse, filter, "valid")
    full = upfirdn(filter, upfirdn(filter, sparse, axis=0), axis=1)
    margin = len(filter) - 1
    return full[margin : full.shape[0] - margin, margin : full.shape[1] - margin]


def reference(x, bias, up_filter, down_filter, up, down, padding, gain, slope, clamp):
    """The definition, picture by picture."""
    x, bias, up_filter, down_filter = (
        t.detach().numpy() for t in (x, bias, up_filter, down_filter)
    )
    B, C = x.shape[:2]
    rows = []
    for b, c in product(range(B), range(C)):
        y = enlarged(x[b, c] + bias[c], up_filter, up, padding) * up**2
        y = np.where(y > 0, y, slope * y) * gain
        y = y if clamp is None else y.clip(-clamp, clamp)
        rows.append(enlarged(y, down_filter, 1, (0, 0, 0, 0))[::down, ::down])
    return torch.tensor(np.stack(rows)).unflatten(0, (B, C))


def inputs(seed=0, shape=(2, 3, 7, 9)):
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=draw, dtype=torch.float64)
    return x, torch.randn(shape[1], generator=draw, dtype=torch.float64)


@pytest.fixture(params=["as on a CPU", "as on a GPU, large"])
def way(request, monkeypatch):
    """Both ways to enlarge, and both to remember slopes."""
    if request.param != "as on a CPU":
        monkeypatch.setattr(filtered, "MOST_MATRIX_PIXELS", {"cpu": 0})
        monkeypatch.setattr(filtered, "KEEPS_PICTURES", set())


@pytest.mark.parametrize("down_filter", [DOWN, RADIAL], ids=["separable", "radial"])
@pytest.mark.parametrize("up, down", [(2, 2), (4, 2), (2, 4), (1, 1), (2, 1)])
@pytest.mark.parametrize("clamp", [None, 0.7])
def test_agrees_with_the_definition(way, up, down, down_filter, clamp):
    x, bias = inputs()
    padding = (9, 8, 7, 10) if up > 1 else (12, 11, 13, 12)
    options = {"up": up, "down": down, "padding": padding, "gain": 1.3, "slope": 0.2}
    options["clamp"] = clamp
    expected = reference(x, bias, UP, down_filter, **options)
    with torch.no_grad():
        torch.testing.assert_close(
            filtered_leaky_relu(x, bias, UP, down_filter, **options), expected
        )
    x.requires_grad_()  # takes the way that saves memory
    torch.testing.assert_close(filtered_leaky_relu(x, bias, UP, down_filter, **options), expected)


def test_negative_padding_crops(way):
    x, bias = inputs(shape=(1, 2, 16, 15))
    options = {"up": 2, "down": 2, "padding": (-3, -4, 2, -1), **PLAIN}
    expected = reference(x, bias, UP, DOWN, **options)
    torch.testing.assert_close(filtered_leaky_relu(x, bias, UP, DOWN, **options), expected)


@pytest.mark.parametrize("down_filter", [DOWN, RADIAL], ids=["separable", "radial"])
def test_first_and_second_derivatives_are_right(way, down_filter):
    x, bias = inputs(1, (1, 2, 5, 6))
    x, bias = 2 * x.requires_grad_(), bias.requires_grad_()

    def smooth(x, bias):  # the second derivative of a piecewise linear map shows after a square
        out = filtered_leaky_relu(
            x, bias, UP, down_filter, up=2, down=2, padding=(9, 8, 9, 8), clamp=1.5
        )
        return out.square()

    assert torch.autograd.gradcheck(smooth, (x, bias), eps=1e-7, atol=1e-5)
    assert torch.autograd.gradgradcheck(smooth, (x, bias), eps=1e-7, atol=1e-4)


@pytest.mark.parametrize("filter", [UP, RADIAL], ids=["separable", "radial"])
@pytest.mark.parametrize("up, down", [(2, 1), (1, 2), (1, 4), (4, 1)])
def test_adjoint_is_the_transposed_map(way, filter, up, down):
    forward = Resampling(filter, up=up, down=down, padding=(3, 9, 12, -2), gain=1.7)
    x, _ = inputs(2, (1, 2, 11, 14))
    y = forward(x)
    probe = torch.randn_like(y)
    back = forward.adjoint(x.shape, y.shape)(probe)
    assert back.shape == x.shape
    torch.testing.assert_close((y * probe).sum(), (x * back).sum())


@pytest.mark.parametrize("devices, size", [({"cpu"}, 4), (set(), 1)])
def test_backward_keeps_one_number_or_byte_of_each_enlarged_pixel(monkeypatch, devices, size):
    monkeypatch.setattr(filtered, "KEEPS_PICTURES", devices)
    kept = []
    x, bias = (t.float().requires_grad_() for t in inputs())
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        options = {"up": 2, "down": 2, "padding": (9, 8, 9, 8), "clamp": 256.0}
        filtered_leaky_relu(x, bias, UP.float(), DOWN.float(), **options).sum().backward()
    enlarged_pixels = 2 * 3 * (7 * 2 + 17 - 11) * (9 * 2 + 17 - 11)
    assert sum(t.nbytes for t in kept) == size * enlarged_pixels


def test_half_precision_stays_half_precision(way):
    x, bias = (t.float() for t in inputs())
    x = x.bfloat16().requires_grad_()
    options = {"up": 2, "down": 2, "padding": (9, 8, 9, 8), **PLAIN}
    with torch.autocast("cpu", torch.bfloat16):
        out = filtered_leaky_relu(x, bias, UP.float(), DOWN.float(), **options)
    assert out.dtype == torch.bfloat16
    out.sum().backward()
    assert x.grad.dtype == torch.bfloat16
    exact = reference(x.double(), bias.double(), UP, DOWN, **options)
    assert (out - exact).abs().max() < 0.03 * exact.abs().max()


def test_kaiser_filter_passes_below_and_stops_above_its_band():
    taps = Kaiser()(48, cutoff=8.0, half_width=4.0, sampling_rate=64.0)
    frequencies, response = freqz(taps.double().numpy(), fs=64.0, worN=512)
    gain = np.abs(response)
    assert np.abs(gain[frequencies < 4.0] - 1).max() < 0.01
    assert gain[frequencies > 12.0].max() < 0.01
    assert math.isclose(np.interp(8.0, frequencies, gain), 0.5, abs_tol=0.02)
    assert math.isclose(taps.sum(), 1, rel_tol=1e-6)


def test_jinc_filter_is_radially_symmetric_in_frequency():
    taps = Jinc()(24, cutoff=6.0, half_width=4.0, sampling_rate=64.0)
    assert taps.shape == (24, 24) and math.isclose(taps.sum(), 1, rel_tol=1e-6)
    torch.testing.assert_close(taps, taps.T)
    gain = torch.fft.fft2(taps.double(), (256, 256)).abs()  # bins of 64 / 256 cycles
    radius = 20  # 5 cycles per picture, in the falling band
    straight, diagonal = gain[0, radius], gain[round(radius / 2**0.5), round(radius / 2**0.5)]
    assert abs(straight - diagonal) < 0.01
    separable = torch.outer(*[Kaiser()(24, 6.0, 4.0, 64.0).double()] * 2)
    gain = torch.fft.fft2(separable, (256, 256)).abs()
    assert abs(gain[0, 24] - gain[17, 17]) > 0.1  # the outer product is square instead
