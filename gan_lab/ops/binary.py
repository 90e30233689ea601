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


class OneAtMost(torch.autograd.Function):
    """Forward 1 at the largest logit of the last axis if it is above 0, else -1.

    Its gradient is that of 2 softmax(0, x) - 1, where the 0 stands for none of them: with a single
    logit that of `Binary`.
    """

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        largest, place = x.max(-1, keepdim=True)
        return torch.full_like(x, -1).scatter(
            -1, place, torch.where(largest > 0, 1, -1).to(x.dtype)
        )

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        share = torch.nn.functional.pad(x, (1, 0)).softmax(-1)[..., 1:]
        return 2 * share * (gradient - (gradient * share).sum(-1, keepdim=True))


def one_at_most(x: Tensor) -> Tensor:
    """Logits (..., n) -> -1 or 1, at most one of the n is 1; see `OneAtMost`."""
    return OneAtMost.apply(x)
