"""Figures of foreseen frames against those that came, for each step into the future by itself."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan_lab.metrics.fidelity import WINDOW, psnr, ssim
from gan_lab.metrics.paired import PairedFormula

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule


class ByHorizon(PairedFormula):
    """A figure of pictures, of the first foreseen frame, the second, and so on.

    Attributes:
        figure: its name, which the step's number follows: `psnr_1`, `psnr_2`, ...
        of_pictures: uint8 pictures (B, C, H, W) and their truth -> (B,).
    """

    lower_is_better = False
    figure: str
    of_pictures: Callable[[Tensor, Tensor], Tensor]

    def applies(self, data: "DataModule") -> bool:
        return super().applies(data) and len(data.shape) == 4

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        self.names = tuple(f"{self.figure}_{step}" for step in range(1, data.shape[0] + 1))

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        steps = zip(output.unbind(1), truth.unbind(1), strict=True)
        return torch.stack([self.of_pictures(*both) for both in steps], 1)


class PSNRByHorizon(ByHorizon):
    """Peak signal to noise ratio in decibels."""

    figure = "psnr"
    of_pictures = staticmethod(psnr)


class SSIMByHorizon(ByHorizon):
    """Structural similarity (Wang et al. 2004); frames with a side below 11 pixels have none."""

    figure = "ssim"
    of_pictures = staticmethod(ssim)

    def applies(self, data: "DataModule") -> bool:
        return super().applies(data) and min(data.shape[-2:]) >= WINDOW
