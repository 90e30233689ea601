"""Photographs and their reductions, for super-resolution: "Photo-Realistic Single Image
Super-Resolution Using a Generative Adversarial Network" (Ledig et al. 2017), Section 3.2."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gan_lab import randomness
from gan_lab.data.base import DataModule, digest, item_numbers
from gan_lab.data.photos import Photo, PhotoFiles, SamplePhotos, cut_to_multiple, refuse_small
from gan_lab.data.rows import draw_corners
from gan_lab.data.stream import Batch, Stream, mirror_
from gan_lab.errors import UserError
from gan_lab.ops.bicubic import enlarged, reduced

KEPT_OUT = ("test", "val")  # splits to compare outputs on, the first that there is
SCALES = (2, 4)
TRAINING, JUDGING = 0, 1  # kinds of draws under the key DEGRADATION


class Degradation(Protocol):
    """How a high resolution becomes a low one, where it is not by bicubic reduction."""

    def __call__(self, high: np.ndarray, scale: int, draws: np.random.Generator) -> np.ndarray:
        """(C, H, W) uint8 -> (C, H / scale, W / scale) uint8."""


class PhotoReals:
    """A split: photographs of any sizes, and their reductions.

    Args:
        photos: names and pixels; sides are multiples of `scale`.
        scale: of the reduction.
        degradation: makes the low resolution of each draw; None reduces here, once.
    """

    def __init__(self, photos: Sequence[Photo], scale: int, degradation: Degradation | None):
        self.names = [name for name, _ in photos]
        self.high = [pixels for _, pixels in photos]
        self.scale, self.degradation = scale, degradation
        self.low: list[np.ndarray] = []
        if degradation is None:
            self.low = [reduced(torch.from_numpy(p), scale).numpy() for p in self.high]
        self._fingerprint: str | None = None

    def __len__(self) -> int:
        return len(self.high)

    def images(self, indices: Tensor | Sequence[int]) -> Tensor:
        """(B, C, H, W) uint8, of pictures of one size."""
        return torch.from_numpy(np.stack([self.high[i] for i in item_numbers(indices)]))

    def labels(self, indices: Tensor | Sequence[int]) -> None:
        return None

    def fingerprint(self) -> str:
        if self._fingerprint is None:
            pictures = (part for p in self.high for part in (p.tobytes(), p.shape))
            self._fingerprint = digest(*pictures, self.scale, self.degradation)
        return self._fingerprint

    def crop(
        self, index: int, place: tuple[int, int], size: tuple[int, int], key: tuple[int, ...]
    ) -> tuple[Tensor, Tensor]:
        """A piece of a photograph in both resolutions, (C, h, w) and (C, H, W) uint8.

        Args:
            index: of the photograph.
            place: (top, left) in pixels of the low resolution.
            size: (h, w) of the low resolution.
            key: of the degradation's draws.
        """
        (top, left), (h, w), s = place, size, self.scale
        high = self.high[index][:, s * top : s * (top + h), s * left : s * (left + w)]
        if self.degradation is None:
            low = self.low[index][:, top : top + h, left : left + w]
        else:
            draws = np.random.default_rng(randomness.key(randomness.DEGRADATION, *key))
            low = self.degradation(high, s, draws)
        return torch.from_numpy(low), torch.from_numpy(high)


@dataclass
class CropBatches:
    """The rows that one process owns of each minibatch: iteration -> {low, high}.

    Args:
        reals: the training split.
        stream: the keyed walk over it.
        batch_size: size B of the whole minibatch, over all processes.
        first_row, rows: which of the B rows are made here.
        size: (h, w) of a crop in the low resolution.
        mirror: flip half of the rows left to right.
    """

    reals: PhotoReals
    stream: Stream
    batch_size: int
    first_row: int
    rows: int
    size: tuple[int, int]
    mirror: bool

    def __call__(self, iteration: int) -> Batch:
        first = iteration * self.batch_size + self.first_row
        mine = slice(self.first_row, self.first_row + self.rows)
        corners = draw_corners(self.stream.seed, iteration, self.batch_size)[mine].tolist()
        pairs = []
        for row, index in enumerate(self.stream.draws(first, self.rows).tolist()):
            _, H, W = self.reals.high[index].shape
            room = [side // self.reals.scale - n for side, n in zip((H, W), self.size)]
            place = tuple(int(u * (n + 1)) for u, n in zip(corners[row], room))
            key = (TRAINING, self.stream.seed, first + row)
            pairs.append(self.reals.crop(index, place, self.size, key))
        low, high = (torch.stack(side) for side in zip(*pairs))
        if self.mirror:
            flips = self.stream.flips(iteration, self.batch_size)[mine]
            mirror_(low, flips)
            mirror_(high, flips)
        return {"low": low, "high": high}


class SuperResolution(DataModule):
    """Batches of `low` and `high`, the same place in two resolutions.

    Pictures for testing have sizes of their own: they are judged one by one, and whole. Photographs
    are held in memory, three bytes a pixel (800 of DIV2K: 7 GB).

    Args:
        root: folder, .zip or .tar, see `PhotoFiles`; null takes those of scikit-learn.
        scale: 2 or 4.
        crop: pixels a side of the high resolution's pieces that are trained on.
        shown: of those that are shown side by side, at most.
        channels: 1 grey, 3 colour.
        degradation: how the low resolution comes about; null reduces bicubically.
        batch_size, seed, mirror: see `DataModule`.
    """

    gives = ("low", "high")
    facts = (*DataModule.facts, "source_shape")
    truth = "high"
    alike = False  # sizes differ

    def __init__(
        self,
        *,
        root: str | None = None,
        scale: int = 4,
        crop: int = 64,
        shown: int = 96,
        channels: int = 3,
        degradation: Degradation | None = None,
        batch_size: int = 16,
        seed: int = 0,
        mirror: bool = True,
    ) -> None:
        if scale not in SCALES:
            raise UserError(f"data.scale={scale}: choose 2 or 4")
        if channels not in (1, 3):
            raise UserError(f"data.channels={channels}: choose 1 (grey) or 3 (colour)")
        if crop < 4 * scale or crop % scale:
            lower, upper = crop // scale * scale, -(-crop // scale) * scale
            raise UserError(
                f"data.crop={crop}: give a multiple of data.scale={scale}, {4 * scale} at least,"
                f" such as {max(4 * scale, lower)} or {max(4 * scale, upper)}"
            )
        self.photos = SamplePhotos() if root is None else PhotoFiles(root)
        super().__init__(
            name=self.photos.name,
            shape=(channels, crop, crop),
            num_classes=None,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )
        self.scale, self.shown, self.degradation = scale, shown // scale * scale, degradation
        self.source_shape = (channels, crop // scale, crop // scale)
        self.splits = self.photos.splits
        self.judged_split = next((s for s in KEPT_OUT if s in self.splits), "train")

    def load(self, split: str) -> PhotoReals:
        photos = self.photos.load(split, self.shape[0])
        refuse_small(photos, self.shape[1] if split == "train" else self.scale, "data.crop")
        photos = [(name, cut_to_multiple(pixels, self.scale)) for name, pixels in photos]
        return PhotoReals(photos, self.scale, self.degradation)

    def rows(self, split: str, indices: Tensor | Sequence[int]) -> Batch:
        """The middle of training pictures; of others a single one whole, several their middles."""
        reals, numbers = self.reals(split), item_numbers(indices).tolist()
        sizes = [[side // self.scale for side in reals.high[i].shape[1:]] for i in numbers]
        size = [min(sides) for sides in zip(*sizes)]
        if split == "train":
            size = list(self.source_shape[1:])
        elif len(numbers) > 1:
            size = [min(side, self.shown // self.scale) for side in size]
        pairs = [
            reals.crop(i, tuple((n - m) // 2 for n, m in zip(sides, size)), size, (JUDGING, i))
            for i, sides in zip(numbers, sizes)
        ]
        low, high = (torch.stack(side) for side in zip(*pairs))
        return {"low": low, "high": high}

    def minibatches(self, first_row: int, rows: int) -> Callable[[int], Batch]:
        reals, size = self.reals("train"), self.source_shape[1:]
        stream = Stream(len(reals), self.seed)
        return CropBatches(reals, stream, self.batch_size, first_row, rows, size, self.mirror)

    def baselines(self, batch: Batch) -> dict[str, Tensor]:
        """The low resolution, enlarged."""
        return {"bicubic": enlarged(batch["low"], self.scale)}
