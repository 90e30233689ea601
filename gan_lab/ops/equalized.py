"""Layers with an equalised learning rate: "Progressive Growing of GANs for Improved Quality,
Stability, and Variation" (Karras et al. 2018), Section 4.1.

Weights are drawn from N(0, 1) and scaled by He's constant at run time, so that Adam's steps are
equally large, relative to the weights, in every layer.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu, linear

SLOPE = 0.2


class EqualizedLinear(nn.Module):
    """x (..., inputs) to x W^T / sqrt(inputs) + b, (..., outputs).

    Args:
        inputs: features that come in.
        outputs: features that go out.
        bias: whether to add b.
        bias_init: what the added bias is at first.
        lr_multiplier: learns at this multiple of the optimizer's rate: the stored weight and bias
            are that much larger, what they add up to is that much smaller.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        bias_init: float = 0.0,
        lr_multiplier: float = 1.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_multiplier)
        start = torch.full((outputs,), bias_init / lr_multiplier)
        self.bias = nn.Parameter(start) if bias else None
        self.gain, self.lr_multiplier = lr_multiplier / math.sqrt(inputs), lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        bias = self.bias
        if bias is not None and self.lr_multiplier != 1:
            bias = bias * self.lr_multiplier
        return linear(x * self.gain, self.weight, bias)  # rows are less to scale than the weight


class EqualizedConv2d(nn.Module):
    """x (B, inputs, H, W) convolved with W / sqrt(inputs * kernel^2), plus b.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        kernel: side of the square kernel.
        bias: whether to add b, 0 at first.
        stride: as in `nn.Conv2d`.
        padding: as in `nn.Conv2d`; keeps the size for odd kernels if None.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        bias: bool = True,
        stride: int = 1,
        padding: int | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.gain = 1 / math.sqrt(inputs * kernel**2)
        self.stride, self.padding = stride, kernel // 2 if padding is None else padding

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight * self.gain, self.bias, self.stride, self.padding)


def scaled_leaky_relu(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2, times sqrt(2): keeps the second moment of N(0, 1), roughly."""
    return leaky_relu(x, SLOPE) * math.sqrt(2)
