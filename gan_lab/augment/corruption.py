"""The rest of ADA's pipeline (Karras et al. 2020, Appendix B): filtering, noise and cutout.

The paper's experiments leave these three out: they gained nothing there.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from gan_lab.augment.draws import LEAST, Draws
from gan_lab.augment.geometry import constant, reflected

LOG2_GAIN = 1.0  # standard deviation of log2 of a frequency band's gain
POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)  # of a natural picture in each band, the lowest first
NOISE = 0.1  # standard deviation of the noise's own standard deviation
HOLE = 0.5  # of a side: the cut-out rectangle

SYM2 = np.array([-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025])

FILTER_DRAWS, NOISE_DRAWS, CUTOUT_DRAWS = 8, 3, 3


def filtered(images: Tensor, draws: Draws, p: Tensor) -> Tensor:
    """Amplify or weaken four frequency bands of pictures (B, C, H, W), an octave each."""
    B, C, H, W = images.shape
    power = constant(POWER, images.dtype, images.device)
    gains = torch.ones(B, 4, dtype=images.dtype, device=images.device)
    for band in range(4):
        gain = draws.normal() * LOG2_GAIN
        gain = (gain * draws.coin(p)).exp2()
        others = 1 - power[band]
        # A picture's expected power stays what it was.
        gains = gains / (others + power[band] * gain.square()).sqrt()[:, None]
        gains[:, band] *= gain
    bank = [constant(tuple(band), images.dtype, images.device) for band in filter_bank()]
    taps = gains @ torch.stack(bank)  # (B, T)
    taps = taps.repeat_interleave(C, 0)  # (B * C, T)
    reach = taps.shape[1] // 2
    rows = reflected(torch.arange(-reach, H + reach, device=images.device), H)
    columns = reflected(torch.arange(-reach, W + reach, device=images.device), W)
    x = images.index_select(2, rows).index_select(3, columns).flatten(0, 1)[None]
    x = conv2d(x, taps[:, None, None, :], groups=B * C)
    x = conv2d(x, taps[:, None, :, None], groups=B * C)
    out = x.view(B, C, H, W)
    return torch.where((gains == 1).all(1).view(B, 1, 1, 1), images, out)


def filter_bank() -> np.ndarray:
    """(4, T) taps of filters that split a signal into octaves, the lowest first; they sum to 1."""
    lowpass = np.convolve(SYM2, SYM2[::-1]) / 2
    highpass = lowpass * (-1.0) ** np.arange(-3, 4)
    bands = [np.ones(1)]
    for _ in range(3):
        stretched = [np.zeros(2 * len(band) - 1) for band in bands]
        for wide, band in zip(stretched, bands, strict=True):
            wide[::2] = band
        bands = [np.convolve(wide, lowpass) for wide in stretched] + [highpass]
        longest = len(bands[0])
        bands = [np.pad(band, (longest - len(band)) // 2) for band in bands]
    return np.stack(bands)


def noisy(images: Tensor, draws: Draws, p: Tensor) -> Tensor:
    """Add white noise to pictures (B, C, H, W), its strength half-normal."""
    B, C, H, W = images.shape
    strength = draws.normal().abs() * NOISE
    strength = strength * draws.coin(p)
    noise = hashed_normals(draws.uniform(), C * H * W).view(B, C, H, W)
    return images + noise * strength.view(B, 1, 1, 1)


def hashed_normals(seeds: Tensor, num: int) -> Tensor:
    """(B, num) ~ N(0, 1), each row a function of its number in [0, 1) of `seeds` (B,)."""
    seeds = (seeds.double() * 2**24).long()[:, None]
    place = torch.arange(num, device=seeds.device)
    mixed = mix(mix(seeds) + place)  # (B, num), 32 bits
    u = ((mixed >> 8).float() / 2**24).clamp(LEAST, 1 - LEAST)
    return torch.erfinv(2 * u - 1) * 2**0.5


def mix(x: Tensor) -> Tensor:
    """A 32-bit integer hash (Wellons 2018, "lowbias32") of non-negative int64 numbers."""
    x = x & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    x = ((x ^ (x >> 15)) * 0x846CA68B) & 0xFFFFFFFF
    return x ^ (x >> 16)


def cut(images: Tensor, draws: Draws, p: Tensor) -> Tensor:
    """Set a rectangle of half the sides of pictures (B, C, H, W) to 0."""
    B, _, H, W = images.shape
    happens = draws.coin(p)
    x, y = draws.uniform(), draws.uniform()
    columns = (torch.arange(W, device=images.device) + 0.5) / W
    rows = (torch.arange(H, device=images.device) + 0.5) / H
    inside_x = (columns - x[:, None]).abs() < HOLE / 2  # (B, W)
    inside_y = (rows - y[:, None]).abs() < HOLE / 2
    hole = inside_y[:, None, :, None] & inside_x[:, None, None, :] & happens.view(B, 1, 1, 1)
    return images.masked_fill(hole, 0)
