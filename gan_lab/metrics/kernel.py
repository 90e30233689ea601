"""Kernel distance (KID): "Demystifying MMD GANs" (Binkowski et al. 2018), section 4.

The squared maximum mean discrepancy with the cubic kernel k(x, y) = (x y / D + 1)^3, in its
unbiased estimate (Gretton et al. 2012, eq. 3): it may fall below zero when the sets are alike.
"""

import numpy as np
from torch import Tensor

from gan_lab.metrics.features import Features, Formula

BLOCK_NUMBERS = 8_000_000  # 64 MB of float64 a block


def kernel_sum(x: np.ndarray, y: np.ndarray) -> float:
    """The sum of k(x_i, y_j) over all pairs of x (N, D) and y (M, D)."""
    step, total = max(1, BLOCK_NUMBERS // len(y)), 0.0
    for start in range(0, len(x), step):
        kernel = x[start : start + step] @ y.T
        kernel /= x.shape[1]
        kernel += 1
        total += float((kernel * kernel * kernel).sum())
    return total


def kernel_diagonal(x: np.ndarray) -> float:
    """The sum of k(x_i, x_i)."""
    return float(((np.square(x).sum(axis=1) / x.shape[1] + 1) ** 3).sum())


def unbiased_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """Gretton et al. 2012, eq. 3, for x (N, D) and y (M, D) in float64."""
    N, M = len(x), len(y)
    within_x = (kernel_sum(x, x) - kernel_diagonal(x)) / (N * (N - 1))
    within_y = (kernel_sum(y, y) - kernel_diagonal(y)) / (M * (M - 1))
    return within_x + within_y - 2 * kernel_sum(x, y) / (N * M)


def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """The unbiased squared MMD of all of real (N, D) and all of fake (M, D)."""
    return unbiased_mmd(real.double().numpy(), fake.double().numpy())


def kernel_distance_of_subsets(
    real: Tensor, fake: Tensor, num_subsets: int = 100, subset_size: int = 1000, seed: int = 2020
) -> float:
    """The mean of the unbiased squared MMD over random subsets: the KID of published tables.

    The subsets are drawn as torch-fidelity draws them, so that equal features and an equal seed
    give an equal figure.
    """
    smaller = min(len(real), len(fake))
    if subset_size > smaller:
        raise ValueError(f"subset_size={subset_size}, but a set has only {smaller}: lower it")
    x, y = fake.double().numpy(), real.double().numpy()
    draw, distances = np.random.RandomState(seed), []
    for _ in range(num_subsets):
        fakes = x[draw.choice(len(x), subset_size, replace=False)]
        reals = y[draw.choice(len(y), subset_size, replace=False)]
        distances.append(unbiased_mmd(fakes, reals))
    return float(np.mean(distances))


class KernelDistance(Formula):
    """The unbiased MMD of the whole sets: no draw of subsets, hence less noise."""

    names = ("kid",)

    def __init__(self, *, num: int | None = 10_000) -> None:
        super().__init__(num=num)

    def applies(self, extractor, data) -> bool:
        return extractor.name != "points"  # for which the energy distance is the better one

    def __call__(self, real: Features, fake: Features, data: object) -> tuple[float]:
        return (kernel_distance(real.values, fake.values),)


class KernelDistanceOfSubsets(Formula):
    """KID as the field computes it: 100 subsets of 1,000.

    Args:
        num_subsets, subset_size: the latter is lowered to the smaller set's size if need be.
        seed: of the draw of subsets; torch-fidelity's.
        num: at most this many reals and fakes.
    """

    names = ("kid",)

    def __init__(
        self,
        *,
        num_subsets: int = 100,
        subset_size: int = 1000,
        seed: int = 2020,
        num: int | None = None,
    ) -> None:
        super().__init__(num=num)
        self.num_subsets, self.subset_size, self.seed = num_subsets, subset_size, seed

    def applies(self, extractor, data) -> bool:
        return extractor.name != "points"

    def parameters(self) -> dict[str, int | float]:
        return {
            "num_subsets": self.num_subsets,
            "subset_size": self.subset_size,
            "subset_seed": self.seed,
        }

    def __call__(self, real: Features, fake: Features, data: object) -> tuple[float]:
        size = min(self.subset_size, len(real), len(fake))
        return (
            kernel_distance_of_subsets(real.values, fake.values, self.num_subsets, size, self.seed),
        )
