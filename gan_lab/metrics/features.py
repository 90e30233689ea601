"""What every formula sees: the features of a set of images, and what can be remembered of them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from torch import Tensor

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule
    from gan_lab.metrics.extractor import Extractor

T = TypeVar("T")


class Features:
    """Features of a set of images, in an order without meaning (any beginning is a fair sample).

    Args:
        values: (N, D) float32 on the CPU.
        logits: (N, K) float32, or None where the extractor does not classify.
        labels: (N,) int64 of the images, or None where they have none.
    """

    def __init__(
        self, values: Tensor, logits: Tensor | None = None, labels: Tensor | None = None
    ) -> None:
        self.values, self.logits, self.labels = values, logits, labels
        self.held_out: Features | None = None  # of reals kept from training, if a formula asks
        self.others: Mapping[str, Features] = {}  # of what stands beside, by its name
        self.memory: dict[tuple, object] = {}

    def __len__(self) -> int:
        return len(self.values)

    def remember(self, key: tuple, compute: Callable[[], T]) -> T:
        """What `compute` gives, computed once: the real set outlives many evaluations."""
        if key not in self.memory:
            self.memory[key] = compute()
        return self.memory[key]

    def first(self, num: int | None) -> "Features":
        """The first `num` of the set (all of it for None)."""
        if num is None or num >= len(self):
            return self
        logits, labels = (None if x is None else x[:num] for x in (self.logits, self.labels))
        return self.remember(("first", num), lambda: Features(self.values[:num], logits, labels))

    def moments(self):
        """Mean and covariance, as `gan_lab.metrics.frechet.Moments`."""
        from gan_lab.metrics.frechet import Moments

        return self.remember(("moments",), lambda: Moments().update(self.values))

    def radii(self, k: int) -> Tensor:
        """(N,) distance of each sample to its k-th nearest neighbour within the set."""
        from gan_lab.metrics.distances import neighbour_radii

        return self.remember(("radii", k), lambda: neighbour_radii(self.values, k))


class Formula:
    """One metric: figures of two sets of features.

    Args:
        num: at most this many reals and fakes, or None for all that the suite draws.
    """

    names: tuple[str, ...] = ()
    lower_is_better: bool | None = True  # None where the data's own figure is the best
    needs_labels = False  # of reals and fakes; it is left out where there are none
    held_out: str | None = None  # a split whose features it needs besides, as `real.held_out`

    def __init__(self, *, num: int | None = None) -> None:
        if num is not None and num < 2:
            raise ValueError(f"num={num} of {type(self).__name__}: give at least 2, or null")
        self.num = num

    def applies(self, extractor: "Extractor", data: "DataModule") -> bool:
        """Whether these features and this data have what the formula needs."""
        return True

    def parameters(self) -> dict[str, int | float | str]:
        """What else decides the figure (k, subsets); a part of the protocol."""
        return {}

    def facts(self, real: Features, fake: Features) -> dict[str, float | str]:
        """What is worth knowing beside the figure (its value for each class); not compared."""
        return {}

    def beside(self, real: Features, data: "DataModule") -> dict[str, tuple[float, ...]]:
        """The figures of what stands beside the reals, by its name."""
        return {
            name: self(real, other.first(self.num), data) for name, other in real.others.items()
        }

    def __call__(self, real: Features, fake: Features, data: "DataModule") -> tuple[float, ...]:
        """The figures, in the order of `names`."""
        raise NotImplementedError
