"""A part of a split: the same rows whatever the seed, and a smaller part lies within a larger."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan_lab.errors import UserError
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
    return Part(reals, kept(len(reals), reals.labels(torch.arange(len(reals))), share))


def kept(num: int, labels: Tensor | None, share: float) -> Tensor:
    """The numbers of those of `num` items that `first_share` takes.

    Args:
        labels: (num,) int64, or None.
    """
    order = torch.randperm(num, generator=generator(SHARE))
    if labels is None:
        return order[: max(1, round(share * num))]
    parts = [order[labels[order] == label] for label in labels.unique()]
    return torch.cat([part[: max(1, round(share * len(part)))] for part in parts]).sort().values


def check_share(share: float) -> None:
    """Refuse what is no share of a training split."""
    if not 0 < share <= 1:
        raise UserError(f"data.train_share={share}: give a share above 0, at most 1")
