"""Self-attention over a picture: "Self-Attention Generative Adversarial Networks" (Zhang et al.
2019), Section 3, with the pooled keys and values of its implementation and of BigGAN's."""

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, softmax
from torch.nn.utils.parametrizations import spectral_norm


class SelfAttention(nn.Module):
    """x + gamma * attention(x): every place may look at every other, (B, C, H, W) to the same.

    Its convolutions are 1x1, without bias and spectrally normalised; gamma starts at 0, so that a
    network learns what is near first.

    Args:
        channels: C; queries and keys have C / 8, values C / 2.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        keys, values = max(channels // 8, 1), max(channels // 2, 1)
        self.theta = projection(channels, keys)
        self.phi = projection(channels, keys)
        self.g = projection(channels, values)
        self.o = projection(values, channels)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        B, C, H, W = x.shape
        query = self.theta(x).flatten(2)  # (B, C/8, L), L = H * W
        key = max_pool2d(self.phi(x), 2).flatten(2)  # (B, C/8, L/4)
        value = max_pool2d(self.g(x), 2).flatten(2)  # (B, C/2, L/4)
        attention = softmax(query.mT @ key, -1)  # (B, L, L/4)
        attended = (value @ attention.mT).unflatten(2, (H, W))  # (B, C/2, H, W)
        return x + self.gamma * self.o(attended)


def projection(inputs: int, outputs: int) -> nn.Module:
    """A 1x1 convolution without bias, of spectral norm 1."""
    layer = nn.Conv2d(inputs, outputs, 1, bias=False)
    nn.init.xavier_uniform_(layer.weight)
    return spectral_norm(layer)


def halvings_to_attention(attention: int, height: int, levels: int) -> int:
    """How often a picture is halved until at most `attention` pixels high: 1 to `levels`.

    Raises:
        ValueError: no layer's features are so small.
    """
    for halvings in range(1, levels + 1):
        if height >> halvings <= attention:
            return halvings
    raise ValueError(
        f"attention={attention} is smaller than the smallest features of a picture {height} px"
        f" high; choose at least {height >> levels}"
    )
