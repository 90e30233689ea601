"""Detectors of anomalies in rows of a table: perceptrons without normalisation."""

import math

from torch import Tensor, nn

from gan_lab.networks import detectors
from gan_lab.networks.mlp import MLPGenerator

Shape = tuple[int, ...]
UNITS = 4  # a hidden layer has this many times the width, as in networks/small.py


class Body(nn.Module):
    """Samples (B, *shape) to features (B, F) by hidden layers with leaky ReLU.

    Args:
        shape: of one sample.
        width: a hidden layer has four times as many units.
        depth: hidden layers.
    """

    def __init__(self, shape: Shape, width: int, depth: int = 2) -> None:
        super().__init__()
        inputs, self.num_features = math.prod(shape), UNITS * width
        layers: list[nn.Module] = [nn.Flatten(1)]
        for _ in range(depth):
            layers += [nn.Linear(inputs, UNITS * width), nn.LeakyReLU(0.2)]
            inputs = UNITS * width
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def generator(shape: Shape, latent_dim: int = 8, width: int = 32) -> nn.Module:
    """Latents to rows."""
    return MLPGenerator(tuple(shape), latent_dim, UNITS * width, depth=2)


def encoder(shape: Shape, latent_dim: int = 8, width: int = 32) -> nn.Module:
    """Rows to latents."""
    return detectors.Encoder(Body(shape, width), latent_dim)


def discriminator(shape: Shape, width: int = 32) -> nn.Module:
    """Rows to logits; shows its features."""
    return detectors.Discriminator(Body(shape, width))


def pair_discriminator(shape: Shape, latent_dim: int = 8, width: int = 32) -> nn.Module:
    """Rows and latents together, to logits."""
    return detectors.PairDiscriminator(Body(shape, width), latent_dim, width)


def cycle_discriminators(shape: Shape, latent_dim: int = 8, width: int = 32) -> nn.Module:
    """ALAD's three discriminators."""
    first, *rest = shape
    return detectors.CycleDiscriminators(
        pair_discriminator(shape, latent_dim, width),
        detectors.JoinedDiscriminator(Body((2 * first, *rest), width)),
        detectors.JoinedDiscriminator(Body((2 * latent_dim,), width, depth=1)),
    )


def bidirectional(shape: Shape, latent_dim: int = 8, width: int = 32) -> nn.Module:
    """A generator of rows and an encoder."""
    return detectors.Bidirectional(
        generator(shape, latent_dim, width), encoder(shape, latent_dim, width)
    )


def encoder_decoder_encoder(shape: Shape, latent_dim: int = 8, width: int = 32) -> nn.Module:
    """GANomaly's chain for rows."""
    return detectors.EncoderDecoderEncoder(
        encoder(shape, latent_dim, width),
        generator(shape, latent_dim, width),
        encoder(shape, latent_dim, width),
    )
