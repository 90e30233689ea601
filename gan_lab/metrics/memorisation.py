"""Does a generator copy its training set? The ratio of distances to the nearest training picture.

    median over fakes of min_i |f(fake) - f(train_i)|
    ---------------------------------------------------
    median over held-out of min_i |f(held-out) - f(train_i)|

Copies give 0; fresh draws of the data's distribution give 1; fakes unlike the data more than 1. The
distances are those that the three-sample test of "A Non-Parametric Test to Detect Data-Copying in
Generative Models" (Meehan et al. 2020) ranks; instead of its p-value we give the ratio of their
medians, which does not grow with the number of samples. The figure says nothing of a generator
whose samples are poor: read it beside a Frechet distance.
"""

import torch
from torch import Tensor

from gan_lab.metrics.distances import neighbour_radii, squared_distances
from gan_lab.metrics.features import Features, Formula


def nearest_distances(queries: Tensor, points: Tensor) -> Tensor:
    """(M,) float64 distance of each query (M, D) to the nearest of the points (N, D)."""
    blocks = squared_distances(queries, points)
    return torch.cat([block.amin(dim=1) for block in blocks]).sqrt()


def nearest_neighbour_ratio(train: Tensor, fake: Tensor, held_out: Tensor | None = None) -> float:
    """The ratio above, of features (N, D), (M, D) and (L, D).

    Args:
        held_out: reals kept from training; without any, each training picture in its turn is held
            against all others.
    """
    if held_out is None:
        expected = neighbour_radii(train, 1)
    else:
        expected = nearest_distances(held_out, train)
    return float(nearest_distances(fake, train).median() / expected.median())


class Memorisation(Formula):
    """The nearest-neighbour ratio: 0 for copies, 1 for fresh draws. For a suite of split `train`.

    Args:
        split: held out from training; null takes each training picture against all others, for
            data without such a split.
        num: at most this many training pictures, held-out pictures and fakes. A generator that
            copies pictures outside of these goes unnoticed: null takes all.
    """

    names = ("nn_ratio",)
    lower_is_better = False

    def __init__(self, *, split: str | None = "test", num: int | None = None) -> None:
        super().__init__(num=num)
        self.held_out = split

    def applies(self, extractor, data) -> bool:
        return self.held_out is None or self.held_out in data.splits

    def parameters(self) -> dict[str, str]:
        return {"held_out": self.held_out or "each of train in its turn"}

    def __call__(self, real: Features, fake: Features, data: object) -> tuple[float]:
        held_out = None if self.held_out is None else real.held_out.values
        return (nearest_neighbour_ratio(real.values, fake.values, held_out),)
