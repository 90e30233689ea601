"""Cubic convolution: "Cubic convolution interpolation for digital image processing" (Keys 1981), as
MATLAB's imresize does it, by which super-resolution makes its low resolution and its baseline.

When a picture shrinks, the kernel is widened, so that nothing aliases. Rows are resized before
columns, bytes are rounded after each, and a border's pixels go on beyond it: to the last bit what
the reductions of Set5 and Set14 hold that are handed round.
"""

from functools import lru_cache
from math import ceil

import torch
from torch import Tensor


def resized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Pictures (..., H, W) uint8 at another size (..., *size), uint8."""
    rows, columns = size
    between = resized_rows(pictures, rows)
    return resized_rows(between.transpose(-1, -2), columns).transpose(-1, -2).contiguous()


def resized_rows(pictures: Tensor, rows: int) -> Tensor:
    """(..., H, W) uint8 -> (..., rows, W) uint8."""
    if pictures.shape[-2] == rows:
        return pictures
    index, weight = taps(pictures.shape[-2], rows)  # (rows, T)
    total = pictures.new_zeros((*pictures.shape[:-2], rows, pictures.shape[-1]), dtype=torch.double)
    for tap in range(index.shape[1]):
        values = pictures.index_select(-2, index[:, tap].to(pictures.device)).double()
        total += values * weight[:, tap, None].to(pictures.device)
    return total.add_(0.5).floor_().clamp_(0, 255).to(torch.uint8)


def reduced(pictures: Tensor, scale: int) -> Tensor:
    """(..., H, W) uint8 -> (..., H / scale, W / scale) uint8; the scale divides both sides."""
    H, W = pictures.shape[-2:]
    return resized(pictures, (H // scale, W // scale))


def enlarged(pictures: Tensor, scale: int) -> Tensor:
    """(..., H, W) -> (..., H * scale, W * scale): uint8, or floats in [-1, 1] by way of bytes."""
    H, W = pictures.shape[-2:]
    if not pictures.is_floating_point():
        return resized(pictures, (H * scale, W * scale))
    levels = pictures.clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
    return enlarged(levels, scale).to(pictures.dtype).div(127.5).sub(1)


@lru_cache(maxsize=64)
def taps(length: int, wanted: int) -> tuple[Tensor, Tensor]:
    """Which pixels make each new one, and their weights: both (wanted, T), of sum 1."""
    ratio = wanted / length
    shrink = min(ratio, 1.0)
    places = (torch.arange(wanted, dtype=torch.double) + 0.5) / ratio - 0.5
    reach = 4 / shrink
    index = (places - reach / 2).floor().long()[:, None] + torch.arange(ceil(reach) + 2)
    weight = cubic((places[:, None] - index) * shrink)
    return index.clamp(0, length - 1), weight / weight.sum(1, keepdim=True)


def cubic(x: Tensor) -> Tensor:
    """Keys' kernel with a = -1/2."""
    x = x.abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, torch.where(x <= 2, far, 0.0))
