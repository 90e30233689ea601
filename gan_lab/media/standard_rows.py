"""Rows of a table as a detector sees them: numbers standardised, words one-hot, nothing clever.

Unlike the modes of a generator's encoding, a number has one entry, so that how far it is from a
reconstruction is what the column contributes to a score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_lab.data.table_files import NUMBER, Column, Table, number, write_table
from gan_lab.errors import UserError
from gan_lab.media.base import Medium
from gan_lab.pictures import grid, save

CELL = 4  # pixels a side of an entry, where rows are looked at
Cells = Mapping[str, Sequence[str | None]]  # column -> texts, None where a cell is empty


class Fault(TypedDict):
    """A cell that cannot be read.

    Attributes:
        row: from 0 in the cells given.
        column: its name.
        why: in words.
        unknown: whether it is a word that no category has.
    """

    row: int
    column: str
    why: str
    unknown: bool


@dataclass(frozen=True)
class StandardRows(Medium):
    """Entries of a row: of a number (x - centre) / scale, of a word its one-hot.

    A word that is in no category is all zeros, where it is let pass.

    Args:
        columns: the schema; see `gan_lab.data.table_files.Column`.
        centres: of each column, the mean of the training rows; 0 of words.
        scales: their standard deviation, 1 where they do not differ; 1 of words.
        logarithmic: numbers go through sign(x) log(1 + |x|) before that: for tails of many orders.
        bound: entries of numbers are cut off there, in standard deviations; None: nowhere.
    """

    columns: list[Column]
    centres: list[float]
    scales: list[float]
    logarithmic: bool = False
    bound: float | None = None

    suffixes = (".png", ".csv", ".csv.gz", ".parquet")
    crowd = False

    @classmethod
    def fitted(
        cls, table: Table, *, logarithmic: bool = False, bound: float | None = None
    ) -> "StandardRows":
        """Centres and scales of a table, which is that of the training rows alone."""
        centres, scales = [], []
        for column in table.schema:
            values = table.values[column["name"]]
            if column["kind"] != NUMBER:
                centres, scales = [*centres, 0.0], [*scales, 1.0]
                continue
            values = logarithm(values) if logarithmic else values
            deviation = float(values.std())
            centres.append(float(values.mean()))
            scales.append(deviation if deviation > 1e-12 * abs(centres[-1]) else 1.0)
        return cls(table.schema, centres, scales, logarithmic, bound)

    @property
    def entries(self) -> list[str]:
        """The column that each entry of a row belongs to: D names."""
        return [c["name"] for c in self.columns for _ in range(max(1, len(c["categories"])))]

    def read(self, cells: Cells) -> tuple[Table, list[Fault]]:
        """Cells as texts, and what of them cannot be read: those are nan, or no category."""
        values, faults = {}, []
        for column in self.columns:
            name, texts = column["name"], cells[column["name"]]
            if column["kind"] == NUMBER:
                known = {t: number_or_nan(t) for t in set(texts)}
                values[name] = np.array([known[t] for t in texts], np.float64)
                bad = np.flatnonzero(~np.isfinite(values[name]))
            else:
                places = {word: place for place, word in enumerate(column["categories"])}
                values[name] = np.array([places.get(t, -1) for t in texts], np.int64)
                bad = np.flatnonzero(values[name] < 0)
            for row in bad.tolist():
                text, unknown = texts[row], column["kind"] != NUMBER and texts[row] is not None
                why = "the cell is empty"
                if text is not None:
                    why = f"{text!r} is " + ("an unknown category" if unknown else "no number")
                faults.append(Fault(row=row, column=name, why=why, unknown=unknown))
        return Table("rows", self.columns, values), faults

    def encode(self, table: Table) -> Tensor:
        """A table of this schema -> (N, D) float32."""
        parts = []
        for column, centre, scale in zip(self.columns, self.centres, self.scales, strict=True):
            values = table.values[column["name"]]
            if column["kind"] != NUMBER:
                one_hot = values[:, None] == np.arange(len(column["categories"]))
                parts.append(one_hot.astype(np.float64))
                continue
            values = ((logarithm(values) if self.logarithmic else values) - centre) / scale
            parts.append(values.clip(-(self.bound or np.inf), self.bound)[:, None])
        return torch.from_numpy(np.concatenate(parts, 1).astype(np.float32))

    def decode(self, samples: Tensor) -> Table:
        """(N, D) -> a table of this schema: of a one-hot the largest entry counts."""
        rows, values, start = samples.detach().cpu().double().numpy(), {}, 0
        for column, centre, scale in zip(self.columns, self.centres, self.scales, strict=True):
            end = start + max(1, len(column["categories"]))
            if column["kind"] != NUMBER:
                values[column["name"]] = rows[:, start:end].argmax(1)
            else:
                value = rows[:, start] * scale + centre
                value = np.sign(value) * np.expm1(np.abs(value)) if self.logarithmic else value
                values[column["name"]] = value
            start = end
        return Table("samples", self.columns, values)

    def stored(self, samples: Tensor) -> Tensor:
        """float32: rows are kept as they are."""
        return samples

    def sheet(self, samples: Tensor, columns: int, reals: Tensor | None = None) -> Image.Image:
        return grid(strips(samples), 1)

    def write(self, samples: Tensor, path: Path, columns: int) -> None:
        if path.suffix == ".png":
            save(self.sheet(samples, columns), path)
        else:
            write_table(self.decode(samples), path)


def strips(samples: Tensor) -> Tensor:
    """Rows (N, D) as grey strips of D cells, (N, 1, h, w): two deviations are at 0.76."""
    cells = (samples.float() / 2).tanh()[:, None, None]
    return cells.repeat_interleave(CELL, 3).repeat_interleave(2 * CELL, 2)


def logarithm(values: np.ndarray) -> np.ndarray:
    """sign(x) log(1 + |x|)."""
    return np.sign(values) * np.log1p(np.abs(values))


def number_or_nan(text: str | None) -> float:
    """What a text spells; nan if it is no number."""
    value = None if text is None else number(text)
    return np.nan if value is None else value


def refuse_interpolations(columns: Sequence[Column], source: str) -> None:
    """Refuse names and words that a config, which keeps them, would take for an instruction."""
    for column in columns:
        for text in (column["name"], *column["categories"]):
            if "${" in text:
                raise UserError(
                    f"{source}, column {column['name']!r}: {text!r} holds '${{'; drop it"
                )
