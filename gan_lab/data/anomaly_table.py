"""Rows of a table of which some kinds are normal: scikit-learn's breast cancer, or your own files.

The test set of intrusions NSL-KDD (Tavallaee et al. 2009) is two such files. Two conventions are
about: here, as in most papers on detectors, the intrusion is what is found (label 1); where papers
on classifiers name `normal` 1, their precision and recall are of normal traffic.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan_lab.data.base import ArrayReals
from gan_lab.data.normal_only import NormalOnly, dealt, refuse_shares
from gan_lab.data.table_files import (
    Table,
    csv_cells,
    described,
    parquet_cells,
    shipped_table,
    spelt,
)
from gan_lab.errors import UserError
from gan_lab.media.standard_rows import Cells, StandardRows, refuse_interpolations

log = logging.getLogger(__name__)

Texts = dict[str, list[str | None]]


class AnomalyTable(NormalOnly):
    """Rows of one file, part of each kind kept for testing, or of two.

    Rows that are there twice count once, and a training row that the test part holds too is left
    out of training. The scaler and the categories are those of the normal training rows. A test
    word that these lack is no category at all; rows with a cell that cannot be read are left out.
    `counts` says how many rows each of this befell.

    Args:
        table: one that comes with scikit-learn, such as breast_cancer; or `root`.
        root: .csv, .csv.gz or .parquet, with a header.
        test_root: the same of the test rows; None keeps `test_share` of each kind of `root`.
        label: the column that says what a row is.
        normal: what it says of normal rows, one word or several; anything else is anomalous.
        drop: columns that are no features.
        words: columns of words that look like numbers.
        logarithmic: numbers go through sign(x) log(1 + |x|) first.
        bound: numbers are cut off there, in standard deviations; None: nowhere.
        test_share, val_share, val_anomalies, split_seed: see `OneClass`.
        batch_size, seed: see `DataModule`.
    """

    def __init__(
        self,
        *,
        table: str | None = None,
        root: str | None = None,
        test_root: str | None = None,
        label: str = "target",
        normal: str | Sequence[str] = "normal",
        drop: Sequence[str] = (),
        words: Sequence[str] = (),
        logarithmic: bool = False,
        bound: float | None = None,
        test_share: float = 0.5,
        val_share: float = 0.2,
        val_anomalies: bool = False,
        split_seed: int = 0,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        if (table is None) == (root is None):
            raise UserError("data.root=null: give a file, or data.table=breast_cancer; not both")
        if test_root is not None and root is None:
            raise UserError(f"data.test_root={test_root}: give data.root, the training file, too")
        refuse_shares(test_share=test_share, val_share=val_share)
        if bound is not None and not bound > 0:
            raise UserError(f"data.bound={bound}: give standard deviations above 0, or null")
        self.label, self.normal = label, [normal] if isinstance(normal, str) else list(normal)
        self.words, self.drop = list(words), [*drop, label]
        self.counts: dict[str, int] = {}
        cells = shipped_cells(table) if root is None else cells_of(root, "data.root")
        self.source = str(table or root)
        tested = None if test_root is None else cells_of(test_root, "data.test_root")
        self.parts = self.divided(cells, tested, test_share, val_share, val_anomalies, split_seed)
        medium = self.fitted(logarithmic, bound)
        rows = self.encoded(medium)
        super().__init__(
            name=f"{table or Path(root).name}, {', '.join(self.normal)} normal",
            shape=(len(medium.entries),),
            num_classes=None,
            batch_size=batch_size,
            seed=seed,
        )
        self.medium, self.encoded_rows = medium, rows
        log.info("%s: %s", self.name, ", ".join(f"{v} {k}" for k, v in self.counts.items()))

    def divided(
        self,
        cells: Texts,
        tested: Texts | None,
        test_share: float,
        val_share: float,
        val_anomalies: bool,
        split_seed: int,
    ) -> dict[str, tuple[Texts, np.ndarray]]:
        """split -> its cells, and (N,) bool: who is anomalous."""
        features, strange = self.told_apart(cells, self.source)
        first = first_of_each(features, strange)
        self.counts["training duplicates left out" if tested else "duplicates left out"] = len(
            strange
        ) - len(first)
        features, strange = chosen(features, first), strange[first]
        if tested is None:
            key = split_seed, 0
            parts = [dealt_kind(strange, kind, test_share, *key) for kind in (False, True)]
            rest, test = (np.concatenate(items) for items in zip(*parts, strict=True))
            testing = chosen(features, test), strange[test]
        else:
            testing = self.told_apart(tested, "data.test_root", like=features)
            seen = set(rows_of(testing[0]))
            rest = np.array([i for i, row in enumerate(rows_of(features)) if row not in seen], int)
            self.counts["training rows left out that the test part holds"] = len(strange) - len(
                rest
            )
        features, strange = chosen(features, rest), strange[rest]
        train, val = dealt_kind(strange, False, val_share, split_seed, 1)
        if val_anomalies:
            val = np.concatenate([val, dealt_kind(strange, True, val_share, split_seed, 1)[1]])
        if len(train) < 2 or len(val) < 2:
            raise UserError(
                f"data.normal={', '.join(self.normal)}: {self.source} has {len(train) + len(val)}"
                f" such rows for training; column {self.label!r} says what a row is"
            )
        return {
            "train": (chosen(features, train), strange[train]),
            "val": (chosen(features, val), strange[val]),
            "test": testing,
        }

    def told_apart(
        self, cells: Texts, source: str, like: Texts | None = None
    ) -> tuple[Texts, np.ndarray]:
        """Cells of the features, and who is anomalous."""
        for name in (*self.drop, *self.words, *(like or {})):
            if name not in cells:
                raise UserError(f"{source} has no column {name!r}; it has: {', '.join(cells)}")
        labels = cells[self.label]
        if None in labels:
            row = labels.index(None) + 1
            raise UserError(f"{source}, row {row}: column {self.label!r} does not say what it is")
        strange = np.array([label not in self.normal for label in labels])
        if strange.all() or not (strange.any() or like is None):
            kinds = ", ".join(sorted(set(labels))[:12])
            raise UserError(
                f"data.normal={', '.join(self.normal)}: column {self.label!r} of {source} says"
                f" {kinds}; name what is normal, so that there are both kinds"
            )
        names = like or [name for name in cells if name not in self.drop]
        return {name: cells[name] for name in names}, strange

    def fitted(self, logarithmic: bool, bound: float | None) -> StandardRows:
        """The schema and scales of the training rows; those with empty cells are left out."""
        cells, strange = self.parts["train"]
        whole = [i for i, row in enumerate(zip(*cells.values(), strict=True)) if None not in row]
        if len(whole) < 2:
            raise UserError(f"{self.source}: every training row has an empty cell; drop a column")
        cells = chosen(cells, np.array(whole))
        self.parts["train"] = cells, strange[whole]
        schema = [
            described(name, texts, self.source, name in self.words) for name, texts in cells.items()
        ]
        refuse_interpolations(schema, self.source)
        table, faults = StandardRows(schema, [0.0] * len(schema), [1.0] * len(schema)).read(cells)
        if faults:
            fault = faults[0]
            raise UserError(
                f"{self.source}, column {fault['column']!r}: {fault['why']}, as most others are;"
                " mend it, or name the column in data.words"
            )
        return StandardRows.fitted(table, logarithmic=logarithmic, bound=bound)

    def encoded(self, medium: StandardRows) -> dict[str, tuple[Tensor, Tensor]]:
        """split -> rows (N, D) and (N,) int64: 1 where anomalous."""
        found = {}
        for split, (cells, strange) in self.parts.items():
            table, faults = medium.read(cells)
            broken = sorted({fault["row"] for fault in faults if not fault["unknown"]})
            unknown = {fault["row"] for fault in faults if fault["unknown"]}
            kept = np.setdiff1d(np.arange(len(strange)), broken)
            self.counts[f"rows of {split}"] = len(kept)
            self.counts[f"rows of {split} with cells that cannot be read left out"] = len(broken)
            self.counts[f"rows of {split} with unknown words"] = len(unknown - set(broken))
            labels = torch.from_numpy(strange[kept].astype(np.int64))
            found[split] = medium.encode(table.rows(kept)), labels
        self.parts = {}
        return found

    def load(self, split: str) -> ArrayReals:
        rows, labels = self.encoded_rows[split]
        return ArrayReals(rows, None if split == "train" else labels)


def cells_of(path: str, option: str) -> Texts:
    """The cells of a file as texts."""
    from gan_lab.data.source import missing

    file = Path(path).expanduser()
    if not file.is_file():
        raise UserError(missing(file).replace("data.root", option))
    if file.name.lower().endswith(".parquet"):
        return parquet_cells(file, option)
    if file.name.lower().endswith((".csv", ".csv.gz")):
        return csv_cells(file, option)
    raise UserError(f"{option}={path}: give a .csv, .csv.gz or .parquet")


def shipped_cells(name: str) -> Texts:
    """The cells of one of scikit-learn's tables."""
    table: Table = shipped_table(name)
    return {column: spelt(table.cells(column)) for column in table.names}


def chosen(cells: Cells, items: np.ndarray) -> Texts:
    """Some rows, by number."""
    return {name: [texts[i] for i in items.tolist()] for name, texts in cells.items()}


def rows_of(cells: Cells) -> list[tuple[str | float | None, ...]]:
    """Rows as tuples that are equal where the rows are: 1 and 1.0 are one number."""
    columns = []
    for texts in cells.values():
        same = {text: comparable(text) for text in set(texts)}
        columns.append([same[text] for text in texts])
    return list(zip(*columns, strict=True))


def comparable(text: str | None) -> str | float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def first_of_each(cells: Cells, strange: np.ndarray) -> np.ndarray:
    """Numbers of the rows whose features and kind did not stand above them already."""
    rows = zip(rows_of(cells), strange.tolist(), strict=True)
    firsts = {row: -i for i, row in reversed(list(enumerate(rows)))}
    return np.sort(-np.fromiter(firsts.values(), int))


def dealt_kind(
    strange: np.ndarray, kind: bool, share: float, *key: int
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of one kind's rows in two parts: the rest, and a share of them."""
    items = np.flatnonzero(strange == kind)
    return tuple(items[part.numpy()] for part in dealt(len(items), share, *key, int(kind)))
