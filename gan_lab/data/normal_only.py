"""What every set for detectors promises: normal samples to learn from, both kinds to be judged by.

`train` holds normal samples alone. `val` holds normal samples that training never sees, and
anomalies only where the set says so: thresholds are chosen on it. `test` holds both. The label of a
row of `val` and `test` is 1 where it is anomalous.
"""

import torch
from torch import Tensor

from gan_lab.data.base import DataModule
from gan_lab.errors import UserError
from gan_lab.randomness import generator

NORMAL, ANOMALOUS = 0, 1
PART = 0x616E  # first integer of the keys that deal samples to the parts


class NormalOnly(DataModule):
    """A set for detectors. A subclass writes `load`."""

    splits = ("train", "val", "test")
    judged_split = "test"
    calibration_split = "val"

    def anomalous(self, split: str) -> Tensor:
        """(N,) bool of `val` or `test`."""
        reals = self.reals(split)
        return reals.labels(range(len(reals))) == ANOMALOUS


def refuse_shares(**shares: float) -> None:
    """Refuse options of the data that are no shares of it."""
    for option, share in shares.items():
        if not 0 < share < 1:
            raise UserError(f"data.{option}={share}: give a share between 0 and 1")


def dealt(num: int, share: float, *key: int) -> tuple[Tensor, Tensor]:
    """Item numbers 0..num-1 in two parts, drawn at random: the rest, and `share` of them."""
    order = dealer(num, *key)
    taken = round(share * num)
    return order[taken:].sort().values, order[:taken].sort().values


def dealer(num: int, *key: int) -> Tensor:
    """0..num-1 in a random order that is a function of the key."""
    return torch.randperm(num, generator=generator(PART, *key))
