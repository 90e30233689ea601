"""Energy distance of two sets of points (Szekely and Rizzo 2013), eq. 2.5.

It vanishes only when the distributions are equal, so it sees a lost mode that the Frechet distance,
which knows means and covariances alone, can miss.
"""

from torch import Tensor

from gan_lab.metrics.distances import squared_distances
from gan_lab.metrics.features import Features, Formula


def energy_distance(real: Tensor, fake: Tensor) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| of real (N, D) and fake (M, D), unbiased."""
    N, M = len(real), len(fake)
    between = total_distance(real, fake) / (N * M)
    within_real = total_distance(real, real) / (N * (N - 1))
    within_fake = total_distance(fake, fake) / (M * (M - 1))
    return 2 * between - within_real - within_fake


def total_distance(x: Tensor, y: Tensor) -> float:
    """The sum of |x_i - y_j| over all pairs."""
    return sum(float(block.sqrt().sum()) for block in squared_distances(x, y))


class EnergyDistance(Formula):
    """The unbiased energy distance.

    Args:
        num: at most this many reals and fakes.
    """

    names = ("energy",)

    def __init__(self, *, num: int | None = 5000) -> None:
        super().__init__(num=num)

    def applies(self, extractor, data) -> bool:
        return extractor.name in ("points", "rows")

    def __call__(self, real: Features, fake: Features, data: object) -> tuple[float]:
        return (energy_distance(real.values, fake.values),)
