"""Digits that bounce in a window, in the manner of "Unsupervised Learning of Video Representations
using LSTMs" (Srivastava et al. 2015), from the digits that come with scikit-learn: no download."""

from collections.abc import Sequence

import numpy as np
import torch

from gan_lab import randomness
from gan_lab.data.digits import read_digits
from gan_lab.data.resize import resized
from gan_lab.data.sequences import SequenceReals, Sequences
from gan_lab.errors import UserError

HELD_OUT = 297  # of the 1,797 digits: those that only the test split shows
TEST_PART = 20  # training rows for one of the test split


class MovingDigits(Sequences):
    """Digits cross a square window at constant speed, are reflected at its sides, and overlap.

    Positions are no whole pixels, so that frames are blurred a little by interpolation. The rows
    depend on no seed; what is kept for testing has other digits and other ways.

    Args:
        num_digits: in each row.
        resolution: height and width of the window in pixels.
        side: height and width of a digit in pixels.
        speed: least and largest, in pixels a frame.
        num: training rows, drawn when asked for; a twentieth as many are kept for testing.
        context, horizon, batch_size, seed, mirror: see `Sequences`.
    """

    splits = ("train", "test")
    judged_split = "test"

    def __init__(
        self,
        *,
        num_digits: int = 1,
        resolution: int = 32,
        side: int = 14,
        speed: Sequence[float] = (1.0, 3.0),
        num: int = 10_000,
        context: int = 5,
        horizon: int = 5,
        batch_size: int = 16,
        seed: int = 0,
        mirror: bool = False,
    ) -> None:
        if num_digits < 1:
            raise UserError(f"data.num_digits={num_digits}: give at least 1")
        if not 8 <= side < resolution:
            raise UserError(
                f"data.side={side}: a digit has at least 8 pixels and fewer than the window's"
                f" {resolution} (data.resolution)"
            )
        if len(speed) != 2 or not 0 <= speed[0] <= speed[1]:
            raise UserError(f"data.speed={list(speed)}: give the least and the largest, [1, 3]")
        if num < 2 * TEST_PART:
            raise UserError(f"data.num={num}: draw at least {2 * TEST_PART} rows")
        super().__init__(
            name="moving_digits",
            frame_shape=(1, resolution, resolution),
            context=context,
            horizon=horizon,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )
        self.num_digits, self.side, self.speed, self.num = num_digits, side, tuple(speed), num

    def load(self, split: str) -> "MovingReals":
        pixels = torch.from_numpy(np.rint(read_digits()[0] * (255 / 16)).astype(np.uint8))
        kept = pixels[:-HELD_OUT] if split == "train" else pixels[-HELD_OUT:]
        digits = resized(kept[:, None], (self.side, self.side))[:, 0].numpy()
        draws = np.random.default_rng(
            randomness.key(randomness.DRAWING, self.splits.index(split), self.num_digits)
        )
        num = self.num if split == "train" else self.num // TEST_PART
        return MovingReals(digits, draws, num, self)


class MovingReals(SequenceReals):
    """Rows that are drawn when they are asked for.

    Args:
        digits: (n, side, side) uint8 to choose from.
        draws: where each row's digits, places and velocities come from.
        num: rows.
        data: sizes and speeds.
    """

    def __init__(
        self, digits: np.ndarray, draws: np.random.Generator, num: int, data: MovingDigits
    ) -> None:
        D, room = data.num_digits, data.shape[-1] - data.side
        chosen = draws.integers(len(digits), size=(num, D))
        angle = draws.uniform(0, 2 * np.pi, (num, D))
        speed = draws.uniform(*data.speed, (num, D))
        super().__init__(digits[:0], np.arange(num), data.context, data.shape)
        self.digits, self.chosen, self.room = digits, chosen, room
        self.start = draws.uniform(0, room, (num, D, 2))  # top and left of a digit, in pixels
        self.velocity = speed[..., None] * np.stack([np.sin(angle), np.cos(angle)], -1)

    def places(self, numbers: np.ndarray) -> np.ndarray:
        """Top and left of each digit in each frame: (B, D, T, 2), in pixels."""
        time = np.arange(self.context + self.shape[0])[:, None]
        start, velocity = self.start[numbers][:, :, None], self.velocity[numbers][:, :, None]
        return reflected(start + velocity * time, self.room)

    def videos(self, numbers: np.ndarray) -> np.ndarray:
        digits = self.digits[self.chosen[numbers]].astype(np.float32)[:, :, None]
        down, across = np.moveaxis(
            spread(self.places(numbers), digits.shape[-1], self.shape), -1, 0
        )
        frames = np.swapaxes(down, -1, -2) @ digits @ across  # (B, D, T, H, W)
        return np.rint(frames.max(1)).astype(np.uint8)[:, :, None]

    def content(self) -> list[object]:
        arrays = (self.digits, self.chosen, self.start, self.velocity)
        return [array.tobytes() for array in arrays]


def reflected(places: np.ndarray, room: float) -> np.ndarray:
    """Where something that would be at `places` is when walls at 0 and `room` throw it back."""
    return room - np.abs(places % (2 * room) - room)


def spread(places: np.ndarray, side: int, shape: tuple[int, ...]) -> np.ndarray:
    """How far pixel j of a digit at `places` (..., 2) lies on pixel i of a square window.

    Linear interpolation, max(0, 1 - |i - (place + j)|): (..., side, H, 2) float32.
    """
    pixels = np.arange(shape[-1])[:, None] - np.arange(side)[:, None, None]  # i - j: (side, H, 1)
    return (1 - np.abs(pixels - places[..., None, None, :])).clip(0).astype(np.float32)
