"""The networks of FastGAN: "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot
Image Synthesis" (Liu et al. 2021), Section 3, Figures 3 and 4; widths as in the authors' code.

The paper's sizes are 256 to 1024 pixels. Smaller ones keep the widths of each size and bring the
skip-layer excitations closer together, so that there are some at every size from 16.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d
from torch.nn.utils.parametrizations import spectral_norm

from gan_lab.networks.sizes import halvings
from gan_lab.ops.batch_norm import SyncedBatchNorm2d

# Level l is the smallest rectangle, 4x4 for powers of two, doubled l times.
GENERATOR_WIDTHS = (16, 8, 4, 2, 2, 1, 1 / 2, 1 / 4, 1 / 8)  # of levels 0 to 8: 4 to 1024 pixels
DISCRIMINATOR_WIDTHS = (8, 4, 2, 1, 1 / 2, 1 / 4, 1 / 8)  # of levels 1 to 7
SMALL_WIDTHS = (4, 2, 1, 1 / 2)  # of levels 1 to 4, in the branch that sees the small picture
DECODER_WIDTHS = (2, 1, 1, 1 / 2)  # of levels 2 to 5
SMALL_LEVEL = 5  # of the small picture: at most 128 pixels, where 4x4 is the smallest size
INNER_LEVEL = 6  # to which the discriminator first brings larger pictures: 256 pixels


class FastGANGenerator(nn.Module):
    """Latents (B, Z) to pictures (B, C, H, W), and to small ones of at most 128 pixels.

    For each size nearest upsampling, a convolution and a gated linear unit, every second time with
    noise and twice. Small feature maps excite the channels of those four levels later
    (Equation 1). Unlike the authors' code, pictures of all sizes end in tanh.

    Args:
        shape: (C, H, W); 16 to 1024 pixels, a small rectangle times a power of two.
        latent_dim: Z (paper: 256).
        width: channels at 128 pixels, those of other sizes in proportion (paper: 64).
    """

    num_classes = None

    def __init__(self, shape: tuple[int, int, int], latent_dim: int = 256, width: int = 64) -> None:
        super().__init__()
        self.shape, self.latent_dim = tuple(shape), latent_dim
        channels, height, width_px = shape
        levels, h, w = pyramid(height, width_px)
        widths = [scaled(width, factor) for factor in GENERATOR_WIDTHS[: levels + 1]]
        self.start = nn.Sequential(
            nn.Unflatten(1, (latent_dim, 1, 1)),
            spectral_norm(nn.ConvTranspose2d(latent_dim, 2 * widths[0], (h, w), bias=False)),
            batch_norm(2 * widths[0]),
            nn.GLU(1),
        )
        self.stages = nn.ModuleList(
            (NoisyUpsampling if level % 2 else Upsampling)(*widths[level - 1 : level + 1])
            for level in range(1, levels + 1)
        )
        self.distance = max(1, min(4, levels - 1))
        self.excitations = nn.ModuleDict(
            {
                str(level): SkipLayerExcitation(widths[level - self.distance], widths[level])
                for level in range(self.distance, min(levels, 7) + 1)
            }
        )
        self.small_level = min(levels - 1, SMALL_LEVEL)
        self.to_small = convolution(widths[self.small_level], channels, 1)
        self.to_image = convolution(widths[-1], channels, 3, padding=1)
        noisy = [(h << level, w << level) for level in range(1, levels + 1, 2)]
        self.noise_sizes = [size for size in noisy for _ in range(2)]
        self.num_noise = sum(a * b for a, b in self.noise_sizes)
        self.register_buffer("noise", torch.randn(self.num_noise))

    def forward(self, z: Tensor, *, noise: Tensor | None = None) -> Tensor:
        return self.views(z, noise)[0]

    def views(self, z: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Pictures (B, C, H, W) and their small versions (B, C, h, w), both in [-1, 1].

        Args:
            z: (B, Z).
            noise: standard normal numbers (B, num_noise); constant ones if None.
        """
        noise = self.noise.expand(len(z), -1) if noise is None else noise
        parts = noise.split([a * b for a, b in self.noise_sizes], 1)
        maps = (p.unflatten(1, (1, *s)) for p, s in zip(parts, self.noise_sizes, strict=True))
        x = self.start(z)
        features = [x]
        for level, stage in enumerate(self.stages, 1):
            x = stage(x, next(maps), next(maps)) if level % 2 else stage(x)
            if str(level) in self.excitations:
                x = x * self.excitations[str(level)](features[level - self.distance])
            features.append(x)
        return self.to_image(x).tanh(), self.to_small(features[self.small_level]).tanh()


class Features(NamedTuple):
    """What the discriminator makes of a picture, before it judges or reconstructs."""

    middle: Tensor  # (B, D, 4 h, 4 w), of the picture; h x w is the smallest rectangle
    last: Tensor  # (B, 2 D, 2 h, 2 w), of the picture
    small: Tensor  # (B, D, 2 h, 2 w), of the small picture


class FastGANDiscriminator(nn.Module):
    """Pictures (B, C, H, W) to logits (B,), means over patches and over two sizes of the picture.

    It is also an autoencoder of real pictures (Section 3.2): decoders give back the picture, the
    small picture and one quarter of the picture, all in the small picture's size.

    Args:
        shape: (C, H, W); 16 to 1024 pixels, a small rectangle times a power of two.
        width: channels at 64 pixels, those of other sizes in proportion (paper: 64).
    """

    def __init__(self, shape: tuple[int, int, int], width: int = 64) -> None:
        super().__init__()
        channels, height, width_px = shape
        levels, _, _ = pyramid(height, width_px)
        inner, small = min(levels, INNER_LEVEL), min(levels - 1, SMALL_LEVEL)
        widths = [scaled(width, factor) for factor in DISCRIMINATOR_WIDTHS]
        main = widths[:inner][::-1]  # from the inner level down to level 1
        self.shrinkage = 2 ** (levels - small)
        outer = widths[inner - 1 : max(levels - 1, inner)][::-1]
        self.stem = stem(channels, outer, stride=2 if levels > inner else 1)
        self.stages = nn.ModuleList(ResidualDownsampling(*pair) for pair in pairwise(main))
        self.distance = max(1, min(3, len(self.stages) - 1))
        self.excitations = nn.ModuleDict(
            {
                str(stage): SkipLayerExcitation(main[stage - self.distance], main[stage])
                for stage in range(self.distance, len(main))
            }
        )
        self.judge = nn.Sequential(
            convolution(main[-1], 2 * main[-1], 1),
            batch_norm(2 * main[-1]),
            nn.LeakyReLU(0.2),
            convolution(2 * main[-1], 1, 4),
        )
        branch = [scaled(width, factor) for factor in SMALL_WIDTHS][: max(small - 1, 1)][::-1]
        self.small_stages = nn.Sequential(
            stem(channels, branch[:1], stride=2 if small > 1 else 1),
            *(downsampling(*pair) for pair in pairwise(branch)),
        )
        self.judge_small = convolution(branch[-1], 1, 4)
        self.decode_last = decoder(main[-1], width, small - 1, channels)
        self.decode_middle = decoder(main[-2], width, small - 1, channels)
        self.decode_small = decoder(branch[-1], width, small - 1, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(self.look(x, self.shrink(x))).mean(1)

    def shrink(self, x: Tensor) -> Tensor:
        """Pictures (B, C, H, W) as the discriminator sees them small: means of pixels."""
        return avg_pool2d(x, self.shrinkage)

    def look(self, x: Tensor, small: Tensor) -> Features:
        """The features of pictures (B, C, H, W) and of their small versions (B, C, h, w)."""
        features = [self.stem(x)]
        for number, stage in enumerate(self.stages, 1):
            x = stage(features[-1])
            if str(number) in self.excitations:
                x = x * self.excitations[str(number)](features[number - self.distance])
            features.append(x)
        return Features(features[-2], features[-1], self.small_stages(small))

    def logits(self, features: Features) -> Tensor:
        """(B, P) float32: one for each patch of the picture and of the small picture."""
        patches = self.judge(features.last), self.judge_small(features.small)
        return torch.cat([p.flatten(1) for p in patches], 1).float()

    def reconstructions(self, features: Features, corner: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The picture, the small picture and a corner of the picture, (B, C, h, w) each.

        Args:
            features: of real pictures.
            corner: which quarter, (B,) in 0 to 3.
        """
        return (
            self.decode_last(features.last),
            self.decode_small(features.small),
            self.decode_middle(quarter(features.middle, corner)),
        )


class SkipLayerExcitation(nn.Module):
    """Factors in [0, 1] for the channels of a large map, from a small one (Equation 1).

    Args:
        inputs: channels of the map that excites.
        outputs: channels of the map that is excited.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(4),
            convolution(inputs, outputs, 4),
            nn.SiLU(),  # the authors' code; the paper draws a leaky ReLU
            convolution(outputs, outputs, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:  # (B, I, H, W) to (B, O, 1, 1)
        return self.layers(x)


class Upsampling(nn.Sequential):
    """(B, I, H, W) to (B, O, 2 H, 2 W) by one gated convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Upsample(scale_factor=2),
            convolution(inputs, 2 * outputs, 3, padding=1),
            batch_norm(2 * outputs),
            nn.GLU(1),
        )


class NoisyUpsampling(nn.Module):
    """(B, I, H, W) to (B, O, 2 H, 2 W) by two gated convolutions, each with noise added."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.upsample = nn.Upsample(scale_factor=2)
        self.convolutions = nn.ModuleList(
            convolution(channels, 2 * outputs, 3, padding=1) for channels in (inputs, outputs)
        )
        self.strengths = nn.Parameter(torch.zeros(2))
        self.gates = nn.ModuleList(
            nn.Sequential(batch_norm(2 * outputs), nn.GLU(1)) for _ in range(2)
        )

    def forward(self, x: Tensor, *noise: Tensor) -> Tensor:
        x = self.upsample(x)
        layers = zip(self.convolutions, self.strengths, noise, self.gates, strict=True)
        for layer, strength, normal, gate in layers:
            x = gate(layer(x) + strength * normal)
        return x


class ResidualDownsampling(nn.Module):
    """(B, I, H, W) to (B, O, H / 2, W / 2), the mean of a deep and of a shallow path."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.deep = nn.Sequential(
            downsampling(inputs, outputs),
            convolution(outputs, outputs, 3, padding=1),
            batch_norm(outputs),
            nn.LeakyReLU(0.2),
        )
        self.shallow = nn.Sequential(
            nn.AvgPool2d(2),
            convolution(inputs, outputs, 1),
            batch_norm(outputs),
            nn.LeakyReLU(0.2),
        )

    def forward(self, x: Tensor) -> Tensor:
        return (self.deep(x) + self.shallow(x)) / 2


def downsampling(inputs: int, outputs: int) -> nn.Sequential:
    """(B, I, H, W) to (B, O, H / 2, W / 2) by one strided convolution."""
    return nn.Sequential(
        convolution(inputs, outputs, 4, stride=2, padding=1),
        batch_norm(outputs),
        nn.LeakyReLU(0.2),
    )


def stem(channels: int, widths: list[int], stride: int) -> nn.Sequential:
    """The first layer of a picture, without batch norm, and a strided one for each other width."""
    return nn.Sequential(
        convolution(channels, widths[0], 2 + stride, stride=stride, padding=1),
        nn.LeakyReLU(0.2),
        *(downsampling(*pair) for pair in pairwise(widths)),
    )


def decoder(inputs: int, width: int, doublings: int, channels: int) -> nn.Sequential:
    """Features (B, D, h, w) to pictures in [-1, 1], doubled so many times."""
    widths = [inputs, *(scaled(width, factor) for factor in DECODER_WIDTHS[:doublings])]
    return nn.Sequential(
        *(Upsampling(*pair) for pair in pairwise(widths)),
        convolution(widths[-1], channels, 3, padding=1),
        nn.Tanh(),
    )


def quarter(x: Tensor, corner: Tensor) -> Tensor:
    """One quarter of each map (B, D, 2 H, 2 W), by its number (B,) in 0 to 3: (B, D, H, W)."""
    B, D, H, W = x.shape
    halves = x.reshape(B, D, 2, H // 2, 2, W // 2)
    return halves[torch.arange(B, device=x.device), :, corner // 2, :, corner % 2]


def convolution(inputs: int, outputs: int, kernel: int, **options: int) -> nn.Module:
    """A convolution without bias, its weight divided by its largest singular value."""
    return spectral_norm(nn.Conv2d(inputs, outputs, kernel, bias=False, **options))


def batch_norm(channels: int) -> SyncedBatchNorm2d:
    """Batch norm, its gain drawn from N(1, 0.02^2)."""
    norm = SyncedBatchNorm2d(channels)
    nn.init.normal_(norm.weight, 1.0, 0.02)
    return norm


def scaled(width: int, factor: float) -> int:
    """So many times the width, at least one channel."""
    return max(int(width * factor), 1)


def pyramid(height: int, width: int) -> tuple[int, int, int]:
    """As `halvings`, of a size that these networks can make.

    Raises:
        ValueError: the picture is too small or too large, or cannot be reached by doubling.
    """
    levels, h, w = halvings(height, width)
    if not 2 <= levels < len(GENERATOR_WIDTHS):
        raise ValueError(
            f"data.resolution={height}x{width}: FastGAN's networks reach 16 to 1024 pixels; choose"
            " a size between"
        )
    return levels, h, w
