"""Two sets of pictures without partners, A and B, as "Unpaired Image-to-Image Translation using
Cycle-Consistent Adversarial Networks" (Zhu et al. 2017) takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from gan_lab.data.base import DataModule
from gan_lab.data.domain_files import DomainFiles
from gan_lab.data.drawn import DrawnDomains, DrawnStyles
from gan_lab.data.folder import size_of
from gan_lab.data.rows import RowReals, cropped, draw_corners
from gan_lab.data.stream import Batch, Stream, mirror_
from gan_lab.errors import UserError
from gan_lab.randomness import key

NAMES = ("domain_a", "domain_b")


class DomainReals(RowReals):
    """A split of two domains; it is as long as the longer one, and the shorter one begins again.

    As a set to compare with, it is domain B.
    """

    def __init__(self, columns: Mapping[str, Tensor], labels: Tensor | None = None) -> None:
        super().__init__(columns, "domain_b", labels)

    def __len__(self) -> int:
        return max(len(pictures) for pictures in self.columns.values())

    def batch(self, indices: Tensor | Sequence[int], names: Sequence[str] | None = None) -> Batch:
        numbers = torch.as_tensor(indices)
        return {
            name: super(DomainReals, self).batch(numbers % len(self.columns[name]), [name])[name]
            for name in names or self.columns
        }

    def labels(self, indices: Tensor | Sequence[int]) -> Tensor | None:
        return super().labels(torch.as_tensor(indices) % len(self.columns["domain_b"]))


@dataclass
class DomainBatches:
    """The rows that one process owns of each minibatch: iteration -> batch.

    Each domain has a shuffled walk, crops and flips of its own.

    Args:
        reals: the training split.
        seed: of the walks.
        batch_size: rows of the whole minibatch, over all processes.
        first_row, rows: which of them are made here.
        crop: (H, W) cut out at random.
        mirror: flip half of the pictures left to right.
    """

    reals: DomainReals
    seed: int
    batch_size: int
    first_row: int
    rows: int
    crop: tuple[int, int]
    mirror: bool

    def __post_init__(self) -> None:
        self.streams = {
            name: Stream(len(pictures), key(self.seed, number))
            for number, (name, pictures) in enumerate(self.reals.columns.items())
        }

    def __call__(self, iteration: int) -> Batch:
        mine = slice(self.first_row, self.first_row + self.rows)
        batch = {}
        for name, stream in self.streams.items():
            draws = stream.draws(iteration * self.batch_size + self.first_row, self.rows)
            corners = draw_corners(stream.seed, iteration, self.batch_size)[mine]
            batch[name] = cropped(self.reals.batch(draws, [name])[name], self.crop, corners)
            if self.mirror:
                mirror_(batch[name], stream.flips(iteration, self.batch_size)[mine])
        return batch


class DomainSource(Protocol):
    """Where the pictures of two domains come from.

    Attributes:
        name: for humans.
        splits: those there are, `train` among them.
        class_names: of domain B's labels, or None without labels.
        plain: whether pictures are shapes on a plain background, so that outlines can be compared.
    """

    name: str
    splits: tuple[str, ...]
    class_names: list[str] | None
    plain: bool

    def channels(self) -> int:
        """Of the pictures of both domains."""

    def load(
        self, split: str, channels: int, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Pictures of A and of B, (N, C, H, W) uint8, and labels (N,) of B's or None."""


class Unpaired(DataModule):
    """Batches of `domain_a` and `domain_b`, drawn, cut out and flipped independently.

    Args:
        root: folder, .zip or .tar with trainA, trainB and perhaps testA, testB; null draws shapes
            in two palettes, see `DrawnDomains`.
        swap: take A for B and B for A.
        resolution: height and width, or [height, width].
        channels: 1 grey, 3 colour; null looks at a few pictures.
        jitter: pixels that training pictures are larger, to be cut out at random (paper: 286 for
            256, that is 30).
        num: pictures to draw of each domain where there is no root.
        memory_gb: a set of files whose decoded pictures take more is decoded once, into a file of
            the cache that processes share.
        batch_size: rows of a minibatch, each a picture of A and one of B.
        seed, mirror: see `DataModule`.
    """

    drawn: type[DomainSource] = DrawnDomains  # what is drawn where there is no root
    gives = NAMES
    facts = (*DataModule.facts, "source_shape")

    def __init__(
        self,
        *,
        root: str | None = None,
        swap: bool = False,
        resolution: int | Sequence[int] = 32,
        channels: int | None = None,
        jitter: int = 0,
        num: int = 1000,
        memory_gb: float = 0.25,
        batch_size: int = 4,
        seed: int = 0,
        mirror: bool = True,
    ) -> None:
        size = size_of(resolution)
        if jitter < 0:
            raise UserError(f"data.jitter={jitter}: give 0 or more pixels")
        self.domains: DomainSource = (
            self.drawn(num, min(size)) if root is None else DomainFiles(root, memory_gb)
        )
        names = None if swap else self.domains.class_names  # labels are of the files' B
        super().__init__(
            name=self.domains.name,
            shape=(channels or self.domains.channels(), *size),
            num_classes=len(names) if names else None,
            class_names=names,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )
        self.source_shape = self.shape
        self.swap, self.jitter = swap, jitter
        self.plain = self.domains.plain
        self.splits = self.domains.splits
        self.judged_split = "test" if "test" in self.splits else "train"

    def load(self, split: str) -> DomainReals:
        H, W = self.shape[1:]
        room = self.jitter if split == "train" else 0
        a, b, labels = self.domains.load(split, self.shape[0], (H + room, W + room))
        if self.swap:
            a, b, labels = b, a, None
        return DomainReals(dict(zip(NAMES, (a, b), strict=True)), labels)

    def rows(self, split: str, indices: Tensor | Sequence[int]) -> Batch:
        middle = torch.full((len(indices), 2), 0.5)
        batch = self.reals(split).batch(indices)
        return {name: cropped(value, self.shape[1:], middle) for name, value in batch.items()}

    def minibatches(self, first_row: int, rows: int) -> DomainBatches:
        reals, size = self.reals("train"), self.shape[1:]
        return DomainBatches(reals, self.seed, self.batch_size, first_row, rows, size, self.mirror)

    def baselines(self, batch: Batch) -> dict[str, Tensor]:
        """The picture of A as it is."""
        return {"identity": batch["domain_a"]}


class Styles(Unpaired):
    """Contents in domain A and styles in domain B, each picture a style of its own."""

    drawn = DrawnStyles
