"""The uniform numbers of a minibatch, handed out column by column."""

import torch
from torch import Tensor

LEAST = 2.0**-25  # half a step of float32's uniform numbers: none may be 0, whose normal is -inf


class Draws:
    """Random numbers of B pictures that somebody else has drawn.

    Args:
        numbers: (B, N) in [0, 1).
    """

    def __init__(self, numbers: Tensor) -> None:
        self.columns = iter(numbers.unbind(1))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """(B,) in [low, high)."""
        u = next(self.columns)
        return u if (low, high) == (0.0, 1.0) else u * (high - low) + low

    def whole(self, count: int) -> Tensor:
        """(B,) of 0, 1, ..., count - 1, each equally likely, as floats."""
        return (next(self.columns) * count).floor()

    def normal(self) -> Tensor:
        """(B,) ~ N(0, 1), as the inverse of the normal distribution function."""
        u = next(self.columns).clamp(LEAST, 1 - LEAST)
        return torch.erfinv(2 * u - 1) * 2**0.5

    def coin(self, probability: Tensor | float) -> Tensor:
        """(B,) bool, true with `probability`."""
        return next(self.columns) < probability
