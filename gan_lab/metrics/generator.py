"""What a figure promises that needs the generator itself, not only its samples."""

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule
    from gan_lab.models.base import GAN


class GeneratorFigure:
    """One figure, or several, of a generator: paths between latents, equivariance, training on it.

    Attributes:
        names: of the figures.
        lower_is_better: which way is up.
        num: samples, or pairs of them.
        extractor, fingerprint, resize: the network that sees the pictures; `none` without one.
        num_real, split: reals that it needs, and of which split (None: the suite's).
        labels: how a generator that takes labels is asked.
    """

    names: tuple[str, ...] = ()
    lower_is_better = True
    num: int
    extractor = fingerprint = resize = "none"
    num_real = 0
    split: str | None = None
    labels = "drawn uniformly, if the generator takes labels"

    def applies(self, gan: "GAN") -> bool:
        """Whether this model has what the figure needs."""
        return True

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        """Make ready what is needed besides the generator, on its device."""

    def parameters(self) -> dict[str, int | float | str]:
        """What else decides the figure; a part of the protocol."""
        return {}

    def facts(self) -> dict[str, float | str]:
        """What is worth knowing beside the last figure; not compared."""
        return {}

    def __call__(self, gan: "GAN", seed: int) -> tuple[float, ...]:
        """The figures of the averaged generator, in the order of `names`.

        Every process calls it; what the first one finds counts.
        """
        raise NotImplementedError
