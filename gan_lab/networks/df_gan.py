"""DF-GAN's players: "DF-GAN: A Simple and Effective Baseline for Text-to-Image Synthesis" (Tao et
al. 2022), Sections 3.2 to 3.4: fusion of text and picture in each block of the generator, and a
discriminator that gives one answer to both questions, "real?" and "as the sentence says?"."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu

from gan_lab.networks.sizes import halvings


class Affine(nn.Module):
    """Each channel scaled and shifted by what the condition says (Equations 2 to 4).

    Args:
        channels: of the map (B, C, H, W).
        condition_dim: of the condition (B, D).
        hidden: width of the two perceptrons.
    """

    def __init__(self, channels: int, condition_dim: int, hidden: int) -> None:
        super().__init__()
        self.gamma, self.beta = (
            nn.Sequential(nn.Linear(condition_dim, hidden), nn.ReLU(), nn.Linear(hidden, channels))
            for _ in range(2)
        )
        for last, start in ((self.gamma[2], 1.0), (self.beta[2], 0.0)):  # as it came, at first
            nn.init.zeros_(last.weight)
            nn.init.constant_(last.bias, start)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return torch.addcmul(
            self.beta(condition)[..., None, None], self.gamma(condition)[..., None, None], x
        )


class FusionBlock(nn.Module):
    """UPBlock: twice the size, then a residual branch of two fusions and convolutions.

    Each fusion (DFBlock) is affine, leaky ReLU, affine, leaky ReLU. What treats each pixel by
    itself comes before its doubling, with the same result for a quarter of the work.
    """

    def __init__(self, inputs: int, outputs: int, condition_dim: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.ModuleList(Affine(inputs, condition_dim, hidden) for _ in range(2))
        self.second = nn.ModuleList(Affine(outputs, condition_dim, hidden) for _ in range(2))
        self.convolution1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.convolution2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        residual = x
        for affine in self.first:
            residual = leaky_relu(affine(residual, condition), 0.2)
        residual = self.convolution1(interpolate(residual, scale_factor=2))
        for affine in self.second:
            residual = leaky_relu(affine(residual, condition), 0.2)
        return interpolate(self.shortcut(x), scale_factor=2) + self.convolution2(residual)


class DFGenerator(nn.Module):
    """Latents (B, Z) and sentences (B, D) to pictures (B, C, H, W), about in [-1, 1].

    Args:
        shape: (C, H, W); a small rectangle times a power of two.
        latent_dim: Z (paper: 100).
        sentence_dim: D (paper: 256).
        width: channels at the full size, doubled at each smaller one (paper: 32).
        most: times `width` that the smallest sizes have at most (paper: 8).
        hidden: width of the perceptrons of the affine transformations (paper: 256).
    """

    num_classes = None

    def __init__(
        self,
        shape: Sequence[int],
        latent_dim: int = 100,
        sentence_dim: int = 256,
        width: int = 32,
        most: int = 8,
        hidden: int = 256,
    ) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.sentence_dim = tuple(shape), latent_dim, sentence_dim
        levels, h, w = halvings(*shape[1:])
        widths = [width * min(2**level, most) for level in reversed(range(levels))]
        widths = [widths[0], *widths]
        self.start = nn.Sequential(
            nn.Linear(latent_dim, widths[0] * h * w), nn.Unflatten(1, (widths[0], h, w))
        )
        self.blocks = nn.ModuleList(
            FusionBlock(inputs, outputs, latent_dim + sentence_dim, hidden)
            for inputs, outputs in pairwise(widths)
        )
        self.end = nn.Conv2d(widths[-1], shape[0], 3, padding=1)
        self.to(memory_format=torch.channels_last)  # half again as fast

    def forward(self, z: Tensor, sentence: Tensor) -> Tensor:
        x, condition = self.start(z), torch.cat([z, sentence], 1)
        for block in self.blocks:
            x = block(x, condition)
        # Without the paper's tanh, which learns no more once its pixels are black and white.
        return self.end(leaky_relu(x, 0.2)).float()


class DownBlock(nn.Module):
    """Half the size: a residual branch, weighted by a learnt number that begins at 0."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution1 = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
        self.convolution2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        residual = leaky_relu(self.convolution1(x), 0.2)
        residual = leaky_relu(self.convolution2(residual), 0.2)
        return torch.addcmul(self.shortcut(avg_pool2d(x, 2)), self.weight, residual)


class OneWayDiscriminator(nn.Module):
    """Pictures (B, C, H, W) and sentences (B, D) to logits (B,), by one way (Section 3.4).

    `features` sees the picture, `answer` its features and a sentence, so that one picture is
    judged with several sentences at the price of one.

    Args:
        shape: (C, H, W).
        sentence_dim: D (paper: 256).
        width: channels at the full size, doubled at each smaller one (paper: 32).
        most: times `width` that the smallest sizes have at most (paper: 8).
        joined: channels where features and sentence meet (paper: 64).
    """

    def __init__(
        self,
        shape: Sequence[int],
        sentence_dim: int = 256,
        width: int = 32,
        most: int = 8,
        joined: int = 64,
    ) -> None:
        super().__init__()
        levels, h, w = halvings(*shape[1:])
        widths = [width * min(2**level, most) for level in range(levels + 1)]
        self.start = nn.Conv2d(shape[0], width, 3, padding=1)
        self.blocks = nn.ModuleList(DownBlock(i, o) for i, o in pairwise(widths))
        self.joined = nn.Conv2d(widths[-1] + sentence_dim, joined, 3, padding=1, bias=False)
        self.end = nn.Conv2d(joined, 1, (h, w), bias=False)
        self.to(memory_format=torch.channels_last)  # half again as fast

    def features(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, D, h, w)."""
        x = self.start(images)
        for block in self.blocks:
            x = block(x)
        return x

    def answer(self, features: Tensor, sentence: Tensor) -> Tensor:
        """(B, D, h, w) and (B, D) -> logits (B,)."""
        everywhere = sentence[..., None, None].expand(-1, -1, *features.shape[2:])
        x = leaky_relu(self.joined(torch.cat([features, everywhere], 1)), 0.2)
        return self.end(x).flatten(1).squeeze(1).float()

    def forward(self, images: Tensor, sentence: Tensor) -> Tensor:
        return self.answer(self.features(images), sentence)
