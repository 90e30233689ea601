"""The networks of BigGAN: "Large Scale GAN Training for High Fidelity Natural Image Synthesis"
(Brock et al. 2019), Appendix B, Figure 15 and Tables 4 to 6; at 32 px those of its first author's
implementation in PyTorch, whose parameter counts they have at every size."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import is_parametrized

from gan_lab.networks.attention import SelfAttention
from gan_lab.networks.sizes import halvings
from gan_lab.ops.batch_norm import ConditionalBatchNorm2d, SyncedBatchNorm2d
from gan_lab.ops.labels import LabelEmbedding

# Doublings -> channels of each size as multiples of the width, smallest size first (generator) or
# largest size first (discriminator). 2 doublings make 16 px from 4x4, 8 make 1024.
GENERATOR = {
    2: (4, 4, 4),
    3: (4, 4, 4, 4),
    4: (16, 16, 8, 4, 2),
    5: (16, 16, 8, 4, 2, 1),
    6: (16, 16, 8, 8, 4, 2, 1),
    7: (16, 16, 8, 8, 4, 2, 1, 1),
    8: (16, 16, 8, 8, 4, 2, 1, 1, 1),
}
DISCRIMINATOR = {
    2: (4, 4, 4, 4),
    3: (4, 4, 4, 4),
    4: (1, 2, 4, 8, 16),
    5: (1, 2, 4, 8, 16, 16),
    6: (1, 2, 4, 8, 8, 16, 16),
    7: (1, 1, 2, 4, 8, 8, 16, 16),
    8: (1, 1, 1, 2, 4, 8, 8, 16, 16),
}


class BigGANGenerator(nn.Module):
    """Latents (B, Z) and labels (B,) to pictures (B, C, H, W) in [-1, 1].

    Residual blocks, each doubling the size, whose batch norms follow the class and a part of z.

    Args:
        shape: (C, H, W); a small rectangle times 4 to 256, such as 16 to 1024 px.
        num_classes: K.
        latent_part: numbers of z that the first layer sees and, if hierarchical, that each block
            sees besides: Z is 120 at 128 px, 140 at 256 px, 160 at 512 px.
        width: channels of a multiple (paper: ch = 96; 64 for CIFAR-10).
        shared_dim: of the class embedding that all batch norms share; None gives each batch norm
            class embeddings of its own.
        hierarchical: each block sees its part of z; else only the first layer sees z.
        attention: heights of the feature maps that self-attention follows.
        weight_std: of normal initial weights; None makes them orthogonal.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        num_classes: int | None,
        latent_part: int = 20,
        width: int = 96,
        shared_dim: int | None = 128,
        hierarchical: bool = True,
        attention: Sequence[int] = (64,),
        weight_std: float | None = None,
    ) -> None:
        super().__init__()
        require_classes(num_classes)
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = [width * multiple for multiple in multiples(GENERATOR, levels, shape)]
        if hierarchical and shared_dim is None:
            raise ValueError("hierarchical=true needs a shared embedding; set shared_dim=128")
        self.shape, self.num_classes, self.latent_part = tuple(shape), num_classes, latent_part
        self.latent_dim = latent_part * (levels + 1 if hierarchical else 1)

        def follow(features: int) -> nn.Module:  # a gain or bias that follows the condition
            if shared_dim is None:
                return LabelEmbedding(num_classes, features)
            inputs = shared_dim + (latent_part if hierarchical else 0)
            return nn.Linear(inputs, features, bias=False)

        self.shared = nn.Identity()
        if shared_dim is not None:
            self.shared = LabelEmbedding(num_classes, shared_dim)
        self.start = nn.Sequential(
            nn.Linear(latent_part, widths[0] * h * w), nn.Unflatten(1, (widths[0], h, w))
        )
        self.blocks = nn.ModuleList(GeneratorBlock(*pair, follow) for pair in pairwise(widths))
        self.attention = nn.ModuleList(
            SelfAttention(outputs) if h * 2**level in attention else nn.Identity()
            for level, outputs in enumerate(widths[1:], 1)
        )
        self.norm = SyncedBatchNorm2d(widths[-1])
        self.end = nn.Conv2d(widths[-1], channels, 3, padding=1)
        initialise(self, weight_std)
        normalise(self, nn.Conv2d | nn.Linear)  # not the embeddings

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        condition = self.shared(label)
        first, *parts = z.split(self.latent_part, 1)
        x = self.start(first)
        for index, (block, attention) in enumerate(zip(self.blocks, self.attention, strict=True)):
            follows = torch.cat([condition, parts[index]], 1) if parts else condition
            x = attention(block(x, follows))
        return self.end(relu(self.norm(x))).tanh()

    def filters(self) -> list[Tensor]:
        """The weights that orthogonal regularisation concerns: all but the class embedding."""
        return [
            weight
            for name, weight in self.named_parameters()
            if weight.ndim > 1 and not name.startswith("shared")
        ]


class BigGANDiscriminator(nn.Module):
    """Pictures (B, C, H, W) and labels (B,) to logits (B,), the class by projection.

    Args:
        shape: (C, H, W).
        num_classes: K.
        width: channels of a multiple (paper: ch = 96; 64 for CIFAR-10).
        attention: heights of the feature maps that self-attention follows.
        weight_std: of normal initial weights; None makes them orthogonal.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        num_classes: int | None,
        width: int = 96,
        attention: Sequence[int] = (64,),
        weight_std: float | None = None,
    ) -> None:
        super().__init__()
        require_classes(num_classes)
        channels, height, width_px = shape
        levels, _, _ = halvings(height, width_px)
        widths = [width * multiple for multiple in multiples(DISCRIMINATOR, levels, shape)]
        halved = levels if levels > 3 else levels - 1  # small pictures are judged at 8x8
        layers: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(pairwise([channels, *widths])):
            layers.append(DiscriminatorBlock(inputs, outputs, index < halved, first=index == 0))
            if index < halved and height // 2 ** (index + 1) in attention:
                layers.append(SelfAttention(outputs))
        self.layers = nn.Sequential(*layers)
        self.end = nn.Linear(widths[-1], 1)
        self.project = nn.Embedding(num_classes, widths[-1])
        initialise(self, weight_std)
        normalise(self, nn.Conv2d | nn.Linear | nn.Embedding)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        features = relu(self.layers(x)).float().sum((2, 3))  # (B, F)
        return self.end(features).squeeze(1).float() + (self.project(label) * features).sum(1)


class GeneratorBlock(nn.Module):
    """Doubles height and width; both paths by nearest neighbours (Figure 15b)."""

    def __init__(self, inputs: int, outputs: int, follow: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.norm1 = ConditionalBatchNorm2d(inputs, follow(inputs), follow(inputs))
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = ConditionalBatchNorm2d(outputs, follow(outputs), follow(outputs))
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        residual = self.conv1(interpolate(relu(self.norm1(x, condition)), scale_factor=2))
        residual = self.conv2(relu(self.norm2(residual, condition)))
        return residual + interpolate(
            self.shortcut(x), scale_factor=2
        )  # 1x1 first: a quarter's work


class DiscriminatorBlock(nn.Module):
    """Halves height and width, or not (Figure 15c); the first has no non-linearity in front."""

    def __init__(self, inputs: int, outputs: int, halve: bool, *, first: bool = False) -> None:
        super().__init__()
        self.halve, self.first = halve, first
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        learned = halve or inputs != outputs
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if learned else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        residual = self.conv2(relu(self.conv1(x if self.first else relu(x))))
        if self.halve:
            residual, x = avg_pool2d(residual, 2), avg_pool2d(x, 2)
        return residual + self.shortcut(x)


def multiples(
    table: dict[int, tuple[int, ...]], levels: int, shape: tuple[int, int, int]
) -> tuple[int, ...]:
    """A table's row for so many doublings."""
    if levels not in table:
        raise ValueError(
            f"data.resolution={shape[1]}x{shape[2]} is a small rectangle doubled {levels} times;"
            f" BigGAN doubles {min(table)} to {max(table)} times, such as 16 to 1024 pixels"
        )
    return table[levels]


def require_classes(num_classes: int | None) -> None:
    """Refuse data without labels."""
    if num_classes is None:
        raise ValueError("num_classes=null: BigGAN needs labels; choose a data set that has them")


def initialise(network: nn.Module, weight_std: float | None) -> None:
    """Orthogonal weights (Saxe et al. 2014), or normal ones."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding) and not is_parametrized(layer):
            if weight_std is None:
                nn.init.orthogonal_(layer.weight)
            else:
                nn.init.normal_(layer.weight, 0.0, weight_std)


def normalise(network: nn.Module, kinds: type) -> None:
    """Spectral norm on every layer of these kinds (Miyato et al. 2018)."""
    for layer in list(network.modules()):
        if isinstance(layer, kinds) and not is_parametrized(layer):
            spectral_norm(layer, eps=1e-6)
