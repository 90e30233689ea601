"""A part of a split: the same rows whatever the seed, and a smaller part lies within a larger."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan_lab.randomness import SHARE, generator

if TYPE_CHECKING:
    from gan_lab.data.base import Reals


class Part:
    """Some items of a split.

    Args:
        whole: the split.
        chosen: (n,) item numbers of it.
    """

    def __init__(self, whole: "Reals", chosen: Tensor) -> None:
        self.whole, self.chosen = whole, chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def images(self, indices: Tensor | Sequence[int]) -> Tensor:
        return self.whole.images(self.chosen[torch.as_tensor(indices)])

    def labels(self, indices: Tensor | Sequence[int]) -> Tensor | None:
        return self.whole.labels(self.chosen[torch.as_tensor(indices)])

    def fingerprint(self) -> str:
        from gan_lab.data.base import digest

        return digest(self.whole.fingerprint(), self.chosen.tolist())


def first_share(reals: "Reals", share: float) -> "Reals":
    """So many of each class, rounded, one at least; of all items where they have no labels.

    Args:
        share: of the items, above 0 and at most 1.
    """
    if share == 1:
        return reals
    order = torch.randperm(len(reals), generator=generator(SHARE))
    labels = reals.labels(order)
    if labels is None:
        return Part(reals, order[: max(1, round(share * len(order)))])
    parts = [order[labels == label] for label in labels.unique()]
    kept = torch.cat([part[: max(1, round(share * len(part)))] for part in parts])
    return Part(reals, kept.sort().values)
