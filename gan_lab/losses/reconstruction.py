"""How near an output must be to its truth: what super-resolution calls the content loss.

A content loss takes pictures (B, C, H, W) in [-1, 1], gives distances (B,), and is made ready by
`prepare(device)`: one that needs weights reads them then, so that a trained model can be loaded
where they are not at hand.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d


class Content(Protocol):
    """The distance of outputs from their truth."""

    def prepare(self, device: torch.device) -> None:
        """Read what it needs."""

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        """Distances (B,) of pictures (B, C, H, W) in [-1, 1]."""


class PixelError:
    """The mean absolute difference."""

    def prepare(self, device: torch.device) -> None:
        """Nothing is needed."""

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        return (output - truth).abs().flatten(1).mean(1)


class SquaredError(PixelError):
    """The mean squared difference: Equation 4 of Ledig et al. 2017."""

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        return (output - truth).square().flatten(1).mean(1)


class ReducedError(PixelError):
    """The mean absolute difference of means over squares.

    With the scale as side: an output must agree with what is known of the picture, the low
    resolution, and the finer structure is left to the adversary.

    Args:
        side: pixels of a square's side.
    """

    def __init__(self, side: int) -> None:
        self.side = side

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        return avg_pool2d(output - truth, self.side).abs().flatten(1).mean(1)


class GradientError(PixelError):
    """The mean absolute difference of the steps from pixel to pixel, down and to the right.

    Steps have a sign here: a measure of how steep the pictures are alone (Mathieu et al. 2016,
    Equation 6) invites an adversary's generator to cover surfaces with dots.
    """

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        difference = output - truth
        return sum(difference.diff(dim=axis).abs().flatten(1).mean(1) for axis in (-2, -1))


class Pretrained:
    """A distance with weights from a file, such as `losses.perceptual.FeatureDistance`.

    It is no module: its weights are in no checkpoint, and nobody learns them.

    Args:
        distance: a network to the module that is called.
        network: reads the network.
    """

    def __init__(
        self, distance: Callable[[nn.Module], nn.Module], network: Callable[[], nn.Module]
    ) -> None:
        self.make = lambda: distance(network())
        self.distance: nn.Module | None = None

    def prepare(self, device: torch.device) -> None:
        if self.distance is None:
            self.distance = self.make()
        self.distance.to(device)

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        if self.distance is None:
            self.prepare(output.device)
        return self.distance(output, truth)


class Sum:
    """Several distances, each with its weight.

    Args:
        terms: name -> distance.
        weights: name -> factor; 1 where none is given.
    """

    def __init__(
        self, terms: Mapping[str, Content], weights: Mapping[str, float] | None = None
    ) -> None:
        self.terms, self.weights = dict(terms), dict(weights or {})
        unknown = sorted(self.weights.keys() - self.terms.keys())
        if unknown:
            raise ValueError(
                f"weights.{unknown[0]}={self.weights[unknown[0]]}: there is no such term; there"
                f" are {', '.join(self.terms)}"
            )

    def prepare(self, device: torch.device) -> None:
        for term in self.terms.values():
            term.prepare(device)

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        parts = [
            self.weights.get(name, 1.0) * term(output, truth) for name, term in self.terms.items()
        ]
        return torch.stack(parts).sum(0)
