"""The networks of ACGAN: "Conditional Image Synthesis with Auxiliary Classifier GANs" (Odena et al.
2017), Appendix A, Table 2 (32 px)."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from gan_lab.networks.sizes import halvings
from gan_lab.ops.batch_norm import SyncedBatchNorm2d
from gan_lab.ops.labels import class_weights

MOST = 4  # the generator's smallest size has at most this many times the channels of its largest
HALVINGS = 3  # at most, in the discriminator


class ACGANGenerator(nn.Module):
    """Latents (B, Z) and labels (B,) to pictures (B, C, H, W) in [-1, 1].

    Args:
        shape: (C, H, W); a small rectangle times a power of two.
        num_classes: K; the label's one-hot vector is appended to z.
        latent_dim: Z (paper: 100).
        width: channels before the last layer, doubled at each smaller size, at most fourfold.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        num_classes: int | None,
        latent_dim: int = 100,
        width: int = 96,
    ) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.num_classes = tuple(shape), latent_dim, num_classes
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = [width * min(2**level, MOST) for level in reversed(range(levels))]
        layers: list[nn.Module] = [
            nn.Linear(latent_dim + (num_classes or 0), widths[0] * h * w),
            nn.Unflatten(1, (widths[0], h, w)),
            nn.ReLU(),
        ]
        for inputs, outputs in pairwise(widths):
            layers += [doubling(inputs, outputs), SyncedBatchNorm2d(outputs), nn.ReLU()]
        layers += [doubling(widths[-1], channels), nn.Tanh()]
        self.layers = nn.Sequential(*layers).apply(initialise)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        return self.layers(torch.cat([z, class_weights(label, self.num_classes)], 1))


class ACGANDiscriminator(nn.Module):
    """Pictures (B, C, H, W) to logits (B,) of their source; `judge_and_name` also of their class.

    Args:
        shape: (C, H, W).
        num_classes: K.
        width: channels of the first layer, doubled by each of up to five others.
        dropout: share of activations left out after each of them (paper: 0.5).
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        num_classes: int | None,
        width: int = 16,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        channels, height, width_px = shape
        levels = min(halvings(height, width_px)[0], HALVINGS)
        widths = [width * 2**index for index in range(2 * levels)]
        layers: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(pairwise([channels, *widths])):
            layers.append(nn.Conv2d(inputs, outputs, 3, stride=2 - index % 2, padding=1))
            layers += [] if index == 0 else [SyncedBatchNorm2d(outputs)]
            layers += [nn.LeakyReLU(0.2), nn.Dropout(dropout)]
        features = widths[-1] * (height >> levels) * (width_px >> levels)
        layers += [nn.Flatten(), nn.Linear(features, 1 + (num_classes or 0))]
        self.layers = nn.Sequential(*layers).apply(initialise)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        """Logits (B,) of the source; a label makes no difference to them."""
        return self.judge_and_name(x)[0]

    def judge_and_name(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the source (B,) and of the class (B, K)."""
        logits = self.layers(x).float()
        return logits[:, 0], logits[:, 1:]


def doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """A transposed 5x5 convolution that doubles height and width."""
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1)


def initialise(layer: nn.Module) -> None:
    """Weights from N(0, 0.02^2), biases 0 (Table 2)."""
    if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
        nn.init.zeros_(layer.bias)
