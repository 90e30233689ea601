"""Rows of T frames, of which the first are given and the others are to be foreseen."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gan_lab.data.base import DataModule, digest, item_numbers
from gan_lab.data.rows import RowBatches, cropped
from gan_lab.data.stream import Batch, Stream
from gan_lab.errors import UserError


class SequenceReals:
    """Windows of T frames of a split; one that keeps no frames overrides `videos`.

    Args:
        frames: (N, C, h, w) uint8, clip after clip.
        starts: (n,) first frames of the windows.
        context: frames of a window that are given.
        shape: (horizon, C, H, W) of the others, cut out of the middle.
    """

    def __init__(
        self, frames: np.ndarray, starts: np.ndarray, context: int, shape: tuple[int, ...]
    ) -> None:
        self.frames, self.starts = frames, starts
        self.context, self.shape = context, shape
        self._fingerprint: str | None = None

    def __len__(self) -> int:
        return len(self.starts)

    def videos(self, numbers: np.ndarray) -> np.ndarray:
        """(B,) windows -> (B, T, C, h, w) uint8."""
        length = self.context + self.shape[0]
        return self.frames[self.starts[numbers][:, None] + np.arange(length)]

    def batch(self, indices: Tensor | Sequence[int]) -> Batch:
        return {"video": torch.from_numpy(self.videos(item_numbers(indices)))}

    def images(self, indices: Tensor | Sequence[int]) -> Tensor:
        """What is to be foreseen: (B, horizon, C, H, W) uint8."""
        future = self.batch(indices)["video"][:, self.context :]
        return cropped(future, self.shape[-2:], torch.full((len(future), 2), 0.5))

    def labels(self, indices: Tensor | Sequence[int]) -> None:
        return None

    def content(self) -> list[object]:
        """What decides the windows."""
        return [memoryview(np.ascontiguousarray(self.frames)).cast("B"), self.starts.tobytes()]

    def fingerprint(self) -> str:
        if self._fingerprint is None:
            self._fingerprint = digest(*self.content(), self.context, self.shape)
        return self._fingerprint


class Sequences(DataModule):
    """Batches of `video` (B, T, C, H, W), all frames of a row cropped and flipped alike.

    An answer to a batch is the last `horizon` of the T = context + horizon frames.

    Args:
        frame_shape: (C, H, W).
        context: frames that are given.
        horizon: frames to be foreseen.
        name, batch_size, seed, mirror: see `DataModule`.
    """

    gives = ("video",)
    facts = (*DataModule.facts, "source_shape")
    truth = "video"

    def __init__(
        self,
        *,
        name: str,
        frame_shape: tuple[int, int, int],
        context: int,
        horizon: int,
        batch_size: int,
        seed: int,
        mirror: bool = False,
    ) -> None:
        for option, value in [("context", context), ("horizon", horizon)]:
            if value < 1:
                raise UserError(f"data.{option}={value}: give at least 1 frame")
        super().__init__(
            name=name,
            shape=(horizon, *frame_shape),
            num_classes=None,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )
        self.source_shape = (context, *frame_shape)
        self.context = context

    @property
    def length(self) -> int:
        """T, frames of a row."""
        return self.context + self.shape[0]

    def truth_of(self, batch: Batch) -> Tensor:
        return batch["video"][:, self.context : self.length]

    def rows(self, split: str, indices: Tensor | Sequence[int]) -> Batch:
        middle = torch.full((len(indices), 2), 0.5)
        batch = self.reals(split).batch(indices)
        return {name: cropped(value, self.shape[-2:], middle) for name, value in batch.items()}

    def minibatches(self, first_row: int, rows: int) -> RowBatches:
        reals, size = self.reals("train"), self.shape[-2:]
        stream = Stream(len(reals), self.seed)
        return RowBatches(reals, stream, self.batch_size, first_row, rows, size, self.mirror)

    def baselines(self, batch: Batch) -> dict[str, Tensor]:
        """The last given frame, again and again."""
        last = batch["video"][:, self.context - 1, None]
        return {"copy_last": last.expand(-1, self.shape[0], -1, -1, -1)}
