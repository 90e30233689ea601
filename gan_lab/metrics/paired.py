"""Figures of each output, against the truth or the source of its row, and the baselines' beside."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan_lab.metrics.protocol import Protocol, Record, short_name
from gan_lab.metrics.sharing import gather, join, processes

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule
    from gan_lab.metrics.engine import AnsweredFakes
    from gan_lab.metrics.suite import Suite


class PairedFormula:
    """Figures of each output and its truth; what is reported is their mean over the rows.

    Attributes:
        names: of the figures.
        lower_is_better: which way is up.
        extractor, fingerprint: the network that sees the pictures; `none` without one.
        against: what of a batch an output is compared with; None for the data's truth.
        known: figures of what needs no model (real pictures, chance), by its name; shown beside.
    """

    names: tuple[str, ...] = ()
    lower_is_better = True
    extractor = fingerprint = "none"
    against: str | None = None
    known: Mapping[str, Sequence[float]] = {}

    def applies(self, data: "DataModule") -> bool:
        """Whether this data's batches hold what is compared, and the weights are at hand."""
        return (self.against or data.truth) in data.gives

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        """Make ready what is needed besides the pictures."""

    def parameters(self) -> dict[str, int | float | str]:
        """What else decides the figure (border, channel); a part of the protocol."""
        return {}

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        """uint8 pictures (B, ..., C, H, W), as files would hold them -> (B, len(names)) float64."""
        raise NotImplementedError


class AbsoluteError(PairedFormula):
    """Mean absolute difference, of pictures in [-1, 1] as losses see them."""

    names = ("l1",)

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        return (output.double() - truth.double()).abs().flatten(1).mean(1, keepdim=True) / 127.5


def judge_answers(
    suite: "Suite", fakes: "AnsweredFakes", data: "DataModule", device: torch.device
) -> list[Record]:
    """The paired figures of a translator, the baselines' beside them. Every process takes part."""
    formulas = suite.paired_for(data)
    if not formulas:
        return []
    mine, names = measure_blocks(suite, formulas, fakes, data)
    width = sum(len(formula.names) for formula in formulas) * len(names)
    mine = join(mine, width, torch.device("cpu")).to(device)
    rows = gather(mine, fakes.num, suite.block_of(data), device)
    if rows is None:
        return []
    means = dict(zip(names, rows.mean(0).view(len(names), -1).tolist(), strict=True))
    records, column = [], 0
    for formula in formulas:
        for position, metric in enumerate(formula.names):
            protocol = Protocol(
                metric=metric,
                extractor=formula.extractor,
                extractor_weights=formula.fingerprint,
                resize="none",
                num_real=fakes.num,
                num_fake=fakes.num,
                data=data.name,
                split=fakes.split,
                data_fingerprint=data.reals(fakes.split).fingerprint(),
                generator=fakes.generator,
                parameters=formula.parameters(),
                seed=fakes.seed,
            )
            name = short_name(metric, formula.extractor, fakes.num)
            beside = {who: values[column] for who, values in means.items() if who != "output"}
            beside |= {who: values[position] for who, values in formula.known.items()}
            value = means["output"][column]
            records.append(Record(name, value, formula.lower_is_better, protocol, beside=beside))
            column += 1
    return records


def measure_blocks(
    suite: "Suite", formulas: list[PairedFormula], fakes: "AnsweredFakes", data: "DataModule"
) -> tuple[list[Tensor], list[str]]:
    """This process's figures (size, names x figures) of its blocks, and the names."""
    rank, world = processes()
    names = ["output", *data.baselines(fakes.batch(0, 1))]
    blocks, stored = [], data.medium.stored
    block = suite.block_of(data)
    for index in range(rank, math.ceil(fakes.num / block), world):
        batch = fakes.batch(index, block)
        answers = {"output": fakes.block(index, block).cpu(), **data.baselines(batch)}
        figures = [
            formula(stored(answers[name]), stored(compared(formula, data, batch)))
            for name in names
            for formula in formulas
        ]
        blocks.append(torch.cat(figures, 1))
    return blocks, names


def compared(formula: PairedFormula, data: "DataModule", batch: dict[str, Tensor]) -> Tensor:
    """What an output is compared with: (B, *shape)."""
    return data.truth_of(batch) if formula.against is None else batch[formula.against]
