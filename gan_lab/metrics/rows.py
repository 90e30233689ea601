"""Rows of tables are their own features."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan_lab.media.tables import Rows as Medium
from gan_lab.metrics.extractor import Extractor
from gan_lab.metrics.features import Features, Formula
from gan_lab.metrics.protocol import digest
from gan_lab.randomness import EVALUATION, generator

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule, Reals

SHUFFLED = 5  # kind of draw under the key EVALUATION
MOST_BESIDE = 10_000  # rows of what stands beside


class Rows(Extractor):
    """Rows as a file would hold them: numbers by their mean and deviation, words as one-hots.

    See `gan_lab.media.tables.Rows.features`. Beside each figure stand those of two others in the
    place of the samples: `test`, rows that were kept out of training, and `shuffled`, training rows
    with each column shuffled by itself: columns right, and nothing between them.
    """

    name = "rows"

    def unsuited(self, data: "DataModule") -> str | None:
        if isinstance(data.medium, Medium):
            return None
        return f"{data.name} is no table: choose metrics=auto"

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        self.medium = data.medium
        self.dim = self.medium.feature_spans()[-1][1]
        self.fingerprint = digest({"columns": self.medium.columns, "scales": self.medium.scales})
        train, test = (self.beginning(data.reals(split)) for split in ("train", "test"))
        self.beside = {
            "test": Features(test),
            "shuffled": Features(shuffled(train, self.medium)),
        }

    def beginning(self, reals: "Reals") -> Tensor:
        """Features (N, F) of the first rows of a split."""
        return self.medium.features(reals.images(range(min(len(reals), MOST_BESIDE))))

    def __call__(self, images: Tensor) -> tuple[Tensor, None]:
        return self.medium.features(images).to(images.device), None


class TableFormula(Formula):
    """A figure of tables.

    Args:
        num: at most this many training rows, and samples.
    """

    def __init__(self, *, num: int | None = MOST_BESIDE) -> None:
        super().__init__(num=num)

    def applies(self, extractor: Extractor, data: "DataModule") -> bool:
        return extractor.name == "rows"


def shuffled(features: Tensor, medium: Medium, seed: int = 0) -> Tensor:
    """(N, F) with each column of the table in an order of its own."""
    parts = []
    for index, (start, end) in enumerate(medium.feature_spans()):
        draw = generator(EVALUATION, SHUFFLED, index, seed)
        parts.append(features[torch.randperm(len(features), generator=draw), start:end])
    return torch.cat(parts, 1)
