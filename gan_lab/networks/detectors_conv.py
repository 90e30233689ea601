"""Detectors of anomalies in pictures: small convolutions without normalisation.

The papers' networks have batch norm, whose rows see each other; these do without it, so that a
score is of its own picture alone, in training too.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gan_lab.networks import detectors
from gan_lab.networks.detectors_mlp import Body as LatentBody
from gan_lab.networks.sizes import halvings
from gan_lab.networks.small import MOST, ConvGenerator

Shape = tuple[int, int, int]


class Body(nn.Module):
    """Pictures (B, C, H, W) to features (B, F): a 3x3 convolution, then 4x4 ones of stride 2.

    Args:
        shape: (C, H, W).
        width: channels at the full size, doubled at each smaller one, at most fourfold.
    """

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        levels, h, w = halvings(*shape[1:])
        widths = [width * min(2**level, MOST) for level in range(levels + 1)]
        self.start = nn.Conv2d(shape[0], widths[0], 3, padding=1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
            for inputs, outputs in pairwise(widths)
        )
        self.num_features = widths[-1] * h * w

    def forward(self, x: Tensor) -> Tensor:
        x = leaky_relu(self.start(x), 0.2)
        for convolution in self.convolutions:
            x = leaky_relu(convolution(x), 0.2)
        return x.flatten(1)


def encoder(shape: Shape, latent_dim: int = 32, width: int = 32) -> nn.Module:
    """Pictures to latents."""
    return detectors.Encoder(Body(shape, width), latent_dim)


def discriminator(shape: Shape, width: int = 32) -> nn.Module:
    """Pictures to logits; shows its features."""
    return detectors.Discriminator(Body(shape, width))


def pair_discriminator(shape: Shape, latent_dim: int = 32, width: int = 32) -> nn.Module:
    """Pictures and latents together, to logits."""
    return detectors.PairDiscriminator(Body(shape, width), latent_dim, width)


def cycle_discriminators(shape: Shape, latent_dim: int = 32, width: int = 32) -> nn.Module:
    """ALAD's three discriminators."""
    C, H, W = shape
    return detectors.CycleDiscriminators(
        pair_discriminator(shape, latent_dim, width),
        detectors.JoinedDiscriminator(Body((2 * C, H, W), width)),
        detectors.JoinedDiscriminator(LatentBody((2 * latent_dim,), width, depth=1)),
    )


def bidirectional(shape: Shape, latent_dim: int = 32, width: int = 32) -> nn.Module:
    """A generator of pictures and an encoder."""
    return detectors.Bidirectional(
        ConvGenerator(shape, latent_dim, width), encoder(shape, latent_dim, width)
    )


def encoder_decoder_encoder(shape: Shape, latent_dim: int = 32, width: int = 32) -> nn.Module:
    """GANomaly's chain for pictures."""
    return detectors.EncoderDecoderEncoder(
        encoder(shape, latent_dim, width),
        ConvGenerator(shape, latent_dim, width),
        encoder(shape, latent_dim, width),
    )
