"""Frechet distance: "GANs Trained by a Two Time-Scale Update Rule" (Heusel et al. 2017), eq. 6.

With the features of Inception-V3 this is FID; the distance itself is Frechet's, between Gaussians
(Dowson and Landau 1982, eq. 4).
"""

import math

import numpy as np
from torch import Tensor

from gan_lab.metrics.features import Features, Formula


class Moments:
    """Mean and covariance of a stream of features, summed in float64.

    The sums run over differences from the first block's mean, so that features far from zero keep
    their digits.
    """

    def __init__(self) -> None:
        self.count = 0

    def update(self, features: Tensor) -> "Moments":
        """Add a block of features (B, D)."""
        for block in features.split(1024):
            self.add(block.double().cpu().numpy())
        return self

    def add(self, block: np.ndarray) -> None:
        if self.count == 0:
            D = block.shape[1]
            self.shift = block.mean(axis=0)
            self.sum, self.products = np.zeros(D), np.zeros((D, D))
        block = block - self.shift
        self.count += len(block)
        self.sum += block.sum(axis=0)
        self.products += block.T @ block  # NumPy takes the symmetric product: half the work

    @property
    def mean(self) -> np.ndarray:
        """(D,) float64."""
        return self.shift + self.sum / self.count

    @property
    def covariance(self) -> np.ndarray:
        """(D, D) float64, divided by N - 1 as `numpy.cov` does."""
        if self.count < 2:
            raise ValueError(f"a covariance needs at least 2 samples, there are {self.count}")
        products = self.products - np.outer(self.sum, self.sum / self.count)
        return products / (self.count - 1)


def frechet_distance(
    mean1: np.ndarray | Tensor,
    cov1: np.ndarray | Tensor,
    mean2: np.ndarray | Tensor,
    cov2: np.ndarray | Tensor,
) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), Heusel et al. 2017, eq. 6.

    Args:
        mean1, mean2: (D,).
        cov1, cov2: (D, D), symmetric, not negative; may be singular (fewer samples than D).
    """
    mean1, cov1, mean2, cov2 = (np.asarray(x, np.float64) for x in (mean1, cov1, mean2, cov2))
    if not all(np.isfinite(x).all() for x in (mean1, cov1, mean2, cov2)):
        return math.nan
    difference = mean1 - mean2
    trace = np.trace(cov1) + np.trace(cov2) - 2 * trace_of_root(cov1, cov2)
    return float(difference @ difference + trace)


def trace_of_root(cov1: np.ndarray, cov2: np.ndarray) -> float:
    """tr((C1 C2)^(1/2)) without a matrix square root.

    With C = L L^T for both, C1 C2 has the eigenvalues of the symmetric G^T G, G = L1^T L2, which a
    symmetric solver finds in a fraction of the time and to more digits.
    """
    product = root(cov1).T @ root(cov2)
    squares = np.linalg.eigvalsh(product.T @ product)
    return float(np.sqrt(squares.clip(min=0)).sum())  # rounding may leave -1e-17 for 0


def root(cov: np.ndarray) -> np.ndarray:
    """Any L with L L^T = C: Cholesky's, or where C is singular its eigenvectors, scaled."""
    try:
        return np.linalg.cholesky(cov)
    except np.linalg.LinAlgError:
        eigenvalues, eigenvectors = np.linalg.eigh(cov)
        known = eigenvalues > 0
        return eigenvectors[:, known] * np.sqrt(eigenvalues[known])


class FrechetDistance(Formula):
    """FD of the real and the fake features (FID when they are Inception's)."""

    names = ("fd",)

    def __call__(self, real: Features, fake: Features, data: object) -> tuple[float]:
        real_moments, fake_moments = real.moments(), fake.moments()
        return (
            frechet_distance(
                real_moments.mean,
                real_moments.covariance,
                fake_moments.mean,
                fake_moments.covariance,
            ),
        )
