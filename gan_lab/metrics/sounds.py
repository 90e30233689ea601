"""A small classifier of sounds by their mel spectrograms: the extractor for data=audio.

It learns in seconds, once per data set, as `gan_lab.metrics.classifier` does, and its figures
compare GANs on that data set only (`fd_sounds_4800`): they are no published Frechet audio distance.
"""

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lab import media
from gan_lab.metrics.classifier import Classifier, Network
from gan_lab.ops.spectrogram import log_mel

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule

NUM_MELS = 40
LEAST_FRAMES, MOST_FRAMES = 16, 64
WINDOW_SECONDS = 0.032
RANGE_DB = 40.0  # below the loudest possible tone; what is softer is not heard


class Sounds(Classifier):
    """The 64 features before the last layer of a classifier of this data set's labels.

    Args:
        seed: of its training.
        num_images: sounds that it learns from, repetitions counted; the data set at most 12 times.
        split: as of `Classifier`.
    """

    name = "sounds"
    resize = (
        f"{NUM_MELS} mel bands in windows of 32 ms, at most {MOST_FRAMES} frames, {RANGE_DB:.0f} dB"
    )
    recipe = 1

    def __init__(self, *, seed: int = 0, num_images: int = 20_000, split: str = "train") -> None:
        super().__init__(seed=seed, num_images=num_images, split=split)

    def unsuited(self, data: "DataModule") -> str | None:
        if not isinstance(data.medium, media.Sounds):
            return f"{data.name} holds no sounds: choose metrics=auto, which takes what suits"
        if data.num_classes is None:
            return (
                f"{data.name} has no labels, and the metrics of sounds learn from labels: give them"
                " (data.labelled, data.label_from), or choose metrics=none"
            )
        return None

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        self.sample_rate_hz = data.medium.sample_rate_hz
        self.folder = f"sounds/{self.sample_rate_hz}"
        super().prepare(data, device)

    def seen(self, images: Tensor) -> Tensor:
        """int16 (B, 1, T) -> (B, 1, M, frames), RANGE_DB / 20 log(10) / 3 to both sides of 0."""
        window = 2 ** round(math.log2(WINDOW_SECONDS * self.sample_rate_hz))
        bands = log_mel(
            images[:, 0].float() / 2**15,
            self.sample_rate_hz,
            num_mels=NUM_MELS,
            window=window,
            hop=min(window // 2, images.shape[-1] // LEAST_FRAMES),
            floor=(window / 4) ** 2 * 10 ** (-RANGE_DB / 10),  # below the loudest possible tone
        )
        if bands.shape[-1] > MOST_FRAMES:
            bands = F.adaptive_avg_pool2d(bands, (NUM_MELS, MOST_FRAMES))
        middle = math.log((window / 4) ** 2) - RANGE_DB / 20 * math.log(10)
        return (bands[:, None] - middle) / 3

    @staticmethod
    def make(shape: tuple[int, ...], num_classes: int) -> Network:
        return Network(1, NUM_MELS, num_classes, width=16).to(memory_format=torch.channels_last)
