"""Pictures in pairs, a source and its target: "Image-to-Image Translation with Conditional
Adversarial Networks" (Isola et al. 2017) calls them A and B."""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gan_lab.data.base import DataModule
from gan_lab.data.drawn import DrawnPairs
from gan_lab.data.folder import size_of
from gan_lab.data.pair_files import PairFiles
from gan_lab.data.rows import RowBatches, RowReals, cropped
from gan_lab.data.stream import Batch, Stream
from gan_lab.errors import UserError

KEPT_OUT = ("test", "val")  # splits to compare outputs on, the first that there is


class PairSource(Protocol):
    """Where pairs come from.

    Attributes:
        name: for humans.
        splits: those there are, `train` among them.
        class_names: of the targets, or None without labels.
    """

    name: str
    splits: tuple[str, ...]
    class_names: list[str] | None

    def channels(self) -> tuple[int, int]:
        """Of sources and of targets."""

    def load(
        self, split: str, channels: tuple[int, int], size: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Sources and targets (N, C, H, W) uint8, and labels (N,) or None."""


class Pairs(DataModule):
    """Batches of `source` and `target`, cut out and flipped alike.

    Args:
        root: folder, .zip or .tar of pairs, see `PairFiles`; null draws outlines and what fills
            them, see `DrawnPairs`.
        source, target: folders of the two sides; null looks for A and B.
        side_by_side: each picture is a source and its target next to each other.
        reverse: learn to make sources of targets.
        resolution: height and width, or [height, width].
        source_channels, channels: 1 grey, 3 colour; null looks at a few pictures.
        jitter: pixels that training pictures are larger, to be cut out at random (paper: 286 for
            256, that is 30).
        num: pairs to draw where there is no root.
        memory_gb: a set of files whose decoded pictures take more is decoded once, into a file of
            the cache that processes share.
        batch_size, seed, mirror: see `DataModule`.
    """

    gives = ("source", "target")
    facts = (*DataModule.facts, "source_shape")
    truth = "target"

    def __init__(
        self,
        *,
        root: str | None = None,
        source: str | None = None,
        target: str | None = None,
        side_by_side: bool = False,
        reverse: bool = False,
        resolution: int | Sequence[int] = 32,
        source_channels: int | None = None,
        channels: int | None = None,
        jitter: int = 0,
        num: int = 2000,
        memory_gb: float = 0.25,
        batch_size: int = 16,
        seed: int = 0,
        mirror: bool = True,
    ) -> None:
        size = size_of(resolution)
        if jitter < 0:
            raise UserError(f"data.jitter={jitter}: give 0 or more pixels")
        self.pairs: PairSource
        if root is None:
            self.pairs = DrawnPairs(num, min(size))
        else:
            self.pairs = PairFiles(root, source, target, side_by_side, memory_gb)
        found = self.pairs.channels()
        first, second = source_channels or found[0], channels or found[1]
        self.reverse, self.channels = reverse, (first, second)
        if reverse:
            first, second = second, first
        super().__init__(
            name=self.pairs.name,
            shape=(second, *size),
            num_classes=len(self.pairs.class_names) if self.pairs.class_names else None,
            class_names=self.pairs.class_names,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )
        self.source_shape = (first, *size)
        self.jitter = jitter
        self.splits = self.pairs.splits
        self.judged_split = next((s for s in KEPT_OUT if s in self.splits), "train")

    def load(self, split: str) -> RowReals:
        H, W = self.shape[1:]
        room = self.jitter if split == "train" else 0
        source, target, labels = self.pairs.load(split, self.channels, (H + room, W + room))
        if self.reverse:
            source, target = target, source
        return RowReals({"source": source, "target": target}, "target", labels)

    def rows(self, split: str, indices: Tensor | Sequence[int]) -> Batch:
        middle = torch.full((len(indices), 2), 0.5)
        batch = self.reals(split).batch(indices)
        return {name: cropped(value, self.shape[1:], middle) for name, value in batch.items()}

    def minibatches(self, first_row: int, rows: int) -> RowBatches:
        reals, size = self.reals("train"), self.shape[1:]
        stream = Stream(len(reals), self.seed)
        return RowBatches(reals, stream, self.batch_size, first_row, rows, size, self.mirror)

    def baselines(self, batch: Batch) -> dict[str, Tensor]:
        """The source as it is, and the mean of the training targets."""
        source = batch["source"]
        if len(self.mean_target) != source.shape[1]:
            source = source.mean(1, keepdim=True).expand(-1, len(self.mean_target), -1, -1)
        mean = self.mean_target.to(source).expand(len(source), -1, -1, -1)
        return {"identity": source, "mean": mean}

    @cached_property
    def mean_target(self) -> Tensor:
        """(C, H, W) in [-1, 1]."""
        targets = self.reals("train").columns["target"]
        mean = torch.from_numpy(targets.mean(0, dtype=np.float64)).float() / 127.5 - 1
        return interpolate(mean[None], self.shape[1:], mode="bilinear", antialias=True)[0]
