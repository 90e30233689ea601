"""Directions that change a sample in an interpretable way, found without labels.

Closed form: "Closed-Form Factorization of Latent Semantics in GANs" (SeFa, Shen & Zhou 2021).
Principal components: "GANSpace: Discovering Interpretable GAN Controls" (Harkonen et al. 2020).
"""

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from gan_lab.errors import UserError
from gan_lab.latent.space import LatentSpace, Order, StyleSpace
from gan_lab.models.base import GAN
from gan_lab.pictures import grid, save


def sefa(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvectors of A^T A, the largest first: what the first affine step amplifies most (Eq. 4).

    Args:
        weight: A, (outputs, D).

    Returns:
        directions (D, D), one unit vector in each row, and their eigenvalues (D,).
    """
    values, vectors = torch.linalg.eigh(weight.double().T @ weight.double())
    return vectors.T.flip(0).float(), values.flip(0).float()


def principal(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Principal components of codes (N, D), the largest variance first.

    Returns:
        directions (D, D), one unit vector in each row, and standard deviations along them (D,).
    """
    centred = (codes - codes.mean(0)).double()
    _, singular, directions = torch.linalg.svd(centred, full_matrices=False)
    return directions.float(), (singular / (len(codes) - 1) ** 0.5).float()


def first_layers(network: nn.Module, width: int) -> list[Tensor]:
    """Weights (outputs, width) of the layers that a latent of `width` numbers enters.

    Of a style-based synthesis these are all affine maps of w, else the first layer alone.
    """
    found = []
    for module in network.modules():
        weight = getattr(module, "weight", None)
        if not torch.is_tensor(weight):
            continue
        if isinstance(module, nn.ConvTranspose2d) and len(weight) == width:
            found.append(weight.detach().flatten(1).T)
        elif weight.ndim == 2 and weight.shape[1] >= width and not isinstance(module, nn.Embedding):
            found.append(weight.detach()[:, :width])  # a label's part may follow
    return found


class Directions:
    """A .png: the sample in the middle column, moved along a direction to both sides.

    Each row is a direction, for one sample; give `num` for more samples.

    Args:
        method: `sefa`, the closed form, or `ganspace`, principal components of w.
        count: directions.
        reach: how far the outer columns are: in standard deviations along the direction for
            ganspace, in units of the latent for sefa.
        steps: columns, an odd number.
        num_codes: codes whose principal components are taken.
    """

    def __init__(
        self,
        *,
        method: Literal["sefa", "ganspace"] = "sefa",
        count: int = 6,
        reach: float = 3.0,
        steps: int = 7,
        num_codes: int = 10_000,
    ) -> None:
        if steps < 3 or steps % 2 == 0:
            raise ValueError(f"mode.steps={steps}: give an odd number from 3 up")
        if count < 1:
            raise ValueError(f"mode.count={count}: give at least 1")
        self.method, self.count, self.reach = method, count, reach
        self.steps, self.num_codes = steps, num_codes

    def __call__(self, gan: GAN, order: Order) -> Path:
        path = order.path(f"{self.method}-seed{order.seed}-{order.num}", ".png")
        space, directions = FINDERS[self.method](gan, order, self.num_codes)
        if self.count > len(directions):
            raise UserError(f"mode.count={self.count}: there are {len(directions)} directions")
        codes, label = space.draw(order.num)
        t = torch.linspace(-self.reach, self.reach, self.steps)
        moves = t[:, None] * directions[: self.count, None]  # (count, steps, D)
        if codes.ndim == 3:  # the same move for every layer's w
            moves = moves[..., None, :]
        ways = codes[:, None, None] + moves  # (N, count, steps, ...)
        if label is not None:
            label = label.repeat_interleave(self.count * self.steps)
        save(grid(space.pictures(ways.flatten(0, 2), label), self.steps), path)
        return path


def closed_form(gan: GAN, order: Order, num_codes: int) -> tuple[LatentSpace, Tensor]:
    """SeFa's directions in w where there is one, else in z."""
    style_based = hasattr(gan.generator, "mapping")
    space = (StyleSpace if style_based else LatentSpace)(gan, order)
    if style_based:
        weights = first_layers(space.network.synthesis, space.network.w_dim)
    else:
        weights = first_layers(space.network, gan.latent_dim)[:1]
    if not weights:
        raise UserError(
            f"mode.method=sefa: {type(gan.generator).__name__} has no affine layer that takes its"
            " latent; choose mode.method=ganspace"
        )
    unit = [weight / weight.norm(dim=1, keepdim=True).clamp_min(1e-12) for weight in weights]
    return space, sefa(torch.cat(unit).cpu())[0]


def components(gan: GAN, order: Order, num_codes: int) -> tuple[LatentSpace, Tensor]:
    """GANSpace's directions in w, each as long as its standard deviation."""
    space = StyleSpace(gan, order)
    codes, _ = space.draw(num_codes, stream=1)
    directions, deviations = principal(codes[:, 0])
    return space, directions * deviations[:, None]


FINDERS = {"sefa": closed_form, "ganspace": components}
