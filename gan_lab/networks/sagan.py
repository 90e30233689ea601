"""The networks of SAGAN: "Self-Attention Generative Adversarial Networks" (Zhang et al. 2019):
SNGAN's residual networks with self-attention, and spectral norm in the generator too."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import relu
from torch.nn.utils.parametrizations import spectral_norm

from gan_lab.networks.attention import SelfAttention, halvings_to_attention
from gan_lab.networks.sizes import halvings
from gan_lab.networks.sngan import (
    DiscriminatorBlock,
    FirstBlock,
    GeneratorBlock,
    ProjectionHead,
    glorot,
)
from gan_lab.ops.batch_norm import SyncedBatchNorm2d

WIDEST = 16  # times the width, at the smallest size


class SAGANGenerator(nn.Module):
    """Latents (B, Z), and labels (B,) if `num_classes` is given, to pictures (B, C, H, W).

    Args:
        shape: (C, H, W); a small rectangle times a power of two.
        latent_dim: Z (paper: 128).
        width: channels at the full size, doubled at each smaller one, at most sixteenfold.
        attention: height of the features that attend to themselves; the largest ones that are not
            higher, and smaller than the picture (paper: 32, of 128).
        num_classes: K; batch norm then has a gain and a bias for each class.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent_dim: int = 128,
        width: int = 64,
        attention: int = 32,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.num_classes = tuple(shape), latent_dim, num_classes
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = [width * min(2**level, WIDEST) for level in reversed(range(levels + 1))]
        self.start = nn.Sequential(
            spectral_norm(glorot(nn.Linear(latent_dim, widths[0] * h * w))),
            nn.Unflatten(1, (widths[0], h, w)),
        )
        self.blocks = nn.ModuleList(
            GeneratorBlock(inputs, outputs, num_classes, wrap=spectral_norm)
            for inputs, outputs in pairwise(widths)
        )
        self.attention_before = levels - halvings_to_attention(attention, height, levels)
        self.attention = SelfAttention(widths[self.attention_before])
        self.norm = SyncedBatchNorm2d(widths[-1])
        self.end = spectral_norm(glorot(nn.Conv2d(widths[-1], channels, 3, padding=1)))

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.start(z)
        for index, block in enumerate(self.blocks):
            x = block(self.attention(x) if index == self.attention_before else x, label)
        return self.end(relu(self.norm(x))).tanh()


class SAGANDiscriminator(nn.Module):
    """Pictures (B, C, H, W), and labels (B,) if `num_classes` is given, to logits (B,).

    Args:
        shape: (C, H, W).
        width: channels of the first block, doubled at each smaller size, at most sixteenfold.
        attention: as in the generator.
        num_classes: K; the label's embedding is projected on the features.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 64,
        attention: int = 32,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        channels, height, width_px = shape
        levels, _, _ = halvings(height, width_px)
        widths = [width * min(2**level, WIDEST) for level in range(levels)]
        self.blocks = nn.Sequential(
            FirstBlock(channels, width),
            *(
                DiscriminatorBlock(inputs, outputs, outputs, down=True)
                for inputs, outputs in pairwise(widths)
            ),
            DiscriminatorBlock(widths[-1], widths[-1], widths[-1], down=False),
        )
        halved = halvings_to_attention(attention, height, levels)
        self.blocks.insert(halved, SelfAttention(widths[halved - 1]))
        self.judgement = ProjectionHead(widths[-1], num_classes)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        return self.judgement(relu(self.blocks(x)).sum((2, 3)), label)
