"""Rows of tables are their own features, and what the figures of tables share."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan_lab.media.tables import Rows as Medium
from gan_lab.metrics.extractor import Extractor
from gan_lab.metrics.features import Features, Formula
from gan_lab.metrics.protocol import digest
from gan_lab.randomness import EVALUATION, generator

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule

SHUFFLED = 5  # kind of draw under the key EVALUATION


class Rows(Extractor):
    """Rows as a file would hold them: numbers by their mean and deviation, words as one-hots.

    See `gan_lab.media.tables.Rows.features`.
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

    def __call__(self, images: Tensor) -> tuple[Tensor, None]:
        return self.medium.features(images).to(images.device), None


class TableFormula(Formula):
    """A figure of tables. Beside it stand those of two others in the place of the samples:

    - `real`: rows that were kept out of training, fewer than the samples as a rule;
    - `shuffled`: training rows, each column shuffled by itself: columns right, nothing between.

    Args:
        num: at most this many training rows, rows kept out, and samples.
    """

    held_out = "test"

    def __init__(self, *, num: int | None = 10_000) -> None:
        super().__init__(num=num)

    def applies(self, extractor: Extractor, data: "DataModule") -> bool:
        return extractor.name == "rows" and self.held_out in data.splits

    def stand_in(self, real: Features) -> Features:
        """The real rows that stand beside the samples."""
        return real.held_out

    def beside(self, real: Features, data: "DataModule") -> dict[str, tuple[float, ...]]:
        others: dict[str, Callable[[], Features]] = {
            "real": lambda: self.stand_in(real),
            "shuffled": lambda: Features(shuffled(real.values, data.medium)),
        }
        key = (type(self).__name__, str(self.parameters()))
        return {
            name: real.remember((*key, name), lambda make=make: self(real, make(), data))
            for name, make in others.items()
        }


def shuffled(features: Tensor, medium: Medium) -> Tensor:
    """(N, F) with each column of the table in an order of its own."""
    parts = []
    for index, (start, end) in enumerate(medium.feature_spans()):
        draw = generator(EVALUATION, SHUFFLED, index)
        parts.append(features[torch.randperm(len(features), generator=draw), start:end])
    return torch.cat(parts, 1)
