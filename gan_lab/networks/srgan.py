"""SRGAN's players: "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network" (Ledig et al. 2017), Figure 4.

Departures: no batch norm, as later papers found (Lim et al. 2017, Wang et al. 2018), so that
sizes, processes and parts of a minibatch make no difference; and the generator learns what the
low resolution, enlarged bicubically, lacks, which makes a short training worth its time.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import log2

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


def widened(x: Tensor, scale: int) -> Tensor:
    """(B, C, h, w) -> (B, C, h * scale, w * scale), bicubically."""
    return interpolate(x, scale_factor=scale, mode="bicubic", antialias=True)  # Keys' a = -1/2


def doublings(scale: int) -> int:
    """How often 2 is a factor of a scale, which is a power of it."""
    if scale < 2 or 2 ** round(log2(scale)) != scale:
        raise ValueError(f"scale={scale}: give a power of 2, such as 2 or 4")
    return round(log2(scale))


def start_near_nothing(layer: nn.Conv2d) -> nn.Conv2d:
    """The last convolution of what is added to an enlarged picture: at first it adds little."""
    with torch.no_grad():
        layer.weight.mul_(0.1)
        layer.bias.zero_()
    return layer


def subpixel(width: int) -> nn.Sequential:
    """A convolution that makes four pixels of each, and puts them in place.

    The four begin with the same weights ("Checkerboard artifact free sub-pixel convolution", Aitken
    et al. 2017): else they differ at first, which an adversary's generator keeps as a grid of dots.
    """
    layer = nn.Conv2d(width, 4 * width, 3, 1, 1)
    with torch.no_grad():
        layer.weight.copy_(layer.weight[::4].repeat_interleave(4, 0))
        layer.bias.copy_(layer.bias[::4].repeat_interleave(4, 0))
    return nn.Sequential(layer, nn.PixelShuffle(2), nn.PReLU(width))


class ResidualBlock(nn.Module):
    """x + convolution(PReLU(convolution(x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1), nn.PReLU(width), nn.Conv2d(width, width, 3, 1, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class SRResNet(nn.Module):
    """Low resolutions (B, C, h, w) in [-1, 1] of any size to high ones (B, C, h * s, w * s).

    Args:
        source_shape: (C, h, w) that it is trained on.
        shape: (C, H, W) of what it then makes.
        scale: s, a power of 2.
        width: channels inside (paper: 64).
        num_blocks: residual blocks (paper: 16).
        ends: pixels a side of the first and of the last convolution (paper: 9).
    """

    def __init__(
        self,
        source_shape: Sequence[int],
        shape: Sequence[int],
        scale: int = 4,
        width: int = 64,
        num_blocks: int = 16,
        ends: int = 9,
    ) -> None:
        super().__init__()
        self.source_shape, self.shape, self.scale = tuple(source_shape), tuple(shape), scale
        times = doublings(scale)
        # Pixels of the low resolution to each side that an output depends on; the last
        # convolution's are finer, the enlarged picture's are two.
        self.reach = ends // 2 + 2 * num_blocks + 1 + times + -(-(ends // 2) // scale)
        self.first = nn.Sequential(
            nn.Conv2d(source_shape[0], width, ends, 1, ends // 2), nn.PReLU(width)
        )
        self.body = nn.Sequential(
            *(ResidualBlock(width) for _ in range(num_blocks)), nn.Conv2d(width, width, 3, 1, 1)
        )
        self.grow = nn.Sequential(*(subpixel(width) for _ in range(times)))
        self.last = start_near_nothing(nn.Conv2d(width, shape[0], ends, 1, ends // 2))

    def forward(self, low: Tensor) -> Tensor:
        x = self.first(low)
        x = self.grow(x + self.body(x))
        return self.last(x).float() + widened(low.float(), self.scale)


def paired_convolutions(
    channels: int, width: int, levels: int
) -> tuple[list[nn.Module], list[int]]:
    """Convolutions of 3x3 in the manner of VGG, the second of each pair with stride 2.

    Returns:
        The layers, and the channels before the first pair and after each.
    """
    widths = [channels, *(width * min(2**level, 8) for level in range(levels))]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        for source, stride in ((inputs, 1), (outputs, 2)):
            layers += [nn.Conv2d(source, outputs, 3, stride, 1), nn.LeakyReLU(0.2)]
    return layers, widths


def start_steady(network: nn.Module) -> None:
    """First weights that keep the spread from layer to layer (He et al. 2015).

    Without norms PyTorch's own let it die away, and a discriminator learns nothing for long.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, a=0.2)
            nn.init.zeros_(layer.bias)


class PictureDiscriminator(nn.Module):
    """Pictures (B, C, H, W) of one size to logits (B,): Figure 4.

    Args:
        shape: (C, H, W) of the pictures.
        width: channels of the first pair (paper: 64); they double from pair to pair, up to 8 times.
        dense: numbers between the two last layers (paper: 1024); null means 16 times `width`.
        levels: pairs (paper: 4).
    """

    def __init__(
        self, shape: Sequence[int], width: int = 64, dense: int | None = None, levels: int = 4
    ) -> None:
        super().__init__()
        C, H, W = shape
        dense = 16 * width if dense is None else dense
        layers, widths = paired_convolutions(C, width, levels)
        H, W = (-(-side // 2**levels) for side in (H, W))
        self.layers = nn.Sequential(
            *layers,
            nn.Flatten(),
            nn.Linear(widths[-1] * H * W, dense),
            nn.LeakyReLU(0.2),
            nn.Linear(dense, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).float().squeeze(1)


class PlaceDiscriminator(nn.Module):
    """The same convolutions, and a logit for each place of the last map: (B, h, w).

    Every place is an example, so that it learns from fewer pictures.

    Args:
        shape: (C, H, W) of the pictures.
        width, levels: see `PictureDiscriminator`.
    """

    def __init__(self, shape: Sequence[int], width: int = 64, levels: int = 4) -> None:
        super().__init__()
        layers, widths = paired_convolutions(shape[0], width, levels)
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 1))
        start_steady(self)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).float().squeeze(1)
