"""Modulated convolution: "Analyzing and Improving the Image Quality of StyleGAN" (Karras et al.
2020), Section 2.2 and Appendix B."""

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from gan_lab.ops.resample import downsampling_conv2d, upsampling_conv2d

EPSILON = 1e-8


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    *,
    demodulate: bool = True,
    up: int = 1,
    down: int = 1,
    padding: int | None = None,
    filter: Tensor | None = None,
) -> Tensor:
    """Convolve each sample with its own weights: s_i w_oi (Equation 1), to unit norm (Equation 3).

    Args:
        x: (B, I, H, W).
        weight: w (O, I, k, k). As in the reference implementation it slides over the picture as it
            is (cross-correlation) for up = 1, and flipped (convolution) for up = 2.
        styles: s (B, I), one factor for each channel that comes in.
        demodulate: whether each output's weights are brought to norm 1.
        up: 2 doubles the sides, followed by `filter`.
        down: 2 halves the sides, after `filter`.
        padding: zeros on each side for up = down = 1; keeps the size for odd kernels if None.
        filter: low-pass filter (T, T) or (T,); for up or down only.

    Returns:
        (B, O, H', W').
    """
    if x.dtype == torch.float16 and demodulate:  # undone by the demodulation; avoids overflow
        most = weight.abs().amax((1, 2, 3), keepdim=True) * math.sqrt(weight[0].numel())
        weight, styles = weight / most, styles / styles.abs().amax(1, keepdim=True)
    form = grouped if prefers_groups(x) else scaled
    return form(x, weight, styles, demodulate, up, down, padding, filter)


def scaled(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    demodulate: bool,
    up: int,
    down: int,
    padding: int | None,
    filter: Tensor | None,
) -> Tensor:
    """One convolution for all samples, its input scaled by the styles, its output to unit norm."""
    x = x * styles.to(x.dtype)[:, :, None, None]
    x = _convolve(x, weight.to(x.dtype), up, down, padding, filter, 1)
    if demodulate:
        with torch.autocast(x.device.type, enabled=False):
            energy = styles.square() @ weight.square().sum((2, 3)).T  # (B, O)
        x = x * (energy + EPSILON).rsqrt().to(x.dtype)[:, :, None, None]
    return x


def grouped(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    demodulate: bool,
    up: int,
    down: int,
    padding: int | None,
    filter: Tensor | None,
) -> Tensor:
    """One grouped convolution, in which each sample is a group with weights of its own."""
    B, _, H, W = x.shape
    weights = weight * styles[:, None, :, None, None]  # (B, O, I, k, k)
    if demodulate:
        weights = weights * (weights.square().sum((2, 3, 4), keepdim=True) + EPSILON).rsqrt()
    weights = weights.flatten(0, 1).to(x.dtype)
    x = _convolve(x.reshape(1, -1, H, W), weights, up, down, padding, filter, B)
    return x.reshape(B, -1, *x.shape[2:])


def prefers_groups(x: Tensor) -> bool:
    """Which form `modulated_conv2d` takes, by benchmarks/ops.py: on a CPU always the scaled one."""
    return x.is_cuda and not torch.is_grad_enabled()


def _convolve(
    x: Tensor,
    weight: Tensor,
    up: int,
    down: int,
    padding: int | None,
    filter: Tensor | None,
    groups: int,
) -> Tensor:
    if up == 2:
        return upsampling_conv2d(x, weight, filter, groups)
    if down == 2:
        return downsampling_conv2d(x, weight, filter, groups)
    padding = weight.shape[-1] // 2 if padding is None else padding
    return conv2d(x, weight, padding=padding, groups=groups)
