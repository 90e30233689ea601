"""The colour half of ADA's pipeline (Karras et al. 2020, Appendix B): one 4x4 matrix a picture."""

import math

import torch
from torch import Tensor

from gan_lab.augment.draws import Draws
from gan_lab.augment.geometry import constant

BRIGHTNESS = 0.2  # standard deviation
LOG2_CONTRAST = 0.5  # standard deviation of log2
LOG2_SATURATION = 1.0

COLOUR_DRAWS = 10


def colour(draws: Draws, p: Tensor, channels: int) -> Tensor:
    """Brightness, contrast, luma flip, hue rotation and saturation: (B, 4, 4) on (r, g, b, 1).

    Hue and saturation mean nothing to a grey picture: they are then left out.
    """
    brightness = draws.normal() * BRIGHTNESS
    brightness = brightness * draws.coin(p)
    contrast = draws.normal() * LOG2_CONTRAST
    contrast = (contrast * draws.coin(p)).exp2()
    flipped = draws.whole(2) * draws.coin(p)
    hue = draws.uniform(-math.pi, math.pi) * draws.coin(p)
    saturation = draws.normal() * LOG2_SATURATION
    saturation = (saturation * draws.coin(p)).exp2()

    # Colours are split along the luma axis (1, 1, 1) / sqrt(3) and across it.
    like = {"dtype": hue.dtype, "device": hue.device}
    one, along = torch.eye(3, **like), torch.full((3, 3), 1 / 3, **like)
    across = one - along
    matrix = contrast[:, None, None] * (one - 2 * flipped[:, None, None] * along)
    if channels > 1:
        # Rodrigues' formula, with the matrix of the cross product with the axis.
        cross = constant((0, -1, 1, 1, 0, -1, -1, 1, 0), hue.dtype, hue.device).view(3, 3) / 3**0.5
        cos, sin = hue.cos()[:, None, None], hue.sin()[:, None, None]
        turned = one + (cos - 1) * across + sin * cross
        matrix = (one + (saturation[:, None, None] - 1) * across) @ turned @ matrix
    out = torch.eye(4, **like).repeat(len(hue), 1, 1)
    out[:, :3, :3] = matrix
    out[:, :3, 3] = (matrix * brightness[:, None, None]).sum(2)  # brightness comes first
    return out


def coloured(images: Tensor, matrix: Tensor) -> Tensor:
    """Pictures (B, C, H, W) of 1 (grey), 3 or 4 channels (alpha stays) under matrices (B, 4, 4)."""
    B, C, H, W = images.shape
    matrix = matrix.to(images.dtype)
    if C == 1:
        gain = matrix[:, :3, :3].sum(2).mean(1)  # as a grey (r, r, r), whose mean is taken
        return images * gain.view(B, 1, 1, 1) + matrix[:, :3, 3].mean(1).view(B, 1, 1, 1)
    colours, rest = images.split([3, C - 3], 1)
    turned = matrix[:, :3, :3] @ colours.flatten(2) + matrix[:, :3, 3:]
    return torch.cat([turned.view(B, 3, H, W), rest], 1) if C > 3 else turned.view(B, 3, H, W)
