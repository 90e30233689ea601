"""Sounds by frequency: magnitudes, mel bands, and back again by Griffin-Lim."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from gan_lab.randomness import GRID, generator


def spectrum(waves: Tensor, window: int, hop: int) -> Tensor:
    """(B, T) -> (B, window / 2 + 1, T // hop) complex: frames around 0, hop, 2 hop, ...

    A Hann window; what lies beyond the ends is silence.
    """
    frames = torch.stft(
        waves, window, hop, window=hann(window, waves), pad_mode="constant", return_complex=True
    )
    return frames[..., : waves.shape[-1] // hop]


def hann(window: int, like: Tensor) -> Tensor:
    """A periodic Hann window (window,) where and as precise as `like`."""
    return torch.hann_window(window, dtype=like.dtype, device=like.device)


def waves_of(frames: Tensor, window: int, hop: int) -> Tensor:
    """The (B, T) whose `spectrum` is nearest to (B, window / 2 + 1, T / hop), by least squares."""
    num_samples = frames.shape[-1] * hop
    frames = torch.cat([frames, frames.new_zeros(*frames.shape[:-1], 1)], -1)
    return torch.istft(frames, window, hop, window=hann(window, frames.real), length=num_samples)


def griffin_lim(magnitudes: Tensor, hop: int, num_rounds: int) -> Tensor:
    """Waves (B, T) whose spectrum has about these magnitudes (B, F, T / hop).

    "A fast Griffin-Lim algorithm" (Perraudin et al. 2013), Algorithm 2 with alpha = 0.99: phases
    begin at fixed random ones and are taken, each round, from the nearest true spectrum, which is
    pushed on in the direction it moved. The same magnitudes give the same waves.
    """
    window = 2 * (magnitudes.shape[-2] - 1)
    draw = torch.rand(magnitudes.shape[-2:], generator=generator(GRID, 0))
    turns = 2 * math.pi * draw.to(magnitudes)
    frames, before = torch.polar(magnitudes, turns.expand_as(magnitudes)), 0
    for _ in range(num_rounds):
        nearest = spectrum(waves_of(frames, window, hop), window, hop)
        pushed = nearest + 0.99 * (nearest - before)
        before = nearest
        frames = magnitudes * pushed / pushed.abs().clamp(min=1e-8)
    return waves_of(frames, window, hop)


def to_mel(hertz: float) -> float:
    """A frequency on the mel scale: 2595 log10(1 + f / 700)."""
    return 2595 * math.log10(1 + hertz / 700)


def to_hertz(mel: float) -> float:
    """The inverse of `to_mel`."""
    return 700 * (10 ** (mel / 2595) - 1)


@lru_cache(maxsize=8)
def mel_filters(num_mels: int, window: int, sample_rate_hz: int) -> Tensor:
    """(M, window / 2 + 1): triangles that peak at 1, equally far apart on the mel scale.

    Each begins at the peak of the one below and ends at the peak of the one above; the lowest
    begins at 0 Hz, the highest ends at half the sample rate.
    """
    top = to_mel(sample_rate_hz / 2)
    corners = torch.tensor([to_hertz(top * n / (num_mels + 1)) for n in range(num_mels + 2)])
    bins = torch.arange(window // 2 + 1) * (sample_rate_hz / window)
    low, peak, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (bins - low) / (peak - low), (high - bins) / (high - peak)
    return torch.minimum(rising, falling).clamp(min=0)


def log_mel(
    waves: Tensor, sample_rate_hz: int, *, num_mels: int, window: int, hop: int, floor: float = 1e-4
) -> Tensor:
    """(B, T) in [-1, 1] -> (B, M, T // hop): log of the mel bands' power, not below the floor."""
    power = spectrum(waves, window, hop).abs().square()
    bands = mel_filters(num_mels, window, sample_rate_hz).to(power) @ power
    return (bands + floor).log()
