"""A suite: which extractors see the images, and which formulas their features."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from gan_lab.errors import UserError
from gan_lab.metrics.detection import Detection
from gan_lab.metrics.extractor import Extractor
from gan_lab.metrics.features import Features, Formula
from gan_lab.metrics.generator import GeneratorFigure
from gan_lab.metrics.paired import PairedFormula

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule
    from gan_lab.models.base import GAN


MOST_FAKES = 10_000  # where the suite does not say


class Suite:
    """Every formula on the features of every extractor; all extractors must be at hand.

    Args:
        extractors: name in the config -> extractor.
        formulas: name in the config -> formula, in order: the first decides `best.ckpt`.
        of_generator: name in the config -> figure that needs the generator itself.
        paired: name in the config -> figure of each output, against the truth of its row.
        detection: figures of anomaly scores, for data with anomalies; None leaves them out.
        num_fake: fakes, or None for as many as reals, at most 10,000.
        num_real: at most this many reals (a fixed random choice), or None for all.
        split: of the data that the fakes are compared with; None for what the data name.
        block: images that are generated and seen at once; lower it where memory is short.
    """

    def __init__(
        self,
        extractors: Mapping[str, Extractor],
        formulas: Mapping[str, Formula],
        *,
        of_generator: Mapping[str, GeneratorFigure] | None = None,
        paired: Mapping[str, PairedFormula] | None = None,
        detection: Detection | None = None,
        num_fake: int | None = None,
        num_real: int | None = None,
        split: str | None = "train",
        block: int = 250,
    ) -> None:
        for name, value in [("num_fake", num_fake), ("num_real", num_real), ("block", block)]:
            if value is not None and value < 2:
                raise UserError(f"metrics.{name}={value}: give at least 2")
        self.extractors, self.formulas = list(extractors.values()), list(formulas.values())
        self.of_generator = list((of_generator or {}).values())
        self.paired = list((paired or {}).values())
        self.detection = detection
        self.num_fake, self.num_real = num_fake, num_real
        self.split, self.block = split, block
        self.known: dict[str, Features | None] = {}  # real features by name, kept between uses
        self.beside: dict[str, dict[str, float]] | None = None  # the baselines' figures, likewise

    def choose(self, data: "DataModule") -> list[Extractor]:
        """The extractors for this data.

        Raises:
            UserError: one cannot serve it.
        """
        for extractor in self.extractors:
            reason = self.unsuited(extractor, data)
            if reason is not None:
                raise UserError(reason)
        return self.extractors

    def unsuited(self, extractor: Extractor, data: "DataModule") -> str | None:
        """Why an extractor cannot serve this data, with the remedy; None if it can."""
        if not data.alike:
            return (
                f"the pictures of {data.name} differ in size, so that {extractor.name} cannot"
                " compare them as a set; choose metrics=auto, which judges them one by one"
            )
        return extractor.unsuited(data)

    def block_of(self, data: "DataModule") -> int:
        """How many rows of this data are judged at once."""
        return self.block if data.alike else 1

    def prepare(self, data: "DataModule", device: torch.device) -> list[Extractor]:
        """The extractors for this data, their weights ready on `device`."""
        self.split = self.split or data.judged_split
        chosen = self.choose(data)
        for extractor in chosen:
            extractor.prepare(data, device)
        for extractor in chosen:
            if not self.formulas_for(extractor, data):
                raise UserError(f"metrics.formulas: none applies to {extractor.name}; add one")
        for figure in (*self.of_generator, *self.paired_for(data)):
            figure.prepare(data, device)
        return chosen

    def formulas_for(self, extractor: Extractor, data: "DataModule") -> list[Formula]:
        """The formulas that apply to this extractor and data."""
        return [formula for formula in self.formulas if formula.applies(extractor, data)]

    def paired_for(self, data: "DataModule") -> list[PairedFormula]:
        """The paired figures that apply to this data."""
        return [formula for formula in self.paired if formula.applies(data)]

    def detects(self, data: "DataModule") -> bool:
        """Whether this data's anomalies are to be found."""
        return self.detection is not None and self.detection.applies(data)

    def figures_for(self, gan: "GAN") -> list[GeneratorFigure]:
        """The figures of the generator itself that apply to this one."""
        return [figure for figure in self.of_generator if figure.applies(gan)]

    def held_out_splits(self, extractors: list[Extractor], data: "DataModule") -> list[str]:
        """Splits beside the suite's whose features some formula needs."""
        formulas = [f for extractor in extractors for f in self.formulas_for(extractor, data)]
        return sorted({f.held_out for f in formulas if f.held_out is not None})

    def counts(self, num_reals: int) -> tuple[int, int]:
        """(reals, fakes) to compare where the data hold `num_reals` images."""
        num_real = min(self.num_real or num_reals, num_reals)
        return num_real, self.num_fake or min(MOST_FAKES, num_real)


class FirstSuite(Suite):
    """The first extractor that suits the data: points for points, a classifier for labels."""

    def choose(self, data: "DataModule") -> list[Extractor]:
        if self.detects(data):  # scores need no network besides
            return []
        for extractor in self.extractors:
            if self.unsuited(extractor, data) is None:
                return [extractor]
        if self.paired_for(data):  # they need no network
            return []
        raise UserError(self.unsuited(self.extractors[-1], data))


class AvailableSuite(Suite):
    """Every extractor that suits the data and is at hand."""

    def choose(self, data: "DataModule") -> list[Extractor]:
        if self.detects(data):
            return []
        suited = [e for e in self.extractors if self.unsuited(e, data) is None]
        chosen = [extractor for extractor in suited if extractor.at_hand()]
        if not suited and self.paired_for(data):  # they need no network
            return []
        if not chosen:
            names = ", ".join(extractor.name for extractor in suited)
            raise UserError(
                f"metrics=full: {data.name} suits {names} alone, whose weights are not at hand; let"
                " metrics=inception download them, or choose metrics=none"
            )
        return chosen
