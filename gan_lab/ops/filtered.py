"""Non-linearities without aliasing: "Alias-Free Generative Adversarial Networks" (Karras et al.
2021), Section 3.2 and Appendices C and D.

A pointwise non-linearity makes frequencies that the pixel grid cannot hold. It is applied at a
higher sampling rate instead, between two low-pass filters.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.signal import firwin, kaiser_atten, kaiser_beta
from scipy.special import j1
from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import conv_transpose1d, leaky_relu_, pad

from gan_lab.ops.resample import resample

# Enlarging separably by two matrix products is faster than by transposed convolution up to here.
MOST_MATRIX_PIXELS = {"cpu": 128}
# Devices on which the enlarged picture is kept for the backward pass.
KEEPS_PICTURES = {"cpu"}
aten = torch.ops.aten
Padding = tuple[int, int, int, int]


class Kaiser:
    """Separable low-pass filters: a sinc in Kaiser's window (Appendix C.1)."""

    def __call__(
        self, num_taps: int, cutoff: float, half_width: float, sampling_rate: float
    ) -> Tensor:
        """Taps (T,) with sum 1, to be used along both axes.

        Args:
            num_taps: T.
            cutoff: f_c, where the filter has half its gain.
            half_width: f_h, half the width of the band where it falls.
            sampling_rate: s of the signal that is filtered; all three in cycles per picture.
        """
        taps = firwin(num_taps, cutoff, width=2 * half_width, fs=sampling_rate)
        return torch.as_tensor(taps, dtype=torch.float32)


class Jinc:
    """Radially symmetric low-pass filters: a jinc in Kaiser's window (Appendix C.2).

    They let rotated pictures pass alike.
    """

    def __call__(
        self, num_taps: int, cutoff: float, half_width: float, sampling_rate: float
    ) -> Tensor:
        """Taps (T, T) with sum 1, T even; see `Kaiser`."""
        x = (np.arange(num_taps) - (num_taps - 1) / 2) / sampling_rate
        radius = np.hypot(*np.meshgrid(x, x))  # never 0 for even T
        jinc = j1(2 * np.pi * cutoff * radius) / (np.pi * radius)
        attenuation = kaiser_atten(num_taps, 2 * half_width / (sampling_rate / 2))
        window = np.kaiser(num_taps, kaiser_beta(attenuation))
        taps = jinc * np.outer(window, window)
        return torch.as_tensor(taps / taps.sum(), dtype=torch.float32)


def filtered_leaky_relu(
    x: Tensor,
    bias: Tensor,
    up_filter: Tensor,
    down_filter: Tensor,
    *,
    up: int = 1,
    down: int = 1,
    padding: Padding = (0, 0, 0, 0),
    gain: float = math.sqrt(2),
    slope: float = 0.2,
    clamp: float | None = None,
) -> Tensor:
    """Add bias, enlarge, leaky ReLU, clamp, reduce.

    Differentiable twice. For the backward pass it keeps one number, on a GPU one byte, for each
    enlarged pixel.

    Args:
        x: (B, C, H, W).
        bias: (C,).
        up_filter: (T,) for the outer product with itself, or (T, T).
        down_filter: likewise.
        up: factor of enlarging.
        down: factor of reducing.
        padding: zeros left, right, top and bottom of the enlarged picture; negative crops.
        gain: factor before the clamp.
        slope: of the negative side.
        clamp: largest magnitude at the higher rate; None for no limit.

    Returns:
        (B, C, H', W'), H' = (H * up + top + bottom - T_up + 1 - T_down) // down + 1.
    """
    with torch.autocast(x.device.type, enabled=False):
        x = x + bias.to(x.dtype)[:, None, None]
        # A positive factor may come before the leaky ReLU, and up^2 makes up for inserted zeros.
        enlarge = Resampling(up_filter, up=up, padding=padding, gain=gain * up**2)
        reduce = Resampling(down_filter, down=down)
        if torch.is_grad_enabled() and x.requires_grad:
            return _FilteredLeakyReLU.apply(x, enlarge, reduce, slope, clamp)
        x = leaky_relu_(enlarge(x), slope)
        return reduce(x if clamp is None else x.clamp_(-clamp, clamp))


@dataclass(frozen=True)
class Resampling:
    """A linear map of pictures; see `resample`. Either `up` or `down` is 1."""

    filter: Tensor
    up: int = 1
    down: int = 1
    padding: Padding = (0, 0, 0, 0)
    gain: float = 1.0

    def __call__(self, x: Tensor) -> Tensor:
        most = MOST_MATRIX_PIXELS.get(x.device.type, 512)
        if self.up > 1 and self.filter.ndim == 1 and max(x.shape[2:]) <= most:
            return self.by_matrices(x)
        return resample(
            x, self.filter, up=self.up, down=self.down, padding=self.padding, gain=self.gain
        )

    def by_matrices(self, x: Tensor) -> Tensor:
        """The same for a separable filter and down = 1: its matrix from both sides."""
        left, right, top, bottom = self.padding
        columns = self.gain * self.matrix(x.shape[3], left, right)  # (W, W')
        rows = self.matrix(x.shape[2], top, bottom).T  # (H', H)
        return rows.to(x.dtype) @ (x @ columns.to(x.dtype))

    def matrix(self, size: int, before: int, after: int) -> Tensor:
        """(N, N'): what becomes of each of N pixels in a row."""
        pixels = torch.eye(size, dtype=self.filter.dtype, device=self.filter.device)
        rows = conv_transpose1d(pixels[:, None], self.filter[None, None], stride=self.up)[:, 0]
        taps = len(self.filter)
        return pad(rows, (before - taps + 1, after + self.up - taps))

    def adjoint(self, before: torch.Size, after: torch.Size) -> "Resampling":
        """The transposed map, given the shapes (B, C, H, W) that this one comes from and goes to.

        Args:
            before: of what comes in here, and out of the adjoint.
            after: of what goes out here, and into the adjoint.
        """
        left, _, top, _ = self.padding
        height, width = self.filter.shape[0], self.filter.shape[-1]
        near = width - 1 - left, height - 1 - top
        far = [
            before[side] * self.up - after[side] * self.down + margin - self.up + 1
            for side, margin in ((3, left), (2, top))
        ]
        return replace(
            self,
            filter=self.filter.flip(tuple(range(self.filter.ndim))),
            up=self.down,
            down=self.up,
            padding=(near[0], far[0], near[1], far[1]),
        )


class _FilteredLeakyReLU(Function):
    """Keeps of the enlarged picture only what tells each pixel's slope."""

    @staticmethod
    def forward(
        ctx, x: Tensor, enlarge: Resampling, reduce: Resampling, slope: float, clamp: float | None
    ) -> Tensor:
        y = leaky_relu_(enlarge(x), slope)
        if clamp is not None:
            y.clamp_(-clamp, clamp)
        out = reduce(y)
        ctx.save_for_backward(pieces(y, clamp))
        ctx.slope, ctx.clamp = slope, clamp
        ctx.enlarge = reduce.adjoint(y.shape, out.shape)
        ctx.reduce = enlarge.adjoint(x.shape, y.shape)
        return out

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (piece,) = ctx.saved_tensors
        args = piece, ctx.enlarge, ctx.reduce, ctx.slope, ctx.clamp
        return _Derivative.apply(gradient, *args), None, None, None, None


class _Derivative(Function):
    """Enlarge, multiply by each pixel's slope, reduce: linear in x, and so is its adjoint."""

    @staticmethod
    def forward(
        ctx,
        x: Tensor,
        piece: Tensor,
        enlarge: Resampling,
        reduce: Resampling,
        slope: float,
        clamp: float | None,
    ) -> Tensor:
        y = times_slope(enlarge(x), piece, slope, clamp)
        out = reduce(y)
        ctx.save_for_backward(piece)
        ctx.slope, ctx.clamp = slope, clamp
        ctx.enlarge = reduce.adjoint(y.shape, out.shape)
        ctx.reduce = enlarge.adjoint(x.shape, y.shape)
        return out

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (piece,) = ctx.saved_tensors
        args = piece, ctx.enlarge, ctx.reduce, ctx.slope, ctx.clamp
        return _Derivative.apply(gradient, *args), None, None, None, None, None


def pieces(y: Tensor, clamp: float | None) -> Tensor:
    """What tells the slope of each pixel y (B, C, H, W), the non-linearity's output.

    One byte each: 1 or -1 for its sign, 0 where clamped. On a CPU, where passes over memory cost
    more than memory, y itself.
    """
    if y.device.type in KEEPS_PICTURES:
        return y
    piece = (y > 0).to(torch.int8).mul_(2).sub_(1)
    if clamp is not None:
        piece.masked_fill_(y.abs() >= clamp, 0)
    return piece


def times_slope(x: Tensor, piece: Tensor, slope: float, clamp: float | None) -> Tensor:
    """x (B, C, H, W) times the slope of the non-linearity; see `pieces`."""
    if piece.dtype == torch.int8:
        x = torch.where(piece < 0, x * slope, x)
        return x if clamp is None else x.masked_fill_(piece == 0, 0)
    if clamp is not None:
        x = aten.hardtanh_backward(x, piece.to(x.dtype), -clamp, clamp)
    return aten.leaky_relu_backward(x, piece.to(x.dtype), slope, True)
