"""Penalties on gradients, logits and weights: weights and means stay with the caller.

Those of samples are one value per sample, (B,); `orthogonality` is one number for a weight.
"""

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


def noisy_gradient_penalty(
    discriminator: Callable[[Tensor], Tensor], real: Tensor, noise: Tensor
) -> Tensor:
    """(||grad D(x + delta)|| - 1)^2 around real samples, DRAGAN: Kodali et al. 2017.

    Args:
        discriminator: (B, ...) -> logits (B,).
        real: (B, ...).
        noise: delta (B, ...), such as 0.5 * `self.normal(real, *self.shape)`.
    """
    nearby = (real.float() + noise).detach().requires_grad_()
    norm = squared_gradient_norm(discriminator(nearby), nearby).add(1e-12).sqrt()
    return (norm - 1).square()  # (B,)


def matching_gradient_penalty(
    logits: Tensor, images: Tensor, sentences: Tensor, power: float = 6.0
) -> Tensor:
    """(||d logits / d image|| + ||d logits / d sentence||)^p, MA-GP: Tao et al. 2022, Equation 1.

    At real images with sentences that match, where it makes the surface of the discriminator flat.

    Args:
        logits: (B,), each depending on its own rows of `images` and `sentences` only.
        images: (B, ...), requiring gradients.
        sentences: (B, D), likewise.
        power: p (paper: 6).
    """
    with torch.autocast(logits.device.type, enabled=False):
        gradients = torch.autograd.grad(logits.sum(), (images, sentences), create_graph=True)
        squares = (g.float().flatten(1).square().sum(1) for g in gradients)
        return sum((s + 1e-12).sqrt() for s in squares).pow(power)  # (B,); finite slope at 0


def drift(logits: Tensor) -> Tensor:
    """D(x)^2, which keeps a critic near 0: Karras et al. 2018, Appendix A.1, weighted by 0.001.

    Args:
        logits: (B,) of real samples.
    """
    return logits.square()


def path_lengths(images: Tensor, ws: Tensor, noise: Tensor) -> Tensor:
    """||J_w^T y||_2, how far pictures move with w: Karras et al. 2020 (StyleGAN2), Equation 4.

    Args:
        images: (B, C, H, W), each depending on its own row of `ws` only.
        ws: (B, L, D), requiring gradients; the layers' squared lengths are averaged.
        noise: y (B, C, H, W), standard normal.

    Returns:
        (B,); differentiable. A variant penalises their squared distance from a running mean.
    """
    B, C, H, W = images.shape
    with torch.autocast(images.device.type, enabled=False):
        along = (images.float() * noise).sum() / (H * W) ** 0.5  # lengths do not grow with size
        (gradient,) = torch.autograd.grad(along, ws, create_graph=True)
        return gradient.float().square().sum(2).mean(1).add(1e-12).sqrt()  # finite slope at 0


def consistency(logits: Tensor, augmented_logits: Tensor) -> Tensor:
    """(D(x) - D(T(x)))^2 of samples and their augmentations: Zhao et al. 2020 (bCR), Algorithm 1.

    Args:
        logits: (B,) of real samples, or of fake ones.
        augmented_logits: (B,) of the same samples, augmented.
    """
    return (logits - augmented_logits).square()


def lecam(real: Tensor, fake: Tensor, real_anchor: Tensor, fake_anchor: Tensor) -> Tensor:
    """Squared distance of logits from the other side's usual ones: LeCam, Tseng et al. 2021.

    Args:
        real: logits (B,).
        fake: logits (B,).
        real_anchor: alpha_R, a running mean of real logits, without gradient.
        fake_anchor: alpha_F, the same of fake logits.
    """
    return (real - fake_anchor).square() + (fake - real_anchor).square()


def orthogonality(weight: Tensor) -> Tensor:
    """||W^T W * (1 - I)||_F^2: filters at right angles, of any length; Brock et al. 2019, Eq. 3.

    Args:
        weight: (outputs, inputs, ...) of a linear or convolutional layer; each output is a filter.

    Returns:
        One number; its gradient is cheap, so weigh it (paper: beta = 1e-4) and add it to a loss.
    """
    with torch.autocast(weight.device.type, enabled=False):
        filters = weight.float().flatten(1)
        if len(filters) > filters.shape[1]:  # W W^T and the smaller W^T W have the same norm
            return (filters.T @ filters).square().sum() - filters.square().sum(1).square().sum()
        gram = filters @ filters.T
        return (gram - gram.diagonal().diag()).square().sum()
