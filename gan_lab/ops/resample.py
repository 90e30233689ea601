"""Resampling with FIR filters: "A Style-Based Generator Architecture for GANs" (Karras et al. 2019)
and "Analyzing and Improving the Image Quality of StyleGAN" (Karras et al. 2020), after Zhang 2019.

A filter is a tensor: two-dimensional, or one-dimensional for its outer product with itself. All
functions are sums of products, so that they can be differentiated any number of times.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, pad


def fir(taps: Sequence[float]) -> Tensor:
    """The outer product of taps (T,) with themselves, (T, T), with sum 1."""
    line = torch.tensor(taps, dtype=torch.float32)
    return torch.outer(line, line) / line.sum().square()


def resample(
    x: Tensor,
    filter: Tensor,
    *,
    up: int = 1,
    down: int = 1,
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    gain: float = 1.0,
) -> Tensor:
    """Insert zeros, pad or crop, convolve where the filter fits, keep every `down`-th pixel.

    Args:
        x: (B, C, H, W).
        filter: (T, T'), or (T,) for the outer product with itself.
        up: up - 1 zeros follow each pixel, in each direction.
        down: one of so many pixels is kept, in each direction.
        padding: zeros on the left, right, top and bottom of the enlarged picture; negative crops.
        gain: factor on the result.

    Returns:
        (B, C, H', W'), H' = (H * up + top + bottom - T) // down + 1.
    """
    if filter.ndim == 2:
        return _resample(x, filter * gain, (up, up), (down, down), padding)
    left, right, top, bottom = padding
    x = _resample(x, filter[None] * gain, (1, up), (1, down), (left, right, 0, 0))
    return _resample(x, filter[:, None], (up, 1), (down, 1), (0, 0, top, bottom))


def upsample(x: Tensor, filter: Tensor, factor: int = 2) -> Tensor:
    """(B, C, H, W) to (B, C, H * factor, W * factor)."""
    height, width = filter.shape[0], filter.shape[-1]
    padding = (
        (width + factor - 1) // 2,
        (width - factor) // 2,
        (height + factor - 1) // 2,
        (height - factor) // 2,
    )
    return resample(x, filter, up=factor, padding=padding, gain=factor**2)


def downsample(x: Tensor, filter: Tensor, factor: int = 2) -> Tensor:
    """(B, C, H, W) to (B, C, H / factor, W / factor)."""
    height, width = filter.shape[0], filter.shape[-1]
    padding = (
        (width - factor + 1) // 2,
        (width - factor) // 2,
        (height - factor + 1) // 2,
        (height - factor) // 2,
    )
    return resample(x, filter, down=factor, padding=padding)


def blur(x: Tensor, filter: Tensor) -> Tensor:
    """(B, C, H, W) filtered, at the same size."""
    height, width = filter.shape[0], filter.shape[-1]
    return resample(
        x, filter, padding=(width // 2, (width - 1) // 2, height // 2, (height - 1) // 2)
    )


def upsampling_conv2d(x: Tensor, weight: Tensor, filter: Tensor, groups: int = 1) -> Tensor:
    """Insert zeros, convolve with `weight` and with `filter`: (B, I, H, W) to (B, O, 2 H, 2 W).

    Args:
        x: (B, I, H, W).
        weight: (O, I / groups, k, k), k odd; flipped as in a true convolution, since this is the
            transposed one.
        filter: low-pass filter (T, T) or (T,).
        groups: as in `conv2d`.
    """
    k, taps = weight.shape[-1], filter.shape[-1]
    if k == 1:
        return upsample(conv2d(x, weight, groups=groups), filter)
    transposed = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
    x = conv_transpose2d(x, transposed, stride=2, groups=groups)  # 2 H + k - 2
    before, after = (taps + 1) // 2 - k // 2, taps // 2 - k // 2
    return resample(x, filter, padding=(before, after) * 2, gain=4.0)


def downsampling_conv2d(x: Tensor, weight: Tensor, filter: Tensor, groups: int = 1) -> Tensor:
    """Convolve with `filter`, then with `weight` at every second place: to (B, O, H / 2, W / 2).

    Args:
        x: (B, I, H, W).
        weight: (O, I / groups, k, k), k odd; slides as it is (cross-correlation).
        filter: low-pass filter (T, T) or (T,).
        groups: as in `conv2d`.
    """
    k, taps = weight.shape[-1], filter.shape[-1]
    if k == 1:
        return conv2d(downsample(x, filter), weight, groups=groups)
    before, after = (taps - 1) // 2 + k // 2, taps // 2 - 1 + k // 2
    return conv2d(resample(x, filter, padding=(before, after) * 2), weight, stride=2, groups=groups)


def _resample(
    x: Tensor,
    filter: Tensor,
    up: tuple[int, int],
    down: tuple[int, int],
    padding: tuple[int, int, int, int],
) -> Tensor:
    """`resample` with a two-dimensional filter and factors of their own for (H, W)."""
    C, (height, width) = x.shape[1], filter.shape
    left, right, top, bottom = padding
    kernel = filter.to(x.dtype).expand(C, 1, height, width)
    if up == (1, 1):
        kernel = kernel.flip(2, 3)
        if left == right >= 0 and top == bottom >= 0:  # without a copy
            return conv2d(x, kernel, stride=down, padding=(top, left), groups=C)
        return conv2d(pad(x, padding), kernel, stride=down, groups=C)
    # A transposed convolution skips the products with inserted zeros. What it makes too much:
    left, right = width - 1 - left, width - up[1] - right
    top, bottom = height - 1 - top, height - up[0] - bottom
    if left == right >= 0 and top == bottom >= 0:
        x = conv_transpose2d(x, kernel, stride=up, padding=(top, left), groups=C)
    else:
        x = conv_transpose2d(x, kernel, stride=up, groups=C)
        x = pad(x, (-left, -right, -top, -bottom))
    return x if down == (1, 1) else x[:, :, :: down[0], :: down[1]]
