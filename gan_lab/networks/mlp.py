"""Multilayer perceptrons for points and small pictures, with or without a label."""

import math

import torch
from torch import Tensor, nn

from gan_lab.ops.labels import class_weights


class MLPGenerator(nn.Module):
    """Latents (B, Z), and labels (B,) if `num_classes` is given, to samples (B, *shape).

    Args:
        shape: of one sample. Pictures end in tanh, points are unbounded.
        latent_dim: Z.
        width: units of each hidden layer.
        depth: hidden layers.
        num_classes: K; the label's one-hot vector is appended to z (Mirza & Osindero 2014).
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        latent_dim: int = 64,
        width: int = 256,
        depth: int = 3,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.num_classes = tuple(shape), latent_dim, num_classes
        layers = perceptron(latent_dim + (num_classes or 0), width, depth, math.prod(shape))
        squash = nn.Tanh() if len(shape) > 1 else nn.Identity()
        self.layers = nn.Sequential(*layers, squash, nn.Unflatten(1, self.shape))

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        return self.layers(join_label(z, label, self.num_classes))


class MLPDiscriminator(nn.Module):
    """Samples (B, *shape), and labels (B,) if `num_classes` is given, to logits (B,).

    Args:
        shape: of one sample.
        width: units of each hidden layer.
        depth: hidden layers.
        num_classes: K; the label's one-hot vector is appended to the sample.
        dropout: share of hidden units left out in each pass.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        width: int = 256,
        depth: int = 3,
        num_classes: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        inputs = math.prod(shape) + (num_classes or 0)
        self.layers = nn.Sequential(*perceptron(inputs, width, depth, 1, dropout))

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        x = join_label(x.flatten(1), label, self.num_classes)
        return self.layers(x).squeeze(1).float()


def perceptron(
    inputs: int, width: int, depth: int, outputs: int, dropout: float = 0.0
) -> list[nn.Module]:
    """`depth` hidden layers with ReLU, then a linear one."""
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
        inputs = width
    return [*layers, nn.Linear(inputs, outputs)]


def join_label(x: Tensor, label: Tensor | None, num_classes: int | None) -> Tensor:
    """Append the label's one-hot vector: (B, D) to (B, D + K)."""
    if num_classes is None:
        return x
    return torch.cat([x, class_weights(label, num_classes).to(x.dtype)], 1)
