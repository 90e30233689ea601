"""Improved precision and recall (Kynkaanniemi et al. 2019), eq. 1 and 2.

Precision: the share of fakes that lie inside the real manifold. Recall: the share of reals that
lie inside the fake manifold. A manifold is the union of balls around its samples, each reaching to
the sample's k-th nearest neighbour.
"""

import torch
from torch import Tensor

from gan_lab.metrics.distances import neighbour_radii, squared_distances
from gan_lab.metrics.features import Features, Formula


def precision_recall(
    real: Tensor,
    fake: Tensor,
    k: int = 3,
    *,
    real_radii: Tensor | None = None,
    fake_radii: Tensor | None = None,
) -> tuple[float, float]:
    """(precision, recall) of fake (M, D) against real (N, D), Kynkaanniemi et al. 2019, eq. 2.

    Args:
        k: neighbours that size a ball; 3 in the paper.
        real_radii, fake_radii: (N,), (M,) when they are known already.
    """
    real_squares = (neighbour_radii(real, k) if real_radii is None else real_radii).square()
    fake_squares = (neighbour_radii(fake, k) if fake_radii is None else fake_radii).square()
    precise = torch.zeros(len(fake), dtype=torch.bool)
    recalled, start = 0, 0
    for block in squared_distances(real, fake):  # (B, M)
        precise |= (block <= real_squares[start : start + len(block), None]).any(dim=0)
        recalled += int((block <= fake_squares).any(dim=1).sum())
        start += len(block)
    return float(precise.double().mean()), recalled / len(real)


class PrecisionRecall(Formula):
    """Improved precision and recall with k = 3.

    Args:
        k: neighbours that size a ball.
        num: at most this many reals and fakes.
    """

    names = ("precision", "recall")
    lower_is_better = False

    def __init__(self, *, k: int = 3, num: int | None = 10_000) -> None:
        super().__init__(num=num)
        self.k = k

    def parameters(self) -> dict[str, int | float]:
        return {"k": self.k}

    def __call__(self, real: Features, fake: Features, data: object) -> tuple[float, float]:
        return precision_recall(
            real.values,
            fake.values,
            self.k,
            real_radii=real.radii(self.k),
            fake_radii=fake.radii(self.k),
        )
