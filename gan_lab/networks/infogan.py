"""The networks of InfoGAN (Chen et al. 2016), Appendix C.1, Table 1 (MNIST) at any size, and the
code that they share."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from gan_lab.networks.dcgan import initialise
from gan_lab.networks.sizes import halvings
from gan_lab.ops.batch_norm import SyncedBatchNorm2d

MOST = 4  # the smallest size has at most this many times the channels of the largest


class InfoGANGenerator(nn.Module):
    """Latents (B, Z) to pictures (B, C, H, W) in [-1, 1].

    A latent is all standard normal numbers: the paper's noise z, then K numbers for each K-fold
    categorical code, then one for each continuous code. The network sees the largest of K as a
    one-hot vector, which is uniform over the classes, and u = 2 Phi(n) - 1 of a continuous code's
    number n, which is uniform in (-1, 1).

    Args:
        shape: (C, H, W); a small rectangle times a power of two.
        noise_dim: numbers of noise (paper: 62).
        categories: classes of each categorical code (paper: one of 10).
        num_continuous: continuous codes (paper: 2).
        width: channels before the last layer, doubled at each smaller size, at most fourfold;
            sixteen times as many units in the first layer (paper: 64).
    """

    num_classes = None

    def __init__(
        self,
        shape: tuple[int, int, int],
        noise_dim: int = 62,
        categories: Sequence[int] = (10,),
        num_continuous: int = 2,
        width: int = 64,
    ) -> None:
        super().__init__()
        self.shape, self.categories, self.num_continuous = (
            tuple(shape),
            [*categories],
            num_continuous,
        )
        self.parts = [noise_dim, *categories, num_continuous]
        self.latent_dim = sum(self.parts)
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = [width * min(2**level, MOST) for level in reversed(range(levels))]
        layers: list[nn.Module] = [
            nn.Unflatten(1, (self.latent_dim, 1, 1)),
            nn.Conv2d(self.latent_dim, 16 * width, 1, bias=False),
            SyncedBatchNorm2d(16 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(16 * width, widths[0], (h, w), bias=False),
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
        classes, continuous = self.code(z)
        hot = [one_hot(ids, K) for ids, K in zip(classes, self.categories, strict=True)]
        return self.layers(torch.cat([z[:, : self.parts[0]], *hot, continuous], 1))

    def code(self, z: Tensor) -> tuple[list[Tensor], Tensor]:
        """The codes in latents (B, Z): ids (B,) of each categorical one; (B, num_continuous)."""
        _, *numbers, continuous = z.split(self.parts, 1)
        return [number.argmax(1) for number in numbers], torch.erf(continuous * 0.5**0.5)

    def with_code(self, z: Tensor, code: int, value: Tensor) -> Tensor:
        """Latents (B, Z) with one code set to chosen values.

        Args:
            z: (B, Z).
            code: which one; the categorical codes come first.
            value: (B,); class ids of a categorical code, else numbers in (-1, 1).
        """
        parts = list(z.split([*self.parts[:-1], *[1] * self.num_continuous], 1))[1:]
        if not 0 <= code < len(parts):
            raise ValueError(f"code={code} is not a code of this model; give 0 to {len(parts) - 1}")
        categorical = code < len(self.categories)
        if categorical:
            parts[code] = one_hot(value, self.categories[code]).to(z)
        else:
            parts[code] = 2**0.5 * torch.erfinv(value[:, None].to(z))
        return torch.cat([z[:, : self.parts[0]], *parts], 1)

    def log_likelihood(self, z: Tensor, code_logits: Tensor) -> tuple[Tensor, Tensor]:
        """log Q(c | x) of the categorical and of the continuous codes, (B,) each.

        A continuous code is normal around Q's mean with standard deviation 1, as in the authors'
        code; constants are left out.

        Args:
            z: (B, Z), which hold the codes.
            code_logits: (B, code_dim), what Q makes of their samples.
        """
        classes, continuous = self.code(z)
        *logits, mean = code_logits.split(self.parts[1:], 1)
        categorical = [
            -cross_entropy(logit, ids, reduction="none")
            for logit, ids in zip(logits, classes, strict=True)
        ]
        return sum(categorical, z.new_zeros(len(z))), -(continuous - mean).square().sum(1) / 2


class InfoGANDiscriminator(nn.Module):
    """Pictures (B, C, H, W) to logits (B,); `judge_and_read` also reads the code.

    Args:
        shape: (C, H, W).
        categories: classes of each categorical code.
        num_continuous: continuous codes.
        width: channels of the first layer, doubled at each smaller size, at most fourfold; sixteen
            times as many units in the last shared layer, twice as many in Q's own (paper: 64).
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        categories: Sequence[int] = (10,),
        num_continuous: int = 2,
        width: int = 64,
    ) -> None:
        super().__init__()
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = [width * min(2**level, MOST) for level in range(levels)]
        layers: list[nn.Module] = [
            nn.Conv2d(channels, widths[0], 4, stride=2, padding=1),
            nn.LeakyReLU(0.1),
        ]
        for inputs, outputs in pairwise(widths):
            layers += normalised(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False))
        layers += normalised(nn.Conv2d(widths[-1], 16 * width, (h, w), bias=False))
        self.body = nn.Sequential(*layers).apply(initialise)
        self.source = nn.Sequential(nn.Conv2d(16 * width, 1, 1), nn.Flatten(0)).apply(initialise)
        self.reader = nn.Sequential(  # the paper's Q
            *normalised(nn.Conv2d(16 * width, 2 * width, 1, bias=False)),
            nn.Conv2d(2 * width, sum(categories) + num_continuous, 1),
            nn.Flatten(),
        ).apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        return self.source(self.body(x)).float()

    def judge_and_read(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B,) and what Q makes of the code: (B, code_dim), class logits and means."""
        features = self.body(x)
        return self.source(features).float(), self.reader(features).float()


def normalised(layer: nn.Conv2d) -> list[nn.Module]:
    """A layer, batch norm and leaky ReLU."""
    return [layer, SyncedBatchNorm2d(layer.out_channels), nn.LeakyReLU(0.1)]
