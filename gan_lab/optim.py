"""Optimizers and schedules as a recipe's yaml names them."""

import math
from collections.abc import Callable, Iterable, Sequence

import torch
from torch.nn import Parameter

Optimizer = torch.optim.Optimizer
OptimizerFactory = Callable[[Iterable[Parameter]], Optimizer]
Schedule = Callable[[float], float]  # kimg -> factor on every learning rate, or another number


def adam(
    lr: float,
    betas: Sequence[float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    lazy_every: int | None = None,
) -> OptimizerFactory:
    """Adam (Kingma & Ba 2015), fused into one kernel per step.

    Args:
        lr: step size.
        betas: decay of the first and of the second moment; a yaml integer such as 0 is taken too.
        eps: added to the root of the second moment.
        weight_decay: L2 penalty added to the gradient.
        lazy_every: interval k of a lazy penalty's own steps. They come on top of the others, so lr
            and betas are corrected by c = k / (k + 1) to lr * c and beta ** c (Karras et al. 2020,
            Appendix B).
    """
    c = 1.0 if lazy_every is None else lazy_every / (lazy_every + 1)
    lr, beta1, beta2 = lr * c, *(float(beta) ** c for beta in betas)
    return lambda weights: torch.optim.Adam(
        weights, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay, fused=True
    )


def rmsprop(lr: float, alpha: float = 0.99, eps: float = 1e-8) -> OptimizerFactory:
    """RMSprop (Tieleman & Hinton 2012), the optimizer of the Wasserstein GAN.

    Args:
        lr: step size.
        alpha: decay of the squared gradient's average.
        eps: added to its root.
    """
    return lambda weights: torch.optim.RMSprop(weights, lr=lr, alpha=alpha, eps=eps, foreach=True)


def linear(
    kimg: float, final: float = 0.0, start_kimg: float = 0.0, start_share: float = 0.0
) -> Schedule:
    """1 until it starts, then falling in a straight line to `final` at `kimg`, and constant.

    Args:
        kimg: where the fall ends; usually the run's budget, `${trainer.kimg}`.
        final: factor at the end.
        start_kimg: where it begins.
        start_share: where it begins, as a share of `kimg`, if that is later.
    """
    start_kimg = max(start_kimg, start_share * kimg)
    span = max(kimg - start_kimg, 1e-9)
    return lambda now: 1 - (1 - final) * min(max((now - start_kimg) / span, 0.0), 1.0)


def cosine(
    kimg: float, final: float = 0.0, initial: float = 1.0, start_kimg: float = 0.0
) -> Schedule:
    """`initial` until `start_kimg`, then along half a cosine to `final` at `kimg`, and constant.

    Args:
        kimg: where it ends.
        final: value at the end.
        initial: value at the beginning; 1 for factors on the learning rate.
        start_kimg: where it begins.
    """
    span = max(kimg - start_kimg, 1e-9)

    def value(now: float) -> float:
        passed = min(max((now - start_kimg) / span, 0.0), 1.0)
        return final + (initial - final) * (1 + math.cos(math.pi * passed)) / 2

    return value


def scheduled(value: float | Schedule) -> Schedule:
    """A schedule as it is, a number as the schedule that never changes."""
    return value if callable(value) else lambda kimg: value
