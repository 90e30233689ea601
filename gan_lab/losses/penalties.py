"""Gradient penalties, one value per sample (B,): weights and means stay with the caller."""

from collections.abc import Callable

import torch
from torch import Tensor


def squared_gradient_norm(logits: Tensor, inputs: Tensor) -> Tensor:
    """||d logits / d inputs||^2 per sample, itself differentiable.

    At real samples this is R1, at fakes R2 (Mescheder et al. 2018, Equations 9 and 10).

    Args:
        logits: (B,), each depending on its own row of `inputs` only.
        inputs: (B, ...), requiring gradients.
    """
    with torch.autocast(logits.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
        return gradient.float().flatten(1).square().sum(1)  # (B,)


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, position: Tensor
) -> Tensor:
    """(||grad D(x_hat)|| - 1)^2 between real and fake: Gulrajani et al. 2017, Equation 3.

    Args:
        critic: (B, ...) -> logits (B,).
        real: (B, ...).
        fake: (B, ...).
        position: epsilon in [0, 1), (B, 1, ...): 1 is the real end.
    """
    # Under autocast a generator returns half precision; the line between is drawn in float32.
    between = torch.lerp(fake.float(), real.float(), position).detach().requires_grad_()
    norm = squared_gradient_norm(critic(between), between).add(1e-12).sqrt()  # finite slope at 0
    return (norm - 1).square()  # (B,)
