"""Three frames of a clip in two resolutions, for super-resolution that does not flicker: "tempoGAN:
A Temporally Coherent, Volumetric GAN for Super-resolution Fluid Flow" (Xie et al. 2018)."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gan_lab import randomness
from gan_lab.data.base import DataModule
from gan_lab.data.folder import cpu_count, size_of
from gan_lab.data.photos import SamplePhotos
from gan_lab.data.rows import RowBatches, cropped
from gan_lab.data.sequences import SequenceReals
from gan_lab.data.stream import Batch, Stream
from gan_lab.data.superres import SCALES
from gan_lab.data.video_files import Clip, ClipFiles
from gan_lab.errors import UserError
from gan_lab.ops.bicubic import enlarged, reduced

FRAMES = 3  # of a window; the one in the middle is judged
SHARE = 0.2  # of each clip that is kept for testing, its end


class Clips(Protocol):
    """Where clips come from.

    Attributes:
        name: for humans.
    """

    name: str

    def load(self, split: str) -> list[np.ndarray]:
        """Clips (N, C, H, W) uint8 of one size."""


class MovingPhotos:
    """Scikit-learn's photographs seen through a window that moves at a constant pace.

    What a frame shows is where the last one has it, less `pace` pixels: motion is known.

    Args:
        side: of the window.
        frames: of a clip.
        num: clips to train on; every square that is kept for testing makes one more.
        fastest: pixels a frame, down or to the right, either way.
    """

    name = "moving_photos"

    def __init__(self, side: int, frames: int = 6, num: int = 48, fastest: int = 4) -> None:
        self.side, self.frames, self.num, self.fastest = side, frames, num, fastest

    def load(self, split: str) -> list[np.ndarray]:
        return [clip for clip, _ in self.moving(split)]

    def moving(self, split: str) -> list[tuple[np.ndarray, tuple[int, int]]]:
        """Clips (N, C, H, W), and the pace (down, right) of the window in each."""
        photos = [pixels for _, pixels in SamplePhotos().load(split, 3)]
        draws = np.random.default_rng(
            randomness.key(randomness.DRAWING, randomness.DEGRADATION, split == "train")
        )
        clips = []
        for number in range(self.num if split == "train" else len(photos)):
            photo = photos[number % len(photos)]
            room = [side - self.side for side in photo.shape[1:]]
            most = [min(self.fastest, n // (self.frames - 1)) for n in room]
            pace = [int(draws.integers(-n, n + 1)) for n in most]
            way = [p * (self.frames - 1) for p in pace]
            start = [
                int(draws.integers(max(0, -w), n - max(0, w) + 1))
                for n, w in zip(room, way, strict=True)
            ]
            frames = []
            for t in range(self.frames):
                top, left = (s + p * t for s, p in zip(start, pace, strict=True))
                frames.append(photo[:, top : top + self.side, left : left + self.side])
            clips.append((np.stack(frames), (pace[0], pace[1])))
        return clips


class FileClips:
    """Clips in files, see `ClipFiles`; the end of each is for testing, or those below `test`.

    Args:
        root: folder, archive or video file.
        size: (H, W) that frames are brought to.
    """

    def __init__(self, root: str, size: tuple[int, int]) -> None:
        self.files = ClipFiles(Path(root).expanduser())
        self.size = size
        self.name = self.files.path.name.split(".")[0]
        self.by_folder = any(clip.split == "test" for clip in self.files.clips)

    def load(self, split: str) -> list[np.ndarray]:
        clips = self.files.clips
        if self.by_folder:
            clips = [clip for clip in clips if (clip.split or "train") == split]

        def read(clip: Clip) -> np.ndarray:
            frames = self.files.read(clip, (3, *self.size))
            if self.by_folder:
                kept = frames
            else:
                last = max(FRAMES, round(SHARE * len(frames)))
                kept = frames[:-last] if split == "train" else frames[-last:]
            if len(kept) < FRAMES:
                raise UserError(
                    f"data.root={self.files.path}: {clip.name} has {len(frames)} frames, too few"
                    f" for a window of {FRAMES} in each part; take the clip out"
                )
            return kept

        with ThreadPoolExecutor(cpu_count()) as pool:
            return list(pool.map(read, clips))


class WindowReals(SequenceReals):
    """Windows of three frames; they are judged by the one in the middle."""

    def batch(self, indices: Tensor | Sequence[int]) -> Batch:
        return {"high_video": super().batch(indices)["video"]}

    def images(self, indices: Tensor | Sequence[int]) -> Tensor:
        """The middle frames, (B, C, H, W) uint8."""
        return self.batch(indices)["high_video"][:, FRAMES // 2]


@dataclass
class WindowBatches(RowBatches):
    """Windows cut out at random, all frames of one alike, and their reductions.

    Args:
        scale: of the reduction.
    """

    scale: int

    def __call__(self, iteration: int) -> Batch:
        return in_both(super().__call__(iteration)["high_video"], self.scale)


def in_both(high: Tensor, scale: int) -> Batch:
    """Windows (B, 3, C, H, W) uint8 in both resolutions, and their middle frames."""
    low = reduced(high, scale)
    middle = FRAMES // 2
    return {
        "low": low[:, middle].contiguous(),
        "high": high[:, middle].contiguous(),
        "low_video": low,
        "high_video": high,
    }


class SuperResolutionVideo(DataModule):
    """Batches of `low_video` and `high_video`, three frames; their middle is `low` and `high`.

    Args:
        root: folder, .zip, .tar or video file of clips; null moves a window over photographs.
        resolution: height and width that frames are brought to, or [height, width].
        scale: 2 or 4.
        crop: pixels a side of the high resolution's pieces that are trained and judged on.
        batch_size, seed, mirror: see `DataModule`.
    """

    splits = ("train", "test")
    gives = ("low", "high", "low_video", "high_video")
    facts = (*DataModule.facts, "source_shape")
    judged_split = "test"
    truth = "high"

    def __init__(
        self,
        *,
        root: str | None = None,
        resolution: int | Sequence[int] = 96,
        scale: int = 4,
        crop: int = 64,
        batch_size: int = 8,
        seed: int = 0,
        mirror: bool = True,
    ) -> None:
        size = size_of(resolution)
        if scale not in SCALES:
            raise UserError(f"data.scale={scale}: choose 2 or 4")
        if crop % scale or not 4 * scale <= crop <= min(size):
            raise UserError(
                f"data.crop={crop}: give a multiple of data.scale={scale}, from {4 * scale} to the"
                f" {min(size)} pixels that data.resolution={resolution} has"
            )
        self.clips: Clips
        if root is None:
            if size[0] != size[1] or size[0] > 120:
                raise UserError(
                    f"data.resolution={resolution}: moving photographs are square, of up to 120"
                    " pixels; name clips by data.root= for others"
                )
            self.clips = MovingPhotos(size[0])
        else:
            self.clips = FileClips(root, size)
        super().__init__(
            name=self.clips.name,
            shape=(3, crop, crop),
            num_classes=None,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )
        self.scale = scale
        self.source_shape = (3, crop // scale, crop // scale)

    def load(self, split: str) -> WindowReals:
        clips = self.clips.load(split)
        firsts = np.cumsum([0, *(len(clip) for clip in clips)])
        starts = [
            first + np.arange(len(clip) - FRAMES + 1)
            for first, clip in zip(firsts, clips, strict=False)
        ]
        return WindowReals(np.concatenate(clips), np.concatenate(starts), 0, (FRAMES, *self.shape))

    def rows(self, split: str, indices: Tensor | Sequence[int]) -> Batch:
        """The middle of each window."""
        high = self.reals(split).batch(indices)["high_video"]
        return in_both(cropped(high, self.shape[1:], torch.full((len(high), 2), 0.5)), self.scale)

    def minibatches(self, first_row: int, rows: int) -> Callable[[int], Batch]:
        reals, size = self.reals("train"), self.shape[1:]
        stream = Stream(len(reals), self.seed)
        share = (first_row, rows, size, self.mirror, self.scale)
        return WindowBatches(reals, stream, self.batch_size, *share)

    def baselines(self, batch: Batch) -> dict[str, Tensor]:
        """The low resolution, enlarged."""
        return {"bicubic": enlarged(batch["low"], self.scale)}
