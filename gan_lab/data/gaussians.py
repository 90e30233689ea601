"""Mixtures of Gaussians in the plane, the sets on which mode collapse can be counted.

The ring of 8 and the grid of 25 follow "VEEGAN" (Srivastava et al. 2017) and "Unrolled GANs"
(Metz et al. 2017): ring radius 2 and sigma 0.02, grid spacing 2 and sigma 0.05. Everything is then
scaled so that the outermost centre lies at 0.8, inside the [-1, 1] that samples live in.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gan_lab.data.base import ArrayReals, DataModule, digest
from gan_lab.data.stream import Batch
from gan_lab.errors import UserError
from gan_lab.randomness import POINTS, generator

EXTENT = 0.8  # the farthest coordinate of a centre


def ring() -> tuple[Tensor, float]:
    """Eight centres on a circle: (8, 2) and sigma."""
    angle = torch.arange(8) * (2 * math.pi / 8)
    scale = EXTENT / 2
    return 2 * scale * torch.stack([angle.cos(), angle.sin()], dim=1), 0.02 * scale


def grid() -> tuple[Tensor, float]:
    """Five by five centres: (25, 2) and sigma."""
    line = torch.tensor([-4.0, -2.0, 0.0, 2.0, 4.0])
    scale = EXTENT / 4
    return scale * torch.cartesian_prod(line, line), 0.05 * scale


def spiral() -> tuple[Tensor, float]:
    """A hundred centres along two turns of an Archimedean arm: (100, 2) and sigma.

    They stand 2.8 sigma apart, equally along the arm, so that the density is nearly even on it
    and a piece of the arm that a generator leaves out is a run of missed modes.
    """
    turn = torch.linspace(0.5 * math.pi, 4.5 * math.pi, 10_000, dtype=torch.float64)
    arm = EXTENT * (turn / turn[-1])[:, None] * torch.stack([turn.cos(), turn.sin()], dim=1)
    length = (arm[1:] - arm[:-1]).norm(dim=1).cumsum(0)  # (9999,)
    targets = torch.linspace(0, float(length[-1]), 100, dtype=torch.float64)
    return arm[torch.searchsorted(length, targets).clamp(max=9_999)].float(), 0.02


LAYOUTS = {"ring": ring, "grid": grid, "spiral": spiral}


class Gaussians(DataModule):
    """Points from equally likely Gaussians; a point is an "image" of shape (2,).

    Training draws fresh points in every iteration: the density is the data set, and there is no
    finite sample to memorise. Metrics use fixed samples (`train` and `test` are two of them),
    the same for every seed.

    Args:
        layout: ring (8 modes), grid (25) or spiral (100 along an arm).
        labelled: whether batches carry the mode's number.
        num_points: size of each fixed sample.
        batch_size, seed: see `DataModule`.
    """

    splits = ("train", "test")

    def __init__(
        self,
        *,
        layout: str = "ring",
        labelled: bool = True,
        num_points: int = 10_000,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        if layout not in LAYOUTS:
            raise UserError(f"data.layout={layout}: choose one of {', '.join(LAYOUTS)}")
        if num_points < 1:
            raise UserError(f"data.num_points={num_points}: a sample holds at least 1 point")
        self.centres, self.sigma = LAYOUTS[layout]()
        self.layout = layout
        self.num_points = num_points
        super().__init__(
            name=f"gaussians {layout}",
            shape=(2,),
            num_classes=len(self.centres) if labelled else None,
            batch_size=batch_size,
            seed=seed,
        )

    def modes(self) -> tuple[Tensor, float]:
        """Centres (M, 2) and the standard deviation of each coordinate around them."""
        return self.centres, self.sigma

    def draw(self, count: int, *key: int) -> tuple[Tensor, Tensor]:
        """Points (count, 2) and their modes (count,), a pure function of the key."""
        source = generator(POINTS, *key)
        mode = torch.randint(len(self.centres), (count,), generator=source)
        return self.centres[mode] + self.sigma * torch.randn(count, 2, generator=source), mode

    def load(self, split: str) -> ArrayReals:
        points, mode = self.draw(self.num_points, 0, self.splits.index(split))
        name = digest(self.layout, self.num_points, split, self.num_classes)
        return ArrayReals(points, None if self.num_classes is None else mode, name)

    def minibatches(self, first_row: int, rows: int) -> Callable[[int], Batch]:
        mine = slice(first_row, first_row + rows)

        def make(iteration: int) -> Batch:
            points, mode = self.draw(self.batch_size, 1, self.seed, iteration)
            if self.num_classes is None:
                return {"image": points[mine]}
            return {"image": points[mine], "label": mode[mine]}

        return make
