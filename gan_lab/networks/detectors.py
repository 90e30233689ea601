"""What detectors of anomalies are made of, whatever samples are: discriminators that show their
features, pairs of mappings, and chains of three.

A body maps samples (B, *shape) to features (B, F) and carries `num_features`; those of pictures and
of rows are in `detectors_conv` and `detectors_mlp`, which put everything here together.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu
from torch.nn.utils.parametrizations import spectral_norm

HIDDEN = 4  # a hidden layer over joined features has this many times the width


class Encoder(nn.Module):
    """Samples (B, *shape) to latents (B, Z)."""

    def __init__(self, body: nn.Module, latent_dim: int) -> None:
        super().__init__()
        self.body, self.end = body, nn.Linear(body.num_features, latent_dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.body(x)).float()


class Discriminator(nn.Module):
    """Samples (B, *shape) to logits (B,); `features` is what stands before the last layer."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.features, self.end = body, nn.Linear(body.num_features, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.features(x)).squeeze(1).float()


class PairDiscriminator(nn.Module):
    """Samples (B, *shape) and latents (B, Z) together, to logits (B,).

    Args:
        body: of the samples.
        latent_dim: Z.
        width: a hidden layer has four times as many units.
    """

    def __init__(self, body: nn.Module, latent_dim: int, width: int) -> None:
        super().__init__()
        self.body = body
        self.latent = nn.Linear(latent_dim, HIDDEN * width)
        self.joined = nn.Linear(body.num_features + HIDDEN * width, HIDDEN * width)
        self.end = nn.Linear(HIDDEN * width, 1)

    def features(self, x: Tensor, z: Tensor) -> Tensor:
        """What stands before the last layer, (B, F)."""
        both = torch.cat([self.body(x), leaky_relu(self.latent(z), 0.2)], 1)
        return leaky_relu(self.joined(both), 0.2)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.end(self.features(x, z)).squeeze(1).float()


class JoinedDiscriminator(nn.Module):
    """Two samples, or two latents, side by side along their first axis, to logits (B,).

    Args:
        body: takes (B, 2C, ...).
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body, self.end = body, nn.Linear(body.num_features, 1)

    def features(self, first: Tensor, second: Tensor) -> Tensor:
        """What stands before the last layer, (B, F)."""
        return self.body(torch.cat([first, second], 1))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.end(self.features(first, second)).squeeze(1).float()


class CycleDiscriminators(nn.Module):
    """ALAD's three (Zenati et al. 2018b): of pairs, of samples and of latents that come back.

    All layers are held by spectral norm, as in the paper.

    Args:
        pair: D_xz.
        samples: D_xx.
        latents: D_zz.
    """

    def __init__(self, pair: nn.Module, samples: nn.Module, latents: nn.Module) -> None:
        super().__init__()
        self.pair, self.samples, self.latents = pair, samples, latents
        for layer in list(self.modules()):
            if isinstance(layer, nn.Linear | nn.Conv2d):
                spectral_norm(layer)


class Bidirectional(nn.Module):
    """A generator and an encoder, which is to be its inverse.

    Args:
        decoder: latents (B, Z) to samples (B, *shape); carries `shape` and `latent_dim`.
        encoder: samples to latents.
    """

    num_classes = None

    def __init__(self, decoder: nn.Module, encoder: nn.Module) -> None:
        super().__init__()
        self.decoder, self.encoder = decoder, encoder
        self.shape, self.latent_dim = decoder.shape, decoder.latent_dim

    def forward(self, z: Tensor) -> Tensor:
        return self.decoder(z)

    def encode(self, x: Tensor) -> Tensor:
        """(B, *shape) -> (B, Z)."""
        return self.encoder(x)


class EncoderDecoderEncoder(nn.Module):
    """GANomaly's chain: x -> z = G_E(x) -> x' = G_D(z) -> z' = E(x') (Akcay et al. 2018, Figure 2).

    Args:
        encoder: G_E.
        decoder: G_D; carries `shape`.
        again: E, of its own weights.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, again: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder, self.again = encoder, decoder, again
        self.shape = self.source_shape = decoder.shape

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))

    def chain(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """z (B, Z), x' (B, *shape) and z' (B, Z)."""
        z = self.encoder(x)
        x_hat = self.decoder(z)
        return z, x_hat, self.again(x_hat)
