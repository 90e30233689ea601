"""Intra-class Frechet distance: "cGANs with Projection Discriminator" (Miyato and Koyama 2018),
Section 5: does a generator that takes labels obey them?"""

import math

import torch

from gan_lab.metrics.features import Features, Formula
from gan_lab.metrics.frechet import Moments, frechet_distance


class IntraClassDistance(Formula):
    """FD of each class's fakes to its reals, averaged over classes; nan if one has too few fakes.

    Beside it stands the value of each class. The fewer samples a class has, the larger the value:
    it grows about as (number of features) / (samples of a class).

    Args:
        num: at most this many reals and fakes, of all classes together.
    """

    names = ("intra_fd",)
    needs_labels = True

    def applies(self, extractor, data) -> bool:
        return data.num_classes is not None

    def facts(self, real: Features, fake: Features) -> dict[str, float]:
        return {f"fd_of_class_{k}": fd for k, fd in distances_by_class(real, fake).items()}

    def __call__(self, real: Features, fake: Features, data: object) -> tuple[float]:
        distances = distances_by_class(real, fake).values()
        return (sum(distances) / len(distances) if distances else math.nan,)


def distances_by_class(real: Features, fake: Features) -> dict[int, float]:
    """Class -> FD, for each class with at least two reals; nan with fewer than two fakes."""

    def compute() -> dict[int, float]:
        reals, fakes = moments_by_class(real), moments_by_class(fake)
        return {
            k: frechet_distance(m.mean, m.covariance, fakes[k].mean, fakes[k].covariance)
            if k in fakes
            else math.nan
            for k, m in reals.items()
        }

    return fake.remember(("distances_by_class",), compute)


def moments_by_class(features: Features) -> dict[int, Moments]:
    """Class -> moments of its features, for each class with at least two samples."""

    def compute() -> dict[int, Moments]:
        classes, counts = torch.unique(features.labels, return_counts=True)
        return {
            k: Moments().update(features.values[features.labels == k])
            for k in classes[counts >= 2].tolist()
        }

    return features.remember(("moments_by_class",), compute)
