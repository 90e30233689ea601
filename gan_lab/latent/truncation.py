"""The truncation trick as a picture: fidelity against variety (Brock et al. 2019, Section 3.1)."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from gan_lab.latent.space import LatentSpace, Order
from gan_lab.models.base import GAN
from gan_lab.pictures import grid, save


class Truncation:
    """A .png with one sample in each row, psi growing from left to right.

    psi scales z, or draws w towards its mean where the generator maps z to w (Karras et al. 2019,
    Appendix B).

    Args:
        psis: the columns.
    """

    def __init__(self, *, psis: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0)) -> None:
        if not psis:
            raise ValueError("mode.psis=[]: give at least one")
        self.psis = list(psis)

    def __call__(self, gan: GAN, order: Order) -> Path:
        path = order.path(f"truncation-seed{order.seed}-{order.num}", ".png")
        columns = []
        for psi in self.psis:
            space = LatentSpace(gan, replace(order, truncation=psi))
            columns.append(space.pictures(*space.draw(order.num)))
        save(grid(torch.stack(columns, 1).flatten(0, 1), len(self.psis)), path)
        return path
