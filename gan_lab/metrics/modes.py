"""Modes of a Gaussian mixture that points reach: "VEEGAN" (Srivastava et al. 2017), section 5.1.

A point is of high quality when it lies within 3 sigma of a centre; a mode is captured when enough
points of high quality are nearest to it.
"""

import torch
from torch import Tensor

from gan_lab.metrics.features import Features, Formula


def mode_coverage(
    points: Tensor, centres: Tensor, sigma: float, min_points: int = 1
) -> tuple[int, float]:
    """(captured modes, share of points within 3 sigma), Srivastava et al. 2017, section 5.1.

    Args:
        points: (N, D).
        centres: (M, D) of the mixture, each of standard deviation `sigma`.
        min_points: points of high quality that capture a mode.
    """
    nearest = torch.cdist(points.double(), centres.double().to(points.device)).min(dim=1)
    good = nearest.values <= 3 * sigma
    counts = torch.bincount(nearest.indices[good], minlength=len(centres))
    return int((counts >= min_points).sum()), float(good.double().mean())


class ModeCoverage(Formula):
    """Captured modes, and the share of points within 3 sigma of one.

    Args:
        min_points: points of high quality that capture a mode.
    """

    names = ("modes", "within_3_sigma")
    lower_is_better = False

    def __init__(self, *, min_points: int = 1, num: int | None = None) -> None:
        super().__init__(num=num)
        self.min_points = min_points

    def applies(self, extractor, data) -> bool:
        return extractor.name == "points" and getattr(data, "modes", None) is not None

    def parameters(self) -> dict[str, int | float]:
        return {"min_points": self.min_points}

    def __call__(self, real: Features, fake: Features, data) -> tuple[float, float]:
        centres, sigma = data.modes()
        modes, share = mode_coverage(fake.values, centres, sigma, self.min_points)
        return float(modes), share
