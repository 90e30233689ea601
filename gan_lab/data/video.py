"""Clips in files: windows of T frames drawn at random, the end of each clip kept for testing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np

from gan_lab.data.folder import cpu_count, size_of
from gan_lab.data.picture import channels_of
from gan_lab.data.sequences import SequenceReals, Sequences
from gan_lab.data.video_files import Clip, ClipFiles
from gan_lab.errors import UserError


class Video(Sequences):
    """Windows of clips, all decoded once and held in memory.

    Args:
        root: folder, .zip, .tar or video file of clips; see `ClipFiles`.
        resolution: height and width, or [height, width]; the middle with that aspect is resized.
        channels: 1 grey, 3 colour; null looks at a few pictures, and takes videos for coloured.
        every: take every so many frames only, so that more happens between two.
        jitter: pixels that frames are larger, for training windows to be cut out at random; others
            are cut out of the middle.
        test_share: of each clip, its end, that is kept for testing (one window at least) where no
            clips lie in a folder `test`; no window crosses from one part to the other.
        context, horizon, batch_size, seed, mirror: see `Sequences`.
    """

    splits = ("train", "test")
    judged_split = "test"

    def __init__(
        self,
        *,
        root: str | None = None,
        resolution: int | Sequence[int] = 64,
        channels: int | None = None,
        every: int = 1,
        jitter: int = 0,
        test_share: float = 0.2,
        context: int = 5,
        horizon: int = 5,
        batch_size: int = 16,
        seed: int = 0,
        mirror: bool = True,
    ) -> None:
        if root is None:
            raise UserError(
                "data.root=null: name a folder, .zip, .tar or video file of clips, or take"
                " data=moving_digits, which needs none"
            )
        if every < 1 or jitter < 0 or not 0 < test_share < 1:
            raise UserError(
                f"data.every={every}, data.jitter={jitter}, data.test_share={test_share}: give at"
                " least 1, at least 0, and a share between 0 and 1"
            )
        size = size_of(resolution)
        self.files = ClipFiles(Path(root).expanduser())
        if channels is None:
            few = self.files.first_pictures()
            channels = min(3, channels_of(few)) if few else 3
        super().__init__(
            name=self.files.path.name.split(".")[0],
            frame_shape=(channels, *size),
            context=context,
            horizon=horizon,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )
        self.every, self.jitter, self.test_share = every, jitter, test_share

    @cached_property
    def parts(self) -> dict[str, list[np.ndarray]]:
        """split -> frames (N, C, h, w) uint8 that lie together."""
        C, H, W = self.source_shape[1:]
        shape = (C, H + self.jitter, W + self.jitter)
        clips = self.files.clips
        with ThreadPoolExecutor(cpu_count()) as pool:
            read = list(pool.map(lambda clip: self.files.read(clip, shape, self.every), clips))
        parts: dict[str, list[np.ndarray]] = {"train": [], "test": []}
        by_folder = any(clip.split == "test" for clip in clips)
        for clip, frames in zip(clips, read, strict=True):
            if by_folder:
                self.refuse_short(clip, len(frames), self.length)
                parts[clip.split or "train"].append(frames)
            else:
                self.refuse_short(clip, len(frames), 2 * self.length)
                kept = max(self.length, round(self.test_share * len(frames)))
                kept = min(kept, len(frames) - self.length)
                parts["train"].append(frames[:-kept])
                parts["test"].append(frames[-kept:])
        if not parts["train"]:
            raise UserError(
                f"data.root={self.files.path}: all clips lie in test/, none to train on"
            )
        return parts

    def refuse_short(self, clip: Clip, found: int, needed: int) -> None:
        """Refuse a clip that holds no window, or none to test on."""
        if found >= needed:
            return
        windows = "a window" if needed == self.length else "a window to train and one to test on"
        taken = "" if self.every == 1 else f" (one of {self.every})"
        raise UserError(
            f"data.root={self.files.path}: {clip.name} has {found} frames{taken}, and"
            f" {windows} take{'s' if needed == self.length else ''} {needed}; take the clip out, or"
            f" lower data.context={self.context} or data.horizon={self.shape[0]}"
        )

    def load(self, split: str) -> SequenceReals:
        parts = self.parts[split]
        starts, first = [], 0
        for frames in parts:
            starts.append(np.arange(first, first + len(frames) - self.length + 1))
            first += len(frames)
        return SequenceReals(
            np.concatenate(parts), np.concatenate(starts), self.context, self.shape
        )
