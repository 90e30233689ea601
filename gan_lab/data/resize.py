"""Resizing whole arrays of small pictures, once, when a set is read."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Bicubic with antialiasing, rounded: (N, C, h, w) uint8 -> (N, C, H, W) uint8."""
    if tuple(images.shape[-2:]) == tuple(size):
        return images
    out = torch.empty(*images.shape[:2], *size, dtype=torch.uint8)
    for start in range(0, len(images), 1024):  # float copies of a large set would not fit
        chunk = images[start : start + 1024].float()
        chunk = interpolate(chunk, size=tuple(size), mode="bicubic", antialias=True)
        out[start : start + 1024] = chunk.round_().clamp_(0, 255)
    return out


def padded(images: Tensor, size: int) -> Tensor:
    """Centre pictures on a square of background 0: (N, C, h, w) -> (N, C, size, size)."""
    N, C, H, W = images.shape
    top, left = (size - H) // 2, (size - W) // 2
    out = images.new_zeros(N, C, size, size)
    out[:, :, top : top + H, left : left + W] = images
    return out
