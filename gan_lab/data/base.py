"""What every data module promises: its shape, an endless keyed stream, and random access."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import lightning as L
import numpy as np
import torch
from torch import Tensor

from gan_lab.data.share import check_share, first_share
from gan_lab.data.stream import Batch, Batches, Stream, mirror_
from gan_lab.errors import UserError
from gan_lab.media import Medium, usual_medium

# Larger minibatches are prepared by a thread; below, handing over costs more than it hides.
LARGE_BATCH_BYTES = 4 << 20


def data_folder(root: str | Path | None) -> Path:
    """Where downloads live: `root`, else $GAN_LAB_DATA, else ~/.cache/gan_lab/data."""
    return Path(root or os.environ.get("GAN_LAB_DATA") or "~/.cache/gan_lab/data").expanduser()


def cache_folder() -> Path:
    """Where decoded sets are kept: $GAN_LAB_CACHE, else ~/.cache/gan_lab."""
    return Path(os.environ.get("GAN_LAB_CACHE") or "~/.cache/gan_lab").expanduser()


def digest(*parts: object) -> str:
    """16 hex digits that name plain values, bytes or arrays."""
    state = hashlib.blake2b(digest_size=8)
    for part in parts:
        if isinstance(part, np.ndarray):  # piece by piece: it may be mapped, and not fit memory
            step = max(1, (16 << 20) // max(1, part[:1].nbytes))
            for start in range(0, len(part), step):
                piece = np.ascontiguousarray(part[start : start + step])
                state.update(memoryview(piece).cast("B"))
        else:
            state.update(part if isinstance(part, bytes | memoryview) else repr(part).encode())
        state.update(b"\0")
    return state.hexdigest()


class Reals(Protocol):
    """Random access to one split, for minibatches, metrics and grids."""

    def __len__(self) -> int: ...

    def images(self, indices: Tensor | Sequence[int]) -> Tensor:
        """(B,) item numbers -> (B, *shape) as its medium keeps them: uint8 pictures, and so on."""

    def labels(self, indices: Tensor | Sequence[int]) -> Tensor | None:
        """(B,) item numbers -> (B,) int64, or None without labels."""

    def fingerprint(self) -> str:
        """16 hex digits that name the content."""


def item_numbers(indices: Tensor | Sequence[int]) -> np.ndarray:
    """(B,) int64 for NumPy."""
    return torch.as_tensor(indices, dtype=torch.int64).numpy()


class ArrayReals:
    """A split held in memory, or in a file mapped to memory.

    Args:
        images: (N, *shape) as its medium keeps them: uint8 pictures, float32 points.
        labels: (N,) int64, or None.
        known_fingerprint: given where the content's name is known; else the array is hashed.
    """

    def __init__(
        self, images: Tensor, labels: Tensor | None = None, known_fingerprint: str | None = None
    ) -> None:
        # NumPy gathers in the caller's thread: torch would split a small batch over its threads
        # and, on a busy machine, wait milliseconds for the last of them.
        self._images = images.numpy()
        self._labels = None if labels is None else labels.numpy()
        self._fingerprint = known_fingerprint

    def __len__(self) -> int:
        return len(self._images)

    def images(self, indices: Tensor | Sequence[int]) -> Tensor:
        return torch.from_numpy(self._images.take(item_numbers(indices), axis=0))

    def labels(self, indices: Tensor | Sequence[int]) -> Tensor | None:
        if self._labels is None:
            return None
        return torch.from_numpy(self._labels.take(item_numbers(indices)))

    def fingerprint(self) -> str:
        if self._fingerprint is None:
            labels = None if self._labels is None else self._labels.tolist()
            self._fingerprint = digest(self._images, self._images.shape, labels)
        return self._fingerprint


def as_floats(batch: Batch) -> Batch:
    """Bytes 0..255 and 16-bit numbers as floats in [-1, 1]; other numbers as they are."""
    return {name: as_float(value) for name, value in batch.items()}


def as_float(value: Tensor) -> Tensor:
    """uint8 or int16 of any shape to float32 in [-1, 1]; what else there is stays."""
    if value.dtype == torch.uint8:
        return value.float().div_(127.5).sub_(1)
    return value.float().div_(2**15) if value.dtype == torch.int16 else value


@dataclass
class Minibatches:
    """The rows that one process owns of each minibatch: iteration -> {image, label}.

    Args:
        reals: the training split.
        stream: the keyed walk over it.
        batch_size: size B of the whole minibatch, over all processes.
        first_row, rows: which of the B rows are made here.
        mirror: flip half of the draws left to right.
    """

    reals: Reals
    stream: Stream
    batch_size: int
    first_row: int
    rows: int
    mirror: bool

    def __call__(self, iteration: int) -> Batch:
        draws = self.stream.draws(iteration * self.batch_size + self.first_row, self.rows)
        images = self.reals.images(draws)
        labels = self.reals.labels(draws)
        if self.mirror:
            flips = self.stream.flips(iteration, self.batch_size)
            mirror_(images, flips[self.first_row : self.first_row + self.rows])
        return {"image": images} if labels is None else {"image": images, "label": labels}


class DataModule(L.LightningDataModule):
    """A data set as the engine sees it. The constructor looks but reads no pixels.

    A set writes `load(split)`; the stream, the flips and the transfer are here. One whose batches
    hold more than a picture and a label (pairs, domains) writes `rows` and `minibatches` too.

    Attributes:
        gives: what its batches hold.
        facts: attributes that a model's yaml may size its networks by, as `${data.<fact>}`.
        judged_split: the split that outputs are compared with, where the metrics name none.
        truth: what of a batch a model's answer should equal; None where only the set as a whole is
            there to compare with.
        alike: whether all pictures of a split have one size; those that differ are judged one by
            one.
        medium: what its samples are; see `gan_lab.media`.
        calibration_split: of a set for detectors, where thresholds are chosen; None of all others.

    Args:
        name: for humans.
        shape: of a sample: (C, H, W) of a picture, (2,) of a point.
        num_classes: number of labels K, or None for an unlabelled set.
        class_names: K words, where they are known.
        batch_size: size B of the minibatch over all processes together.
        seed: the key of the order and of the flips.
        mirror: flip half of the draws left to right.
        train_share: of the training split, what is used: the same items whatever the seed, so many
            of each class.
    """

    splits: tuple[str, ...] = ("train",)
    gives: tuple[str, ...] = ("image", "label")
    facts: tuple[str, ...] = ("shape", "num_classes", "medium")
    judged_split: str = "train"
    truth: str | None = None
    alike: bool = True
    calibration_split: str | None = None

    def __init__(
        self,
        *,
        name: str,
        shape: tuple[int, ...],
        num_classes: int | None,
        batch_size: int,
        seed: int,
        mirror: bool = False,
        class_names: Sequence[str] | None = None,
        train_share: float = 1.0,
    ) -> None:
        super().__init__()
        check_share(train_share)
        if batch_size < 1:
            raise UserError(f"data.batch_size={batch_size}: a minibatch holds at least 1 picture")
        if mirror and len(shape) == 1:
            raise UserError("data.mirror=true: only pictures can be mirrored; leave it false")
        self.name = name
        self.shape = tuple(shape)
        self.medium: Medium = usual_medium(self.shape)
        self.num_classes = num_classes
        self.class_names = None if class_names is None else list(class_names)
        self.batch_size = batch_size
        self.seed = seed
        self.mirror = mirror
        self.train_share = train_share
        self._reals: dict[str, Reals] = {}

    def load(self, split: str) -> Reals:
        """Read one split; asked once per split."""
        raise NotImplementedError

    def reals(self, split: str = "train") -> Reals:
        """Random access to a split's pictures and labels, read on first use."""
        if split not in self.splits:
            raise UserError(
                f"split={split}: {self.name} has no such split; choose from: "
                + ", ".join(self.splits)
            )
        if split not in self._reals:
            whole = self.load(split)
            share = self.train_share if split == "train" else 1.0
            self._reals[split] = first_share(whole, share)
        return self._reals[split]

    def rows(self, split: str, indices: Tensor | Sequence[int]) -> Batch:
        """The batch of some rows of a split, as the files hold them: neither crops nor flips."""
        reals = self.reals(split)
        batch, labels = {"image": reals.images(indices)}, reals.labels(indices)
        return batch if labels is None else {**batch, "label": labels}

    def truth_of(self, batch: Batch) -> Tensor:
        """What a model's answer to the batch should equal: (B, *shape)."""
        return batch[self.truth]

    def baselines(self, batch: Batch) -> dict[str, Tensor]:
        """Name -> what one gets without learning, in place of a model's answer to the batch."""
        return {}

    def fingerprint(self) -> str:
        """16 hex digits that name the training split's content at this resolution."""
        return self.reals("train").fingerprint()

    def prepare_data(self) -> None:
        self.reals("train")

    def share(self) -> tuple[int, int]:
        """First row and number of rows that this process owns in each minibatch."""
        rank = 0 if self.trainer is None else self.trainer.global_rank
        world = 1 if self.trainer is None else self.trainer.world_size
        rows, rest = divmod(self.batch_size, world)
        if rest:
            raise UserError(
                f"data.batch_size={self.batch_size} does not divide by {world} processes; "
                f"choose a multiple of {world}"
            )
        return rank * rows, rows

    def first_iteration(self) -> int:
        """The iteration at which the stream starts: 0, or where a run is taken up again."""
        module = None if self.trainer is None else self.trainer.lightning_module
        return int(getattr(module, "iteration", 0))

    def on_cuda(self) -> bool:
        """Whether minibatches go to a CUDA device, so that pinned memory pays."""
        return self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"

    def minibatches(self, first_row: int, rows: int) -> Callable[[int], Batch]:
        """iteration -> some rows of its minibatch, a pure function of the seed and these."""
        reals = self.reals("train")
        return Minibatches(
            reals, Stream(len(reals), self.seed), self.batch_size, first_row, rows, self.mirror
        )

    def train_dataloader(self) -> Iterable[Batch]:
        """Endless minibatches of this process: `image` and, where labelled, `label`."""
        first_row, rows = self.share()
        minibatches = self.minibatches(first_row, rows)
        pin = self.on_cuda()

        def make(iteration: int) -> Batch:
            batch = minibatches(iteration)
            return {name: value.pin_memory() for name, value in batch.items()} if pin else batch

        batch_bytes = rows * torch.Size(self.shape).numel()
        ahead = 3 if pin or batch_bytes >= LARGE_BATCH_BYTES else 0
        return Batches(make, self.first_iteration, ahead=ahead)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """uint8 in 0..255 -> float32 in [-1, 1], on the device; points and labels pass through."""
        return as_floats(batch)
