"""Short sounds: drawn ones, or your own files."""

from typing import Protocol

from torch import Tensor

from gan_lab.data.base import ArrayReals, DataModule
from gan_lab.data.drawn_sounds import NAMES, DrawnSounds
from gan_lab.data.sound_files import SoundFiles
from gan_lab.errors import UserError
from gan_lab.media import Sounds

LEAST_SAMPLES = 256  # a window of the metrics' spectrograms


class SoundSource(Protocol):
    """Where sounds come from.

    Attributes:
        name: for humans.
        splits: those there are, `train` among them.
        class_names: of the labels, or None without labels.
    """

    name: str
    splits: tuple[str, ...]
    class_names: list[str] | None

    def load(
        self, split: str, num_samples: int, sample_rate_hz: int
    ) -> tuple[Tensor, Tensor | None]:
        """Waves (N, T) in [-1, 1] and labels (N,), or None."""


class Audio(DataModule):
    """Sounds (1, T), held in memory as 16-bit numbers.

    Args:
        root: folder, .zip or .tar of sounds, see `SoundFiles`; null draws, see `DrawnSounds`.
        num_samples: T; longer sounds are cut at their end, shorter ones are followed by silence.
        sample_rate_hz: sounds of other rates are resampled.
        peak: each sound is scaled so that its loudest sample has this size; null leaves them.
        num: sounds to draw where there is no root.
        labelled: whether batches carry the class.
        label_from, test_below: of files, see `SoundFiles`.
        batch_size, seed: see `DataModule`.
    """

    def __init__(
        self,
        *,
        root: str | None = None,
        num_samples: int = 2048,
        sample_rate_hz: int = 8000,
        peak: float | None = None,
        num: int = 4800,
        labelled: bool = True,
        label_from: str = "folder",
        test_below: int | None = None,
        batch_size: int = 32,
        seed: int = 0,
    ) -> None:
        if num_samples < LEAST_SAMPLES:
            raise UserError(f"data.num_samples={num_samples}: give at least {LEAST_SAMPLES}")
        if sample_rate_hz < 1000:
            raise UserError(f"data.sample_rate_hz={sample_rate_hz}: give at least 1000")
        if peak is not None and not 0 < peak <= 1:
            raise UserError(f"data.peak={peak}: give a number above 0, at most 1, or null")
        if num < len(NAMES):
            raise UserError(f"data.num={num}: draw at least {len(NAMES)} sounds, one of each kind")
        self.sounds: SoundSource
        self.sounds = DrawnSounds(num) if root is None else SoundFiles(root, label_from, test_below)
        names = self.sounds.class_names if labelled else None
        super().__init__(
            name=self.sounds.name,
            shape=(1, num_samples),
            num_classes=len(names) if names else None,
            class_names=names,
            batch_size=batch_size,
            seed=seed,
        )
        self.splits = self.sounds.splits
        self.peak = peak
        self.medium = Sounds(sample_rate_hz, min(len(names), 16) if names else 8)

    def prepare_data(self) -> None:
        for split in self.splits:  # a file that cannot be read is refused before training
            self.reals(split)

    def load(self, split: str) -> ArrayReals:
        waves, labels = self.sounds.load(split, self.shape[1], self.medium.sample_rate_hz)
        if self.peak is not None:
            waves *= self.peak / waves.abs().amax(1, keepdim=True).clamp(min=1e-4)
        sounds = self.medium.stored(waves[:, None])
        return ArrayReals(sounds, None if self.num_classes is None else labels)
