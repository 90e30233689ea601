"""Density and coverage: "Reliable Fidelity and Diversity Metrics" (Naeem et al. 2020), eq. 4, 5.

Density counts in how many real balls a fake lies (one outlier's large ball no longer makes bad
fakes precise); coverage is the share of reals with a fake in their ball.
"""

from torch import Tensor

from gan_lab.metrics.distances import neighbour_radii, squared_distances
from gan_lab.metrics.features import Features, Formula


def density_coverage(
    real: Tensor, fake: Tensor, k: int = 5, *, real_radii: Tensor | None = None
) -> tuple[float, float]:
    """(density, coverage) of fake (M, D) against real (N, D), Naeem et al. 2020, eq. 4 and 5.

    Args:
        k: neighbours that size a ball; 5 in the paper.
        real_radii: (N,) when they are known already.
    """
    squares = (neighbour_radii(real, k) if real_radii is None else real_radii).square()
    inside, covered, start = 0, 0, 0
    for block in squared_distances(real, fake):  # (B, M)
        hits = block < squares[start : start + len(block), None]
        inside += int(hits.sum())
        covered += int(hits.any(dim=1).sum())
        start += len(block)
    return inside / (k * len(fake)), covered / len(real)


class DensityCoverage(Formula):
    """Density and coverage with k = 5.

    Args:
        k: neighbours that size a ball.
        num: at most this many reals and fakes.
    """

    names = ("density", "coverage")
    lower_is_better = False

    def __init__(self, *, k: int = 5, num: int | None = 10_000) -> None:
        super().__init__(num=num)
        self.k = k

    def parameters(self) -> dict[str, int | float]:
        return {"k": self.k}

    def __call__(self, real: Features, fake: Features, data: object) -> tuple[float, float]:
        return density_coverage(real.values, fake.values, self.k, real_radii=real.radii(self.k))
