"""The residual networks of SNGAN: "Spectral Normalization for Generative Adversarial Networks"
(Miyato et al. 2018), Tables 4 (32 px, the defaults) and 6 (128 px: width=64, widest=16 and, in the
discriminator, smallest=4, num_plain=1); conditional as in "cGANs with Projection Discriminator"
(Miyato & Koyama 2018). Its blocks serve other papers too."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu
from torch.nn.utils.parametrizations import spectral_norm

from gan_lab.networks.sizes import halvings
from gan_lab.ops.batch_norm import ConditionalBatchNorm2d, SyncedBatchNorm2d
from gan_lab.ops.labels import LabelEmbedding

Wrap = Callable[[nn.Module], nn.Module]


class ResNetGenerator(nn.Module):
    """Latents (B, Z), and labels (B,) if `num_classes` is given, to pictures (B, C, H, W).

    Args:
        shape: (C, H, W); a small rectangle times a power of two.
        latent_dim: Z (paper: 128).
        width: channels at the full size (paper: 256 at 32 px, 64 at 128 px).
        widest: channels double at each smaller size, up to so many times the width.
        num_classes: K; batch norm then has a gain and a bias for each class.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent_dim: int = 128,
        width: int = 256,
        widest: int = 1,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.num_classes = tuple(shape), latent_dim, num_classes
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = [width * min(2**level, widest) for level in reversed(range(levels + 1))]
        self.start = nn.Sequential(
            glorot(nn.Linear(latent_dim, widths[0] * h * w)), nn.Unflatten(1, (widths[0], h, w))
        )
        self.blocks = nn.ModuleList(
            GeneratorBlock(inputs, outputs, num_classes) for inputs, outputs in pairwise(widths)
        )
        self.norm = SyncedBatchNorm2d(widths[-1])
        self.end = glorot(nn.Conv2d(widths[-1], channels, 3, padding=1))

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.start(z)
        for block in self.blocks:
            x = block(x, label)
        return self.end(relu(self.norm(x))).tanh()


class ResNetDiscriminator(nn.Module):
    """Pictures (B, C, H, W), and labels (B,) if `num_classes` is given, to logits (B,).

    Every layer has spectral norm 1.

    Args:
        shape: (C, H, W).
        width: channels of the first block (paper: 128 at 32 px, 64 at 128 px).
        widest: channels double at each smaller size, up to so many times the width.
        smallest: side in pixels at which halving stops; a picture is halved at least once.
        num_plain: blocks that follow at that size.
        num_classes: K; the label's embedding is projected on the features.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 128,
        widest: int = 1,
        smallest: int = 8,
        num_plain: int = 2,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        channels, *sides = shape
        levels, _, _ = halvings(*sides)
        levels = max(sum(min(sides) >> level > smallest for level in range(levels)), 1)
        widths = [width * min(2**level, widest) for level in range(levels)]
        self.blocks = nn.Sequential(
            FirstBlock(channels, width),
            *(
                DiscriminatorBlock(inputs, inputs, outputs, down=True)
                for inputs, outputs in pairwise(widths)
            ),
            *(
                DiscriminatorBlock(widths[-1], widths[-1], widths[-1], down=False)
                for _ in range(num_plain)
            ),
        )
        self.judgement = ProjectionHead(widths[-1], num_classes)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        return self.judgement(relu(self.blocks(x)).sum((2, 3)), label)


class GeneratorBlock(nn.Module):
    """A residual block that doubles the size: (B, inputs, H, W) to (B, outputs, 2H, 2W).

    Args:
        inputs: channels.
        outputs: channels.
        num_classes: K, for batch norm by class.
        wrap: what is done to each convolution, such as `spectral_norm`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        num_classes: int | None = None,
        wrap: Wrap = lambda layer: layer,
    ) -> None:
        super().__init__()
        self.norm1 = batch_norm(inputs, num_classes)
        self.norm2 = batch_norm(outputs, num_classes)
        self.conv1 = wrap(glorot(nn.Conv2d(inputs, outputs, 3, padding=1), gain=2**0.5))
        self.conv2 = wrap(glorot(nn.Conv2d(outputs, outputs, 3, padding=1), gain=2**0.5))
        self.shortcut = wrap(glorot(nn.Conv2d(inputs, outputs, 1)))

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        condition = [] if label is None else [label]
        y = interpolate(relu(self.norm1(x, *condition)), scale_factor=2)
        y = self.conv2(relu(self.norm2(self.conv1(y), *condition)))
        # The paper upsamples first: the same for a 1x1 convolution, at four times the cost.
        return y + interpolate(self.shortcut(x), scale_factor=2)


class DiscriminatorBlock(nn.Module):
    """A residual block with pre-activation: (B, inputs, H, W) to (B, outputs, H, W), or half of it.

    Args:
        inputs: channels.
        hidden: channels between its two convolutions.
        outputs: channels.
        down: whether the size is halved, by averages over 2x2 pixels.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, down: bool) -> None:
        super().__init__()
        self.conv1 = spectral_norm(glorot(nn.Conv2d(inputs, hidden, 3, padding=1), gain=2**0.5))
        self.conv2 = spectral_norm(glorot(nn.Conv2d(hidden, outputs, 3, padding=1), gain=2**0.5))
        self.pool = nn.AvgPool2d(2) if down else nn.Identity()
        same = inputs == outputs and not down
        self.shortcut = (
            nn.Identity() if same else spectral_norm(glorot(nn.Conv2d(inputs, outputs, 1)))
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(relu(self.conv1(relu(x))))
        return self.pool(y) + self.shortcut(self.pool(x))  # the 1x1 convolution could come first


class FirstBlock(nn.Module):
    """The discriminator's first block, on pixels and thus without activation before it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = spectral_norm(glorot(nn.Conv2d(inputs, outputs, 3, padding=1), gain=2**0.5))
        self.conv2 = spectral_norm(glorot(nn.Conv2d(outputs, outputs, 3, padding=1), gain=2**0.5))
        self.shortcut = spectral_norm(glorot(nn.Conv2d(inputs, outputs, 1)))

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(relu(self.conv1(x)))
        return avg_pool2d(y, 2) + self.shortcut(avg_pool2d(x, 2))


class ProjectionHead(nn.Module):
    """Features (B, D) to logits (B,): a linear layer, plus <embedding of the label, features>.

    Miyato & Koyama 2018, Equation 4 (without a label, its second term alone).
    """

    def __init__(self, features: int, num_classes: int | None = None) -> None:
        super().__init__()
        self.linear = spectral_norm(glorot(nn.Linear(features, 1)))
        if num_classes is not None:
            embedding = nn.Embedding(num_classes, features)
            nn.init.xavier_uniform_(embedding.weight)
            self.embedding = spectral_norm(embedding)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        logits = self.linear(x).squeeze(1).float()
        return logits if label is None else logits + (self.embedding(label) * x).sum(1).float()


def batch_norm(channels: int, num_classes: int | None) -> nn.Module:
    """Batch norm; with a gain and a bias for each class if there are classes."""
    if num_classes is None:
        return SyncedBatchNorm2d(channels)
    gain, bias = (
        LabelEmbedding(num_classes, channels, _weight=torch.zeros(num_classes, channels))
        for _ in range(2)
    )
    return ConditionalBatchNorm2d(channels, gain, bias)


def glorot(layer: nn.Module, gain: float = 1.0) -> nn.Module:
    """Uniform weights whose variance is gain^2 * 2 / (inputs + outputs); no bias."""
    nn.init.xavier_uniform_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer
