"""The networks of R3GAN: "The GAN is dead; long live the GAN! A Modern GAN Baseline" (Huang et al.
2024), Section 4 and Appendix on architecture; sizes and initialisation as in the authors' code.

A ResNet of grouped inverted bottlenecks between linear resampling, the same in both players. No
normalisation: the residual branches begin at zero (Zhang et al. 2019, "Fixup").
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gan_lab.networks.sizes import halvings
from gan_lab.ops.labels import LabelEmbedding
from gan_lab.ops.resample import downsample, fir, upsample

SLOPE = 0.2
ACTIVATION_GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps the variance through the leaky ReLU
LOW_PASS = (1, 3, 3, 1)  # [1, 2, 1] convolved with the box [1, 1] of resampling


class R3GANGenerator(nn.Module):
    """Latents (B, Z), and labels (B,) if `num_classes` is given, to pictures (B, C, H, W).

    A learned constant at the smallest size, each channel scaled by a linear map of z, then for each
    size upsampling and residual blocks. The output is unbounded.

    Args:
        shape: (C, H, W); a small rectangle times a power of two.
        latent_dim: Z (paper: 64).
        width: channels of the smallest sizes (paper: 768; ImageNet: 1536).
        num_classes: K; an embedding of Z numbers is appended to z.
        num_blocks: residual blocks for each size.
        num_full: sizes of full width, the smallest first; each further one has half of the one
            before (paper: 4, which is up to 32 pixels; ImageNet at 64: 5).
        group_size: channels in a group of the 3x3 convolutions (paper: 16; ImageNet: 32), or their
            largest common divisor with the width.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent_dim: int = 64,
        width: int = 768,
        num_classes: int | None = None,
        *,
        num_blocks: int = 2,
        num_full: int = 4,
        group_size: int = 16,
    ) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.num_classes = tuple(shape), latent_dim, num_classes
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = stage_widths(width, levels + 1, num_full)
        inputs = latent_dim if num_classes is None else 2 * latent_dim
        if num_classes is not None:
            self.embedding = msr(LabelEmbedding(num_classes, latent_dim), num_classes)
        self.basis = nn.Parameter(torch.randn(widths[0], h, w))
        self.modulation = msr(nn.Linear(inputs, widths[0], bias=False), inputs)
        self.transitions = nn.ModuleList(pointwise(*pair) for pair in pairwise(widths))
        self.stages = nn.ModuleList(
            residual_stage(width, num_blocks, len(widths), group_size) for width in widths
        )
        self.to_image = msr(nn.Conv2d(widths[-1], channels, 1, bias=False), widths[-1])
        self.register_buffer("low_pass", fir(LOW_PASS), persistent=False)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        if self.num_classes is not None:
            z = torch.cat([z, self.embedding(label)], 1)
        x = self.stages[0](self.basis * self.modulation(z)[..., None, None])
        for transition, stage in zip(self.transitions, self.stages[1:], strict=True):
            x = stage(upsample(transition(x), self.low_pass))
        return self.to_image(x)


class R3GANDiscriminator(nn.Module):
    """Pictures (B, C, H, W), and labels (B,) if `num_classes` is given, to logits (B,).

    The generator upside down: residual blocks and downsampling for each size, then a depthwise
    convolution over the whole smallest size.

    Args:
        shape: (C, H, W); a small rectangle times a power of two.
        width: channels of the smallest sizes (paper: 768; ImageNet: 1536).
        num_classes: K; the logit is then the product with the class's embedding (Miyato & Koyama
            2018).
        num_blocks: residual blocks for each size.
        num_full: sizes of full width, see `R3GANGenerator`.
        group_size: channels in a group of the 3x3 convolutions, see `R3GANGenerator`.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 768,
        num_classes: int | None = None,
        *,
        num_blocks: int = 2,
        num_full: int = 4,
        group_size: int = 16,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = stage_widths(width, levels + 1, num_full)[::-1]
        self.from_image = msr(nn.Conv2d(channels, widths[0], 1, bias=False), channels)
        self.stages = nn.ModuleList(
            residual_stage(width, num_blocks, len(widths), group_size) for width in widths
        )
        self.transitions = nn.ModuleList(pointwise(*pair) for pair in pairwise(widths))
        self.basis = msr(nn.Conv2d(width, width, (h, w), groups=width, bias=False), h * w)
        self.head = msr(nn.Linear(width, 1 if num_classes is None else width, bias=False), width)
        if num_classes is not None:
            self.embedding = msr(LabelEmbedding(num_classes, width), num_classes * width)
        self.register_buffer("low_pass", fir(LOW_PASS), persistent=False)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.from_image(x)
        for stage, transition in zip(self.stages, self.transitions, strict=False):
            x = transition(downsample(stage(x), self.low_pass))
        features = self.head(self.basis(self.stages[-1](x)).flatten(1)).float()  # (B, D)
        if self.num_classes is not None:
            features = features * self.embedding(label)
        return features.sum(1)


class ResidualBlock(nn.Module):
    """x + W3 f(W2 f(W1 x)): twice the channels within, a grouped 3x3 convolution among them.

    Args:
        channels: C.
        gain: scale of the first two layers' weights at the start; the third is zero.
        group_size: channels in a group.
    """

    def __init__(self, channels: int, gain: float, group_size: int) -> None:
        super().__init__()
        inner = 2 * channels
        group_size = math.gcd(inner, group_size)
        groups = inner // group_size
        self.expand = msr(nn.Conv2d(channels, inner, 1), channels, gain)
        self.mix = msr(nn.Conv2d(inner, inner, 3, padding=1, groups=groups), 9 * group_size, gain)
        self.reduce = msr(nn.Conv2d(inner, channels, 1, bias=False), inner, 0.0)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W)
        y = leaky_relu(self.expand(x), SLOPE)
        y = leaky_relu(self.mix(y), SLOPE)
        return x + self.reduce(y)


def residual_stage(
    channels: int, num_blocks: int, num_stages: int, group_size: int
) -> nn.Sequential:
    """The residual blocks of one size: (B, C, H, W) to the same.

    With L blocks in the network, each of three layers, two of which are drawn, weights are scaled
    by L^(-1/4), so that the sum of all branches neither grows nor fades (Fixup, rule 2).
    """
    gain = ACTIVATION_GAIN * (num_blocks * num_stages) ** -0.25
    return nn.Sequential(*(ResidualBlock(channels, gain, group_size) for _ in range(num_blocks)))


def stage_widths(width: int, num_stages: int, num_full: int) -> list[int]:
    """Channels of each size, the smallest size first: full, then halved from one to the next."""
    return [max(width >> max(stage - num_full + 1, 0), 1) for stage in range(num_stages)]


def pointwise(inputs: int, outputs: int) -> nn.Module:
    """(B, I, H, W) to (B, O, H, W); nothing where the number of channels stays."""
    if inputs == outputs:
        return nn.Identity()
    return msr(nn.Conv2d(inputs, outputs, 1, bias=False), inputs)


def msr(layer: nn.Module, fan_in: int, gain: float = 1.0) -> nn.Module:
    """Draw weights from N(0, gain^2 / fan_in) (He et al. 2015), biases 0."""
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(fan_in))
    if getattr(layer, "bias", None) is not None:
        nn.init.zeros_(layer.bias)
    return layer
