"""Splits whose rows hold several pictures: pairs, domains; cropped and flipped alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lab.data.base import digest, item_numbers
from gan_lab.data.stream import Batch, Stream, mirror_
from gan_lab.randomness import CROP, generator


class RowReals:
    """A split held in memory, or in a file mapped to memory.

    Args:
        columns: name -> (N, ...), the rows' entries as a batch holds them (pictures uint8).
        judged: the column that outputs are compared with as a set.
        labels: (N,) int64 of that column, or None.
    """

    def __init__(
        self, columns: Mapping[str, Tensor], judged: str, labels: Tensor | None = None
    ) -> None:
        self.columns = {name: values.numpy() for name, values in columns.items()}
        self.judged = judged
        self._labels = labels
        self._fingerprint: str | None = None

    def __len__(self) -> int:
        return len(self.columns[self.judged])

    def images(self, indices: Tensor | Sequence[int]) -> Tensor:
        return self.batch(indices, [self.judged])[self.judged]

    def labels(self, indices: Tensor | Sequence[int]) -> Tensor | None:
        return None if self._labels is None else self._labels[torch.as_tensor(indices)]

    def batch(self, indices: Tensor | Sequence[int], names: Sequence[str] | None = None) -> Batch:
        """The rows' entries: name -> (B, ...)."""
        numbers = item_numbers(indices)
        return {
            # `take` would first copy the whole of a column that shares its rows with another.
            name: torch.from_numpy(self.columns[name][numbers])
            for name in names or self.columns
        }

    def fingerprint(self) -> str:
        if self._fingerprint is None:
            columns = sorted(self.columns.items())
            parts = (part for name, values in columns for part in (name, values, values.shape))
            self._fingerprint = digest(*parts)
        return self._fingerprint


@dataclass
class RowBatches:
    """The rows that one process owns of each minibatch: iteration -> batch.

    Args:
        reals: the training split.
        stream: the keyed walk over it.
        batch_size: size B of the whole minibatch, over all processes.
        first_row, rows: which of the B rows are made here.
        crop: (H, W) cut out at random, at one place in all pictures of a row.
        mirror: flip half of the rows left to right, all pictures of a row alike.
    """

    reals: RowReals
    stream: Stream
    batch_size: int
    first_row: int
    rows: int
    crop: tuple[int, int]
    mirror: bool

    def __call__(self, iteration: int) -> Batch:
        draws = self.stream.draws(iteration * self.batch_size + self.first_row, self.rows)
        mine = slice(self.first_row, self.first_row + self.rows)
        corners = draw_corners(self.stream.seed, iteration, self.batch_size)[mine]
        flips = self.stream.flips(iteration, self.batch_size)[mine]
        batch = {}
        for name, pictures in self.reals.batch(draws).items():
            batch[name] = cropped(pictures, self.crop, corners)
            if self.mirror:
                mirror_(batch[name], flips)
        return batch


def draw_corners(seed: int, iteration: int, batch_size: int) -> Tensor:
    """Where a whole minibatch's crops lie: (B, 2) in [0, 1), from the top and from the left."""
    return torch.rand(batch_size, 2, generator=generator(CROP, seed, iteration))


def cropped(pictures: Tensor, size: tuple[int, int], corners: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, *size), each cut out at its own place (B, 2) in [0, 1)."""
    room = [n - m for n, m in zip(pictures.shape[-2:], size, strict=True)]
    if room == [0, 0]:
        return pictures
    places = (corners * (torch.tensor(room) + 1)).long().tolist()
    return torch.stack(
        [
            picture[..., top : top + size[0], left : left + size[1]]
            for picture, (top, left) in zip(pictures, places, strict=True)
        ]
    )
