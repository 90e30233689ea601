"""How far columns of samples are from those of the training rows, one by one and two by two."""

from collections.abc import Iterator

import numpy as np
import torch
from scipy.stats import ks_2samp, wasserstein_distance
from torch import Tensor

from gan_lab.media.tables import Rows, correlations
from gan_lab.metrics.features import Features
from gan_lab.metrics.rows import TableFormula


def filled(features: Tensor, medium: Rows) -> Iterator[tuple[str, np.ndarray]]:
    """Each column of numbers, scaled as in the features (N, F), without what is missing."""
    for column, scale, (start, end) in zip(
        medium.columns, medium.scales, medium.feature_spans(), strict=True
    ):
        if scale is not None:
            values = features[:, start].double().numpy()
            yield (
                column["name"],
                values[features[:, end - 1].numpy() < 0.5] if column["missing"] else values,
            )


def shares(features: Tensor, medium: Rows) -> Iterator[tuple[str, np.ndarray]]:
    """How often each value of a column of words is had; of numbers, how many are missing."""
    for column, scale, (start, end) in zip(
        medium.columns, medium.scales, medium.feature_spans(), strict=True
    ):
        mean = features[:, start:end].double().mean(0).numpy()
        if scale is None:
            yield column["name"], mean
        elif column["missing"]:
            yield column["name"], np.array([1 - mean[-1], mean[-1]])


def number_distances(real: Tensor, fake: Tensor, medium: Rows) -> dict[str, tuple[float, float]]:
    """Column of numbers -> (1-Wasserstein in its deviations, Kolmogorov-Smirnov).

    Args:
        real, fake: features (N, F) and (M, F). Where one side has only missing values, both are 1.
    """
    found = {}
    for (name, x), (_, y) in zip(filled(real, medium), filled(fake, medium), strict=True):
        if len(x) and len(y):
            found[name] = (float(wasserstein_distance(x, y)), float(ks_2samp(x, y).statistic))
        else:
            found[name] = (1.0, 1.0) if len(x) or len(y) else (0.0, 0.0)
    return found


def total_variations(real: Tensor, fake: Tensor, medium: Rows) -> dict[str, float]:
    """Column of words, or one with missing numbers -> half the sum of |p - q| over its values."""
    return {
        name: float(np.abs(p - q).sum() / 2)
        for (name, p), (_, q) in zip(shares(real, medium), shares(fake, medium), strict=True)
    }


class NumberDistances(TableFormula):
    """1-Wasserstein and Kolmogorov-Smirnov distance, means over the columns of numbers."""

    names = ("wasserstein", "ks")

    def applies(self, extractor, data) -> bool:
        return super().applies(extractor, data) and any(data.medium.scales)

    def __call__(self, real: Features, fake: Features, data) -> tuple[float, float]:
        distances = number_distances(real.values, fake.values, data.medium).values()
        return tuple(float(mean) for mean in np.mean(list(distances), 0))


class TotalVariation(TableFormula):
    """Total variation, the mean over the columns of words and of missing numbers."""

    names = ("total_variation",)

    def applies(self, extractor, data) -> bool:
        if not super().applies(extractor, data):
            return False
        return any(c["kind"] == "word" or c["missing"] for c in data.medium.columns)

    def __call__(self, real: Features, fake: Features, data) -> tuple[float]:
        found = total_variations(real.values, fake.values, data.medium)
        return (float(np.mean(list(found.values()))),)


class CorrelationDifference(TableFormula):
    """Mean |r - r'| over each two features of different columns."""

    names = ("correlation",)

    def applies(self, extractor, data) -> bool:
        return super().applies(extractor, data) and len(data.medium.columns) > 1

    def __call__(self, real: Features, fake: Features, data) -> tuple[float]:
        between = torch.ones(real.values.shape[1], real.values.shape[1], dtype=torch.bool)
        for start, end in data.medium.feature_spans():
            between[start:end, start:end] = False
        difference = correlations(real.values) - correlations(fake.values)
        return (float(difference[between].abs().mean()),)
