"""How much enlarged films flicker: changes along motion that the truth does not have, after the
T-diff of Xie et al. 2018, Section 6.3."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan_lab.data.base import as_floats
from gan_lab.metrics.generator import GeneratorFigure
from gan_lab.ops.bicubic import enlarged
from gan_lab.ops.motion import outer_motion, warped

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule
    from gan_lab.models.base import Game

BLOCK = 8  # windows at once


class Flicker(GeneratorFigure):
    """Mean absolute difference of the changes between frames, output against truth, in [-1, 1].

    A change is what is left once the outer frames are moved to where the middle one is, along the
    motion of the low resolutions. A film that is blurred the same way in each frame hardly changes:
    read it beside a figure of the frames.

    Args:
        num: windows of the split that the data are judged on, at most.
    """

    names = ("flicker",)
    labels = "none"

    def __init__(self, *, num: int = 200) -> None:
        self.most = num

    def applies(self, gan: "Game") -> bool:
        return "low_video" in gan.takes

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        self.data, self.split = data, data.judged_split
        length = len(data.reals(self.split))
        self.num = self.num_real = min(self.most, length)
        self.rows = torch.linspace(0, length - 1, self.num).round().long()

    def __call__(self, gan: "Game", seed: int) -> tuple[float]:
        ours = theirs = 0.0
        for rows in self.rows.split(BLOCK):
            batch = as_floats(self.data.rows(self.split, rows))
            low, high = batch["low_video"], batch["high_video"]  # (B, 3, C, H, W)
            frames = [gan.generate({"low": low[:, t]}, seed=seed).cpu() for t in range(3)]
            motion = outer_motion(low, self.data.scale)
            ours += flicker(torch.stack(frames, 1), high, motion).sum().item()
            theirs += flicker(enlarged(low, self.data.scale), high, motion).sum().item()
        self.bicubic = theirs / self.num
        return (ours / self.num,)

    def facts(self) -> dict[str, float | str]:
        return {"flicker_of_bicubic": round(self.bicubic, 5)}


def flicker(output: Tensor, truth: Tensor, motion: Tensor) -> Tensor:
    """Films (B, 3, C, H, W) and where their outer frames go, (B, 2, 2, H, W) -> (B,)."""
    difference = output - truth  # warping is linear
    moved = [warped(difference[:, t], motion[:, n]) for n, t in enumerate((0, 2))]
    changes = torch.stack([frame - difference[:, 1] for frame in moved], 1)
    return changes.abs().flatten(1).mean(1)
