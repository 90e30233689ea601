"""Binary neurons: "Estimating or Propagating Gradients Through Stochastic Neurons for Conditional
Computation" (Bengio et al. 2013), as Dong and Yang 2018 use them for notes."""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Binary(torch.autograd.Function):
    """Deterministic: 1 where the sigmoid of x exceeds a half, else -1; no draw is needed.

    Its gradient is that of 2 sigmoid(x) - 1, the "sigmoid-adjusted" straight-through estimator of
    Dong and Yang 2018, of slope 1.
    """

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.where(x > 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        share = x.sigmoid()
        return gradient * 2 * share * (1 - share)


def binary(x: Tensor) -> Tensor:
    """Logits of any shape -> -1 or 1, with a straight-through gradient; see `Binary`."""
    return Binary.apply(x)
