"""Sounds (1, T) in [-1, 1]."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_lab.media.base import Medium
from gan_lab.media.pictures import new_folder
from gan_lab.media.wav import write_wav
from gan_lab.pictures import BETWEEN, GRID_WIDTH, save

LARGEST = 2**15 - 1  # of 16 bits
GAP_SECONDS = 0.1  # of silence between two sounds
PANEL_WIDTH = 96  # pixels at least, of one sound in a sheet
WAVE_HEIGHT, SPECTROGRAM_HEIGHT, GAP = 32, 64, 6  # pixels
SHOWN_DB = 70.0  # from the loudest to the darkest of a spectrogram
WAVE_COLOUR, WAVE_PAPER = (36, 84, 128), (250, 250, 248)


@dataclass(frozen=True)
class Sounds(Medium):
    """Waveforms with their log-spectrograms below; 16-bit .wav files.

    Args:
        sample_rate_hz: of all sounds.
        heard: how many a recording holds, spread over the samples: one of each row of a sheet
            where it has so many rows.
    """

    sample_rate_hz: int
    heard: int = 8

    suffixes = (".wav", ".png", "")

    def stored(self, samples: Tensor) -> Tensor:
        """int16, as a .wav file would hold it."""
        if not samples.is_floating_point():
            return samples
        return samples.mul(2**15).round().clamp(-(2**15), LARGEST).to(torch.int16)

    def sheet(self, samples: Tensor, columns: int, reals: Tensor | None = None) -> Image.Image:
        return panels(samples, columns)

    def recording(self, samples: Tensor, path: Path) -> Path:
        num = min(self.heard, len(samples))
        chosen = (torch.arange(num) * len(samples) + len(samples) // 2) // num
        path = path.with_suffix(".wav")
        self.write(samples[chosen], path, 1)
        return path

    def write(self, samples: Tensor, path: Path, columns: int) -> None:
        """All one after another in a .wav, with gaps; one .wav each in a folder; or a sheet."""
        if path.suffix == ".png":
            save(panels(samples, columns), path)
        elif path.suffix == ".wav":
            sounds = self.stored(samples.cpu())[:, 0]
            gap = sounds.new_zeros(len(sounds), round(GAP_SECONDS * self.sample_rate_hz))
            joined = torch.cat([sounds, gap], 1).flatten().numpy()
            write_wav(joined, self.sample_rate_hz, path)
        else:
            new_folder(path)
            for number, sound in enumerate(self.stored(samples.cpu())[:, 0]):
                write_wav(sound.numpy(), self.sample_rate_hz, path / f"{number:06d}.wav")


def panels(samples: Tensor, columns: int) -> Image.Image:
    """Sounds (N, 1, T) in rows of `columns`: each its waveform, below it its log-spectrogram.

    Low frequencies are at the bottom. Spectrograms are relative to the loudest of each sound.
    """
    samples = samples.detach().float().nan_to_num(0.0).cpu()[:, 0]  # (N, T)
    width = max(PANEL_WIDTH, GRID_WIDTH // columns - GAP)
    pictures = np.concatenate([waveforms(samples, width), spectrograms(samples, width)], 1)
    N, H, W, _ = pictures.shape
    rows = -(-N // columns)
    sheet = np.full((GAP + rows * (H + GAP), GAP + columns * (W + GAP), 3), BETWEEN, np.uint8)
    for n, picture in enumerate(pictures):
        y, x = GAP + n // columns * (H + GAP), GAP + n % columns * (W + GAP)
        sheet[y : y + H, x : x + W] = picture
    return Image.fromarray(sheet)


def waveforms(samples: Tensor, width: int) -> np.ndarray:
    """(N, T) in [-1, 1] -> (N, WAVE_HEIGHT, width, 3) uint8: from least to most in each column."""
    N, T = samples.shape
    edges = (torch.arange(width + 1) * T // width).tolist()
    parts = [samples[:, a : max(b, a + 1)] for a, b in zip(edges, edges[1:])]
    low, high = (
        torch.stack([getattr(part, rule)(1) for part in parts], 1) for rule in ("amin", "amax")
    )
    middle = (WAVE_HEIGHT - 1) / 2
    lines = torch.arange(WAVE_HEIGHT)[None, :, None]  # from the top
    top, bottom = ((1 - value.clamp(-1, 1)) * middle for value in (high, low))
    inside = (lines >= top.floor()[:, None]) & (lines <= bottom.ceil()[:, None])
    return np.where(inside.numpy()[..., None], WAVE_COLOUR, WAVE_PAPER).astype(np.uint8)


def spectrograms(samples: Tensor, width: int) -> np.ndarray:
    """(N, T) -> (N, SPECTROGRAM_HEIGHT, width, 3) uint8, dark where there is nothing."""
    from matplotlib import colormaps

    N, T = samples.shape
    num_fft = max(16, min(256, T))
    hop = max(1, T // width)
    transformed = torch.stft(
        samples, num_fft, hop, window=torch.hann_window(num_fft), pad_mode="constant",
        return_complex=True,
    )  # fmt: skip
    decibels = 20 * transformed.abs().clamp(min=1e-6).log10()
    loudest = decibels.amax((1, 2), keepdim=True)
    loudest = loudest.clamp(min=float(loudest.max()) - SHOWN_DB)  # silence stays dark
    level = (decibels - loudest + SHOWN_DB).clamp(min=0) / SHOWN_DB  # (N, F, frames)
    size = SPECTROGRAM_HEIGHT, width
    level = torch.nn.functional.interpolate(level[:, None], size, mode="area")[:, 0].flip(1)
    return (colormaps["magma"](level.numpy())[..., :3] * 255).round().astype(np.uint8)
