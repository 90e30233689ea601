"""The networks of DCGAN: "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks" (Radford et al. 2016), Section 3 and Figure 1."""

from itertools import pairwise

from torch import Tensor, nn

from gan_lab.networks.sizes import halvings
from gan_lab.ops.batch_norm import SyncedBatchNorm2d


class DCGANGenerator(nn.Module):
    """Latents (B, Z) to pictures (B, C, H, W) by transposed convolutions and batch norm.

    Args:
        shape: (C, H, W); a small rectangle times a power of two.
        latent_dim: Z (paper: 100).
        width: channels before the last layer, doubled at each smaller size, at most eightfold.
    """

    num_classes = None

    def __init__(self, shape: tuple[int, int, int], latent_dim: int = 100, width: int = 64) -> None:
        super().__init__()
        self.shape, self.latent_dim = tuple(shape), latent_dim
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = [width * min(2**level, 8) for level in reversed(range(levels))]
        layers: list[nn.Module] = [
            nn.Unflatten(1, (latent_dim, 1, 1)),
            nn.ConvTranspose2d(latent_dim, widths[0], (h, w), bias=False),
            SyncedBatchNorm2d(widths[0]),
            nn.ReLU(),
        ]
        for inputs, outputs in pairwise(widths):
            layers += [
                nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
                SyncedBatchNorm2d(outputs),
                nn.ReLU(),
            ]
        layers += [nn.ConvTranspose2d(widths[-1], channels, 4, stride=2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers).apply(initialise)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


class DCGANDiscriminator(nn.Module):
    """Pictures (B, C, H, W) to logits (B,) by strided convolutions and batch norm.

    Args:
        shape: (C, H, W).
        width: channels of the first layer, doubled at each smaller size, at most eightfold.
    """

    def __init__(self, shape: tuple[int, int, int], width: int = 64) -> None:
        super().__init__()
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = [width * min(2**level, 8) for level in range(levels)]
        layers: list[nn.Module] = [
            nn.Conv2d(channels, widths[0], 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        ]
        for inputs, outputs in pairwise(widths):
            layers += [
                nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
                SyncedBatchNorm2d(outputs),
                nn.LeakyReLU(0.2),
            ]
        layers += [nn.Conv2d(widths[-1], 1, (h, w)), nn.Flatten(0)]
        self.layers = nn.Sequential(*layers).apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).float()


def initialise(layer: nn.Module) -> None:
    """Weights from N(0, 0.02^2) (Section 4); batch norm's gain around 1."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
