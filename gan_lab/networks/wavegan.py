"""The networks of WaveGAN: "Adversarial Audio Synthesis" (Donahue et al. 2019), Appendix D,
Tables 3 and 4, and its phase shuffle (Section 3.3)."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gan_lab.networks.mlp import join_label
from gan_lab.ops.labels import LabelEmbedding

KERNEL, STRIDE = 25, 4
PADDING = (KERNEL - STRIDE + 1) // 2  # so that lengths are divided or multiplied by the stride
SHORTEST = 16  # samples at the smallest size, at least


class WaveGANGenerator(nn.Module):
    """Latents (B, Z), and labels (B,) if `num_classes` is given, to sounds (B, C, T) in [-1, 1].

    A linear layer, then transposed convolutions of 25 samples and stride 4.

    Args:
        shape: (C, T); T is 16 to 63 samples times a power of 4.
        latent_dim: Z (paper: 100).
        width: d, channels before the last layer, doubled at each shorter length (paper: 64).
        num_classes: K; the label's one-hot vector is appended to z (paper: without labels).
    """

    def __init__(
        self,
        shape: tuple[int, int],
        latent_dim: int = 100,
        width: int = 64,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.num_classes = tuple(shape), latent_dim, num_classes
        channels, num_samples = sound_shape(shape)
        levels, shortest = quarterings(num_samples)
        widths = [width * 2**level for level in reversed(range(levels))]
        layers: list[nn.Module] = [
            nn.Linear(latent_dim + (num_classes or 0), widths[0] * shortest),
            nn.Unflatten(1, (widths[0], shortest)),
        ]
        for inputs, outputs in pairwise([*widths, channels]):
            layers += [nn.ReLU(), quadrupling(inputs, outputs)]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        return self.layers(join_label(z, label, self.num_classes))


class WaveGANDiscriminator(nn.Module):
    """Sounds (B, C, T), and labels (B,) if `num_classes` is given, to logits (B,).

    Convolutions of 25 samples and stride 4, then a linear layer; between convolutions, phases are
    shuffled where shifts are given.

    Args:
        shape: (C, T).
        width: d, channels of the first layer, doubled at each shorter length (paper: 64).
        num_classes: K; the features are projected on the label's embedding (Miyato & Koyama 2018,
            Equation 4; paper: without labels).
        most_shifted: n, activations are shifted by at most so many samples (paper: 2).

    Attributes:
        num_shuffles: S, layers whose phases are shuffled: all but the last.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        width: int = 64,
        num_classes: int | None = None,
        most_shifted: int = 2,
    ) -> None:
        super().__init__()
        self.num_classes, self.most_shifted = num_classes, most_shifted
        channels, num_samples = sound_shape(shape)
        levels, shortest = quarterings(num_samples)
        if not 0 <= most_shifted < shortest * STRIDE:
            raise ValueError(f"most_shifted={most_shifted}: give 0 to {shortest * STRIDE - 1}")
        widths = [width * 2**level for level in range(levels)]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, outputs, KERNEL, STRIDE, PADDING)
            for inputs, outputs in pairwise([channels, *widths])
        )
        self.num_shuffles = levels - 1
        features = widths[-1] * shortest
        self.end = nn.Linear(features, 1)
        if num_classes is not None:
            self.embedding = LabelEmbedding(num_classes, features)
            nn.init.normal_(self.embedding.weight, 0.0, features**-0.5)

    def forward(
        self, x: Tensor, label: Tensor | None = None, draws: Tensor | None = None
    ) -> Tensor:
        """Logits (B,).

        Args:
            x: (B, C, T).
            label: (B,) ids or (B, K) weights.
            draws: (B, S) in [0, 1), of which the shifts are made; None shifts nothing.
        """
        for level, convolution in enumerate(self.convolutions):
            x = leaky_relu(convolution(x), 0.2)
            if draws is not None and level < self.num_shuffles:
                x = shifted(x, to_shifts(draws[:, level], self.most_shifted))
        x = x.flatten(1)
        logits = self.end(x).squeeze(1)
        if self.num_classes is not None:
            logits = logits + (self.embedding(label) * x).sum(1)
        return logits.float()


def sound_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """(C, T), if it is that of sounds."""
    if len(shape) != 2:
        raise ValueError(f"data.shape={list(shape)}: sounds are (1, T); choose data=audio")
    return shape


def quarterings(num_samples: int) -> tuple[int, int]:
    """How often T can be divided by 4, and what is left, at least 16 samples: (levels, length).

    Raises:
        ValueError: T is not 16 to 63 samples times a power of 4.
    """
    levels, length = 0, num_samples
    while length % STRIDE == 0 and length // STRIDE >= SHORTEST:
        levels, length = levels + 1, length // STRIDE
    if levels == 0 or length >= SHORTEST * STRIDE:
        raise ValueError(
            f"data.num_samples={num_samples} is not 16 to 63 samples times a power of 4; choose"
            " one that is, such as 4096, 5120, 8192 or 16384"
        )
    return levels, length


def quadrupling(inputs: int, outputs: int) -> nn.ConvTranspose1d:
    """A transposed convolution that makes sounds four times as long.

    Each output sees a quarter of the kernel: the scale (He et al. 2015) is of that.
    """
    layer = nn.ConvTranspose1d(inputs, outputs, KERNEL, STRIDE, PADDING, output_padding=1)
    nn.init.normal_(layer.weight, 0.0, (2 * STRIDE / (inputs * KERNEL)) ** 0.5)
    nn.init.zeros_(layer.bias)
    return layer


def to_shifts(draws: Tensor, most: int) -> Tensor:
    """(B,) in [0, 1) -> (B,) whole numbers from -most to most, each as likely."""
    return (draws * (2 * most + 1)).long().clamp(max=2 * most) - most


def shifted(x: Tensor, shifts: Tensor) -> Tensor:
    """Activations (B, C, T), each row later by its own shift (B,), what is missing reflected.

    The phase shuffle of Section 3.3: a discriminator that sees it cannot tell real from fake by
    where in a sound the period of a transposed convolution begins.
    """
    B, C, T = x.shape
    places = (torch.arange(T, device=x.device) - shifts[:, None]).abs()  # (B, T)
    places = (T - 1) - ((T - 1) - places).abs()
    return x.gather(2, places[:, None].expand(B, C, T))
