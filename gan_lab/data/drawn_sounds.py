"""Drum and tone sounds, made on the spot: no download, and what each is called is known."""

import numpy as np
import torch
from torch import Tensor

from gan_lab.data.drawn import draws_of

SOUNDS = 0x736F  # of the key of these draws
PITCHES_HZ = {"low": 220.0, "middle": 392.0, "high": 784.0}
NAMES = ["kick", "snare", "hat", *PITCHES_HZ]
NUM_HARMONICS = 8
KEPT_OUT = 4  # one test sound for so many training sounds


class DrawnSounds:
    """Kicks, snares, hats, and tones of three pitches, as many of each.

    Each sound has its own gain and start; drums their own pitch, fall, decay and noise; tones
    their own detuning (half a semitone either way), attack, decay and timbre. They depend on no
    seed.

    Args:
        num: training sounds; a quarter as many are kept for testing.
    """

    name = "drawn_sounds"
    splits = ("train", "test")
    class_names = NAMES

    def __init__(self, num: int) -> None:
        self.num = num

    def load(self, split: str, num_samples: int, sample_rate_hz: int) -> tuple[Tensor, Tensor]:
        """Waves (N, T) in [-1, 1] and labels (N,)."""
        num = self.num if split == "train" else max(len(NAMES), self.num // KEPT_OUT)
        labels = np.arange(num) % len(NAMES)
        times = np.arange(num_samples) / sample_rate_hz
        waves = np.empty((num, num_samples), np.float32)
        for number, label in enumerate(labels):
            draws = draws_of(SOUNDS, self.splits.index(split), number)
            waves[number] = sound(NAMES[label], times, sample_rate_hz, draws)
        return torch.from_numpy(waves), torch.from_numpy(labels)


def sound(name: str, times: np.ndarray, rate: int, draws: np.random.Generator) -> np.ndarray:
    """One sound of a kind at `times` (T,) in seconds, its loudest sample between 0.4 and 0.95."""
    since = times - draws.uniform(0, 0.01)  # its start
    if name == "kick":
        wave = kick(since, draws)
    elif name == "snare":
        wave = snare(since, draws)
    elif name == "hat":
        wave = hat(since, draws)
    else:
        wave = tone(since, PITCHES_HZ[name], rate, draws)
    wave = np.where(since < 0, 0.0, wave)
    return draws.uniform(0.4, 0.95) * wave / max(np.abs(wave).max(), 1e-6)


def fading(since: np.ndarray, seconds: float) -> np.ndarray:
    """exp(-t / seconds), 1 before the start."""
    return np.exp(-np.maximum(since, 0) / seconds)


def kick(since: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    """A sine whose frequency falls, and a click."""
    low, above, fall = draws.uniform(45, 70), draws.uniform(80, 180), draws.uniform(0.015, 0.04)
    cycles = low * since + above * fall * (1 - fading(since, fall))
    click = draws.uniform(0, 0.15) * draws.standard_normal(len(since)) * fading(since, 0.003)
    return np.sin(2 * np.pi * cycles) * fading(since, draws.uniform(0.06, 0.15)) + click


def snare(since: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    """A short tone below noise."""
    pitch, share = draws.uniform(150, 240), draws.uniform(0.25, 0.6)
    body = np.sin(2 * np.pi * pitch * since) * fading(since, draws.uniform(0.03, 0.06))
    noise = draws.standard_normal(len(since)) / 3 * fading(since, draws.uniform(0.05, 0.12))
    return share * body + (1 - share) * noise


def hat(since: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    """Noise without its low frequencies: its second difference."""
    noise = np.diff(draws.standard_normal(len(since) + 2), 2)
    return noise * fading(since, draws.uniform(0.012, 0.06))


def tone(since: np.ndarray, pitch: float, rate: int, draws: np.random.Generator) -> np.ndarray:
    """Harmonics of a pitch that fall off, higher ones sooner."""
    pitch = pitch * 2 ** (draws.uniform(-0.5, 0.5) / 12)
    slope, attack, decay = (
        draws.uniform(0.8, 2.5),
        draws.uniform(0.002, 0.02),
        draws.uniform(0.1, 0.4),
    )
    even = draws.uniform(0, 1)  # how strong even harmonics are
    wave = np.zeros(len(since))
    for k in range(1, NUM_HARMONICS + 1):
        phase = draws.uniform(0, 2 * np.pi)
        strength = k**-slope * (even if k % 2 == 0 else 1.0)
        if k * pitch < rate / 2:
            partial = np.sin(2 * np.pi * k * pitch * since + phase)
            wave += strength * partial * fading(since, decay / k**0.5)
    return wave * (1 - fading(since, attack))
