"""The networks of CTGAN (Xu et al. 2019), Section 4.4."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Spans = Sequence[Sequence[int]]  # first entry and end of each one-hot part


def gumbel_softmax(logits: Tensor, normal: Tensor, temperature: float) -> Tensor:
    """A one-hot draw made soft: Jang et al. 2017, Equation 2.

    Args:
        logits: (..., K).
        normal: (..., K), standard normal numbers n: -log(-log(Phi(n))) is a draw of Gumbel's.
        temperature: tau; towards 0 the draw is hard.
    """
    gumbel = -torch.log(-torch.special.log_ndtr(normal))
    return ((logits + gumbel) / temperature).softmax(-1)


class Residual(nn.Module):
    """h to [relu(norm(linear(h))), h]."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, width), nn.LayerNorm(width), nn.ReLU())

    def forward(self, h: Tensor) -> Tensor:
        return torch.cat([self.layers(h), h], 1)


class CTGANGenerator(nn.Module):
    """Latents (B, Z) and conditions (B, C) to rows (B, D) in [-1, 1].

    A latent is all standard normal numbers: the paper's noise z, then one for each entry of the
    one-hot parts, from which their Gumbel noise is made. Scaled down (`truncation`), rows are more
    typical and their one-hot parts nearer to the likeliest.

    Layer norm stands where the paper has batch norm: no row depends on the others, so that any
    number of processes and accumulated parts take the same steps.

    Args:
        shape: (D,).
        one_hots: first entry and end of each one-hot part; the other entries end in tanh.
        condition_dim: C.
        noise_dim: numbers of noise (paper: 128).
        width: units of a hidden layer (paper: 256).
        depth: hidden layers (paper: 2).
        temperature: tau of the Gumbel softmax (paper: 0.2).
    """

    num_classes = None

    def __init__(
        self,
        shape: tuple[int],
        one_hots: Spans,
        condition_dim: int,
        noise_dim: int = 128,
        width: int = 256,
        depth: int = 2,
        temperature: float = 0.2,
    ) -> None:
        super().__init__()
        self.shape, self.one_hots = tuple(shape), [tuple(span) for span in one_hots]
        self.condition_dim, self.noise_dim, self.temperature = condition_dim, noise_dim, temperature
        self.latent_dim = noise_dim + sum(end - start for start, end in self.one_hots)
        layers, inputs = [], noise_dim + condition_dim
        for _ in range(depth):
            layers.append(Residual(inputs, width))
            inputs += width
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, self.shape[0]))

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        return self.row(self.logits(z, label), z)

    def logits(self, z: Tensor, condition: Tensor) -> Tensor:
        """Rows (B, D) before their last functions."""
        return self.layers(torch.cat([z[:, : self.noise_dim], condition], 1)).float()

    def row(self, logits: Tensor, z: Tensor) -> Tensor:
        """(B, D): tanh of numbers, one-hot parts drawn with the noise in z (B, Z)."""
        parts, done, used = [], 0, self.noise_dim
        for start, end in self.one_hots:
            parts.append(logits[:, done:start].tanh())
            noise = z[:, used : used + end - start].float()
            parts.append(gumbel_softmax(logits[:, start:end], noise, self.temperature))
            used, done = used + end - start, end
        return torch.cat([*parts, logits[:, done:].tanh()], 1)


class PackDiscriminator(nn.Module):
    """Rows (B, D) and conditions (B, C) to logits (B / pac,): some rows are judged together.

    "PacGAN: The Power of Two Samples in Generative Adversarial Networks" (Lin et al. 2018): alike
    rows are easily seen beside each other.

    Args:
        shape: (D,).
        condition_dim: C.
        pac: rows in a pack (paper: 10).
        width: units of a hidden layer (paper: 256).
        depth: hidden layers (paper: 2).
        dropout: share of hidden units left out in each pass (paper: 0.5).
    """

    def __init__(
        self,
        shape: tuple[int],
        condition_dim: int,
        pac: int = 10,
        width: int = 256,
        depth: int = 2,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if pac < 1:
            raise ValueError(f"pac={pac}: a pack holds at least 1 row")
        self.pac = pac
        layers, inputs = [], pac * (shape[0] + condition_dim)
        for _ in range(depth):
            layers += [nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
            inputs = width
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, 1))

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        packs = torch.cat([x, label], 1).unflatten(0, (-1, self.pac)).flatten(1)
        return self.layers(packs).squeeze(1).float()
