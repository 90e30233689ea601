"""Small networks without normalisation: what penalised games need, and what a laptop can train.

`generator` and `discriminator` fit the family to the data's shape: convolutions for pictures
(C, H, W), perceptrons for points (D,).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from gan_lab.networks.mlp import MLPDiscriminator, MLPGenerator, join_label
from gan_lab.networks.sizes import halvings
from gan_lab.ops.labels import LabelEmbedding

MOST = 4  # the smallest size has at most this many times the channels of the largest


def generator(
    shape: tuple[int, ...],
    latent_dim: int = 64,
    width: int = 32,
    num_classes: int | None = None,
) -> nn.Module:
    """A generator for pictures or points; see `ConvGenerator` and `MLPGenerator`."""
    if len(shape) == 3:
        return ConvGenerator(shape, latent_dim, width, num_classes)
    return MLPGenerator(shape, latent_dim, 4 * width, num_classes=num_classes)


def discriminator(
    shape: tuple[int, ...], width: int = 32, num_classes: int | None = None
) -> nn.Module:
    """A discriminator for pictures or points; see `ConvDiscriminator` and `MLPDiscriminator`."""
    if len(shape) == 3:
        return ConvDiscriminator(shape, width, num_classes)
    return MLPDiscriminator(shape, 4 * width, num_classes=num_classes)


class ConvGenerator(nn.Module):
    """Latents (B, Z), and labels (B,) if `num_classes` is given, to pictures (B, C, H, W).

    A linear layer to the smallest size, then for each size nearest upsampling and a convolution.

    Args:
        shape: (C, H, W); a small rectangle times a power of two.
        latent_dim: Z.
        width: channels at the full size, doubled at each smaller one, at most fourfold.
        num_classes: K; the label's one-hot vector is appended to z.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent_dim: int = 64,
        width: int = 32,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.num_classes = tuple(shape), latent_dim, num_classes
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = [width * min(2**level, MOST) for level in reversed(range(levels + 1))]
        self.start = nn.Sequential(
            nn.Linear(latent_dim + (num_classes or 0), widths[0] * h * w),
            nn.Unflatten(1, (widths[0], h, w)),
        )
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, padding=1) for inputs, outputs in pairwise(widths)
        )
        self.end = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        x = leaky_relu(self.start(join_label(z, label, self.num_classes)), 0.2)
        for convolution in self.convolutions:
            x = leaky_relu(convolution(interpolate(x, scale_factor=2)), 0.2)
        return self.end(x)


class ConvDiscriminator(nn.Module):
    """Pictures (B, C, H, W), and labels (B,) if `num_classes` is given, to logits (B,).

    A 3x3 convolution, then one of 4x4 and stride 2 for each size, then a linear layer.

    Args:
        shape: (C, H, W).
        width: channels at the full size, doubled at each smaller one, at most fourfold.
        num_classes: K; the label's learned plane (1, H, W) is appended to the picture.
    """

    def __init__(
        self, shape: tuple[int, int, int], width: int = 32, num_classes: int | None = None
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = [width * min(2**level, MOST) for level in range(levels + 1)]
        planes = 0 if num_classes is None else 1
        self.start = nn.Conv2d(channels + planes, widths[0], 3, padding=1)
        if num_classes is not None:
            self.plane = nn.Sequential(
                LabelEmbedding(num_classes, height * width_px),
                nn.Unflatten(1, (1, height, width_px)),
            )
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
            for inputs, outputs in pairwise(widths)
        )
        self.end = nn.Linear(widths[-1] * h * w, 1)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        if self.num_classes is not None:
            x = torch.cat([x, self.plane(label)], 1)
        x = leaky_relu(self.start(x), 0.2)
        for convolution in self.convolutions:
            x = leaky_relu(convolution(x), 0.2)
        return self.end(x.flatten(1)).squeeze(1).float()
