"""Tables of numbers and words, for GANs of rows.

Conditions and the rows that meet them follow "Modeling Tabular Data using Conditional GAN" (Xu et
al. 2019), Section 4.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gan_lab.data.base import ArrayReals, DataModule
from gan_lab.data.share import check_share, kept
from gan_lab.data.stream import Batch, Stream
from gan_lab.data.table_files import NUMBER, TARGET, WORD, Table, read_table, shipped_table
from gan_lab.data.table_modes import modes_of
from gan_lab.errors import UserError
from gan_lab.media.tables import Rows
from gan_lab.randomness import generator

TABLE = 0x7461  # first integer of the keys drawn here
SPLIT, CONDITION = 0, 1  # the second


class Conditions:
    """One value of one column of words, and rows that have it.

    Args:
        codes: (N, W) int64: each row's place among the values of each column of words.
        sizes: W numbers of values.
    """

    def __init__(self, codes: np.ndarray, sizes: Sequence[int]) -> None:
        self.sizes, self.width = list(sizes), sum(sizes)
        self.firsts = np.cumsum([0, *sizes])[:-1]
        counts = [np.bincount(c, minlength=n) for c, n in zip(codes.T, sizes, strict=True)]
        self.frequencies = [(count / len(codes)).tolist() for count in counts]
        # Column w's value v is number firsts[w] + v; the rows that have it stand in `order`.
        self.counts = np.concatenate([*counts, np.zeros(0, np.int64)])
        self.starts = np.cumsum(self.counts) - self.counts
        self.order = np.concatenate(
            [*(np.argsort(c, kind="stable") for c in codes.T), np.zeros(0, np.int64)]
        )
        logs = [np.log1p(count).cumsum() for count in counts]
        steps = [w + log / log[-1] for w, log in enumerate(logs)]
        self.steps = np.concatenate([*steps, np.zeros(0)])

    def draw(self, which: np.ndarray, value: np.ndarray, row: np.ndarray) -> tuple[Tensor, Tensor]:
        """Conditions (B, C), one-hot, and the numbers of rows (B,) that meet them.

        A column is drawn uniformly, its value by the logarithm of its frequency, the row uniformly.

        Args:
            which, value, row: (B,) in [0, 1).
        """
        column = (which * len(self.sizes)).astype(np.int64)
        value = np.minimum(value, 1 - 1e-12)  # or a column's number would be rounded up
        chosen = np.searchsorted(self.steps, column + value, side="right")
        rows = self.order[self.starts[chosen] + (row * self.counts[chosen]).astype(np.int64)]
        return self.one_hot(chosen), torch.from_numpy(rows)

    def one_hot(self, chosen: np.ndarray) -> Tensor:
        """Values by their numbers (B,) as conditions (B, C)."""
        condition = torch.zeros(len(chosen), self.width)
        condition[torch.arange(len(chosen)), torch.from_numpy(chosen)] = 1
        return condition


@dataclass
class TableBatches:
    """The rows that one process owns of each minibatch: iteration -> batch.

    Args:
        reals: the training split.
        conditions: of it.
        stream: the keyed walk over it.
        batch_size: size B of the whole minibatch, over all processes.
        first_row, rows: which of the B rows are made here.
    """

    reals: ArrayReals
    conditions: Conditions
    stream: Stream
    batch_size: int
    first_row: int
    rows: int

    def __call__(self, iteration: int) -> Batch:
        draws = self.stream.draws(iteration * self.batch_size + self.first_row, self.rows)
        batch = {"image": self.reals.images(draws)}
        labels = self.reals.labels(draws)
        if labels is not None:
            batch["label"] = labels
        if self.conditions.width == 0:
            return {**batch, "condition": torch.zeros(self.rows, 0), "row": batch["image"]}
        key = generator(TABLE, CONDITION, self.stream.seed, iteration)
        u = torch.rand(3, self.batch_size, generator=key, dtype=torch.float64)
        condition, rows = self.conditions.draw(
            *u[:, self.first_row : self.first_row + self.rows].numpy()
        )
        return {**batch, "condition": condition, "row": self.reals.images(rows)}


class TableData(DataModule):
    """Batches of `image`, rows as `gan_lab.media.tables.Rows` keeps them, in the keyed order; of
    `condition`, one value of one column of words each, drawn by the logarithm of its frequency; and
    of `row`, a row that has it. `label` is the target's category where the target is of words.

    How wide a row is depends on its training rows, so that the constructor reads the table, and
    fits the modes of its numbers unless the cache knows them.

    Args:
        root: a .csv, .csv.gz or .parquet; null takes `table`.
        table: one of scikit-learn's: breast_cancer, diabetes, iris, wine.
        test_root: a file of rows that are kept out of training; null keeps out a share of the rows.
        test_share: of them; each category of the target gives its share.
        target: the column that the others should foretell; null is `target` of scikit-learn's
            tables, and none of a file.
        words: columns of words that look like numbers.
        drop: columns to leave out.
        missing: whether empty cells are values like others; false refuses them.
        num_modes: at most so many modes of a column of numbers (paper: 10).
        split_seed: the key of the rows that are kept out.
        train_share: of the training rows, what is used: the same rows whatever the seed, so many of
            each category of a target of words without empty cells. Modes are fitted to these alone.
        batch_size, seed: see `DataModule`.
    """

    splits = ("train", "test")
    gives = ("image", "label", "condition", "row")
    facts = (*DataModule.facts, "one_hots", "conditioned", "condition_dim", "frequencies")

    def __init__(
        self,
        *,
        root: str | None = None,
        table: str = "breast_cancer",
        test_root: str | None = None,
        test_share: float = 0.2,
        target: str | None = None,
        words: Sequence[str] = (),
        drop: Sequence[str] = (),
        missing: bool = True,
        num_modes: int = 10,
        split_seed: int = 0,
        train_share: float = 1.0,
        batch_size: int = 500,
        seed: int = 0,
    ) -> None:
        if num_modes < 1:
            raise UserError(f"data.num_modes={num_modes}: a column of numbers has at least 1")
        if not 0 < test_share < 1:
            raise UserError(f"data.test_share={test_share}: give a number between 0 and 1")
        check_share(train_share)
        options = {"words": words, "drop": drop, "missing_allowed": missing}
        if root is None and (words or drop or test_root):
            raise UserError(
                "data.root=null: words, drop and test_root are for files; leave them out, or name a"
                " file"
            )
        whole = shipped_table(table) if root is None else read_table(root, **options)
        target = target or (TARGET if root is None else None)
        described = None if target is None else whole.column(target)
        refuse_unwritable(whole)
        if test_root is None:
            tested = kept_out(whole, target, test_share, split_seed)
            self.tables = {"train": whole.rows(~tested), "test": whole.rows(tested)}
        else:
            options = {"schema": whole.schema, "missing_allowed": missing}
            test = read_table(test_root, option="data.test_root", **options)
            self.tables = {"train": whole, "test": test}
        classes = [] if described is None or described["missing"] else described["categories"]
        if train_share < 1:  # taken here, not by `reals`: the modes are of these rows alone
            rows = self.tables["train"]
            labels = torch.from_numpy(rows.values[target]) if classes else None
            self.tables["train"] = rows.rows(kept(len(rows), labels, train_share).numpy())
        for split, rows in self.tables.items():
            if len(rows) < 2:
                raise UserError(f"{whole.source}: {len(rows)} rows for {split}, give at least 2")
        refuse_empty(self.tables["train"])
        self.rows_medium = Rows(
            columns=whole.schema, scales=modes_of(self.tables["train"], num_modes), target=target
        )
        super().__init__(
            name=table if root is None else whole.source,
            shape=(sum(self.rows_medium.widths()),),
            num_classes=len(classes) or None,
            class_names=classes or None,
            batch_size=batch_size,
            seed=seed,
        )
        self.medium = self.rows_medium
        self.target = target
        if not classes:
            self.gives = tuple(name for name in self.gives if name != "label")
        codes, sizes = self.codes("train")
        self.conditions = Conditions(codes, sizes)

    # Facts ------------------------------------------------------------------------------------

    @property
    def one_hots(self) -> list[list[int]]:
        """First entry and end of each column's one-hot part."""
        return [list(span) for span in self.rows_medium.one_hots()]

    @property
    def conditioned(self) -> list[list[int]]:
        """The same of the columns of words, in the order in which a condition names them."""
        spans = self.one_hots
        return [spans[index] for index in self.rows_medium.words()]

    @property
    def condition_dim(self) -> int:
        """C, numbers of a condition."""
        return self.conditions.width

    @property
    def frequencies(self) -> list[list[float]]:
        """Of each value of the columns of words, among the training rows."""
        return self.conditions.frequencies

    # Rows -------------------------------------------------------------------------------------

    def codes(self, split: str) -> tuple[np.ndarray, list[int]]:
        """Each row's place among the values of each column of words, (N, W), and their numbers."""
        table, sizes, codes = self.tables[split], [], []
        for column in table.schema:
            if column["kind"] == WORD:
                size = len(column["categories"]) + column["missing"]
                codes.append(table.values[column["name"]] % size)  # missing: the last
                sizes.append(size)
        return np.stack(codes, 1) if codes else np.zeros((len(table), 0), np.int64), sizes

    def load(self, split: str) -> ArrayReals:
        table = self.tables[split]
        labels = None
        if self.num_classes is not None:
            labels = torch.from_numpy(table.values[self.target])
        return ArrayReals(self.rows_medium.encode(table), labels)

    def rows(self, split: str, indices: Tensor | Sequence[int]) -> Batch:
        """Rows with a condition that each meets: its target's category, or its first word's."""
        batch = super().rows(split, indices)
        codes, _ = self.codes(split)
        if codes.shape[1] == 0:
            condition = torch.zeros(len(batch["image"]), 0)
        else:
            names = [self.medium.columns[index]["name"] for index in self.medium.words()]
            which = names.index(self.target) if self.target in names else 0
            chosen = self.conditions.firsts[which] + codes[torch.as_tensor(indices).numpy(), which]
            condition = self.conditions.one_hot(chosen)
        return {**batch, "condition": condition, "row": batch["image"]}

    def minibatches(self, first_row: int, rows: int) -> TableBatches:
        reals = self.reals("train")
        stream = Stream(len(reals), self.seed)
        return TableBatches(reals, self.conditions, stream, self.batch_size, first_row, rows)


def kept_out(table: Table, target: str | None, share: float, seed: int) -> np.ndarray:
    """Which rows are for testing, (N,) bool: `share` of them, of each category of the target."""
    groups = np.zeros(len(table), np.int64)
    if target is not None and table.column(target)["kind"] == WORD:
        groups = table.values[target]
    order = torch.randperm(len(table), generator=generator(TABLE, SPLIT, seed)).numpy()
    kept = np.zeros(len(table), bool)
    for group in np.unique(groups):
        rows = order[groups[order] == group]
        kept[rows[: round(share * len(rows))]] = True
    return kept


def refuse_empty(table: Table) -> None:
    """Refuse columns of numbers without a number, which have no modes."""
    for column in table.schema:
        if column["kind"] == NUMBER and np.isnan(table.values[column["name"]]).all():
            raise UserError(
                f"{table.source}, column {column['name']!r}: no number is left in the"
                f" {len(table)} training rows; drop the column, or keep more rows"
            )


def refuse_unwritable(table: Table) -> None:
    """Refuse names and categories that a config file would not give back."""
    for column in table.schema:
        for word in (column["name"], *column["categories"]):
            if "${" in word or word == "???":
                raise UserError(
                    f"{table.source}, column {column['name']!r}: {word!r} means something else in a"
                    " config file; spell it differently, or drop the column"
                )
