"""Tables in files, .csv, .csv.gz or .parquet, as typed columns.

A number is kept as float64, nan where it is missing; a word as its place among the column's
categories, int64, -1 where it is missing. A `Schema` is all that is known of the columns, as plain
dicts: what is needed to write rows as the file had them. Errors name file, row and column; rows are
counted from 1 below the header.
"""

import csv
import gzip
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import TypedDict

import numpy as np

from gan_lab.data.base import digest
from gan_lab.data.source import MAX_FILE_BYTES, missing
from gan_lab.errors import UserError
from gan_lab.files import atomic_write

SUFFIXES = (".csv", ".csv.gz", ".parquet")
NUMBER, WORD = "number", "word"
EMPTY = frozenset({"", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NAN", "null", "NULL"})
MOST_CATEGORIES = 1000  # of a column of words; beyond, they are names of rows
MOST_DECIMALS = 12  # what has more is written with all its digits


class Column(TypedDict):
    """What is known of a column.

    Attributes:
        name: in the header.
        kind: `number` or `word`.
        categories: the words, in alphabetical order; [] of numbers.
        whole: whether all numbers are integers.
        decimals: digits behind the point; None for as many as it takes.
        missing: whether a cell may be empty.
    """

    name: str
    kind: str
    categories: list[str]
    whole: bool
    decimals: int | None
    missing: bool


Schema = list[Column]


@dataclass(frozen=True)
class Table:
    """Rows of typed columns.

    Args:
        source: for humans and errors: the file.
        schema: of the columns, in order.
        values: name -> (N,) float64 of numbers (nan: missing), int64 of words (-1: missing).
    """

    source: str
    schema: Schema
    values: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))

    @property
    def names(self) -> list[str]:
        """The columns, in order."""
        return [column["name"] for column in self.schema]

    def column(self, name: str) -> Column:
        """What is known of one column.

        Raises:
            UserError: there is no such column.
        """
        for column in self.schema:
            if column["name"] == name:
                return column
        raise UserError(f"{self.source} has no column {name!r}; it has: {listed(self.names)}")

    def rows(self, indices: np.ndarray) -> "Table":
        """Some rows (numbers or a mask), of the same schema."""
        chosen = {name: values[indices] for name, values in self.values.items()}
        return Table(self.source, self.schema, chosen)

    def cells(self, name: str) -> list[int | float | str | None]:
        """A column as a file holds it: integers, rounded numbers, words, None where missing."""
        return cells_of(self.column(name), self.values[name])

    def fingerprint(self) -> str:
        """16 hex digits that name the content."""
        parts = [memoryview(np.ascontiguousarray(v)).cast("B") for v in self.values.values()]
        return digest(self.schema, *parts)


def read_table(
    path: str | Path,
    *,
    words: Sequence[str] = (),
    drop: Sequence[str] = (),
    schema: Schema | None = None,
    missing_allowed: bool = True,
    unknown_allowed: bool = False,
    option: str = "data.root",
) -> Table:
    """Read a file. A column is of numbers if its cells are, else of words.

    Args:
        path: .csv or .csv.gz (UTF-8, commas, a header) or .parquet.
        words: columns of words that look like numbers.
        drop: columns to leave out.
        schema: of another file (that of training), whose columns, kinds and categories this one
            must have; it may have more columns, which are left out.
        missing_allowed: whether empty cells are values like others.
        unknown_allowed: whether words that are in no category of `schema` are taken for missing.
        option: named in errors.

    Raises:
        UserError: the file cannot be read; a column is missing; a cell is no number among numbers,
            of an unknown category, or missing where it may not be. It names file, row and column.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise UserError(missing(path).replace("data.root", option))
    if path.name.lower().endswith(".parquet"):
        cells = parquet_cells(path, option)
    elif path.name.lower().endswith((".csv", ".csv.gz")):
        cells = csv_cells(path, option)
    else:
        raise UserError(f"{option}={path}: give a {', '.join(SUFFIXES)}")
    return typed(
        cells,
        str(path),
        words=words,
        drop=drop,
        schema=schema,
        missing_allowed=missing_allowed,
        unknown_allowed=unknown_allowed,
    )


def typed(
    cells: Mapping[str, Sequence[str | None]],
    source: str,
    *,
    words: Sequence[str] = (),
    drop: Sequence[str] = (),
    schema: Schema | None = None,
    missing_allowed: bool = True,
    unknown_allowed: bool = False,
) -> Table:
    """Columns of texts (None where missing) as a table; see `read_table`."""
    if not cells or not len(next(iter(cells.values()))):
        raise UserError(f"{source} holds no rows below its header")
    for name in (*words, *drop, *(column["name"] for column in schema or [])):
        if name not in cells:
            raise UserError(f"{source} has no column {name!r}; it has: {listed(list(cells))}")
    if schema is None:
        schema = [
            described(name, texts, source, name in words)
            for name, texts in cells.items()
            if name not in drop
        ]
    if not schema:
        raise UserError(f"{source}: all columns are dropped; keep at least one")
    values = {}
    for column in schema:
        column = column if missing_allowed else {**column, "missing": False}
        texts = cells[column["name"]]
        values[column["name"]] = values_of(column, texts, source, unknown_allowed)
    return Table(source, schema, values)


# Cells ---------------------------------------------------------------------------------------


def csv_cells(path: Path, option: str) -> dict[str, list[str | None]]:
    """Column -> texts, None where a cell is empty."""
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(bounded(file, path, option), strict=True)
            header = [name.strip() for name in next(lines, [])]
            check_header(header, path)
            rows = []
            for row in lines:
                if not row:  # a blank line
                    continue
                rows.append(row)
                if len(row) != len(header):
                    raise UserError(
                        f"{path}, row {len(rows)}: it has {len(row)} cells, and the header"
                        f" {len(header)} columns"
                    )
    except UnicodeDecodeError as error:
        raise UserError(f"{option}={path}: it is not UTF-8 ({error}); convert it") from None
    except (csv.Error, OSError, EOFError) as error:
        raise UserError(f"{option}={path}: it cannot be read ({error})") from None
    columns = zip(*rows, strict=True) if rows else [() for _ in header]
    return {
        name: [None if (text := cell.strip()) in EMPTY else text for cell in column]
        for name, column in zip(header, columns, strict=True)
    }


def bounded(file: Iterable[str], path: Path, option: str) -> Iterator[str]:
    """The lines of a file, which may be a small archive of a huge one."""
    size = 0
    for line in file:
        size += len(line)
        if size > MAX_FILE_BYTES:
            raise UserError(f"{option}={path}: larger than {MAX_FILE_BYTES >> 20} MiB; cut it down")
        yield line


def check_header(header: list[str], path: Path) -> None:
    """Refuse a header that names a column twice or not at all."""
    if not header:
        raise UserError(f"{path} is empty: the first line names the columns")
    for number, name in enumerate(header, 1):
        if not name:
            raise UserError(f"{path}: column {number} has no name in the header")
        if name in header[: number - 1]:
            raise UserError(f"{path}: the header names column {name!r} twice")


def parquet_cells(path: Path, option: str) -> dict[str, list[str | None]]:
    """Column -> texts, None where a cell is missing; numbers as Python spells them."""
    pa, pq = arrow(f"{option}={path}")
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{option}={path}: it cannot be read ({error})") from None
    check_header(table.column_names, path)
    return {
        name: spelt(values.to_pylist())
        for name, values in zip(table.column_names, table.columns, strict=True)
    }


def arrow(asked: str) -> tuple[ModuleType, ModuleType]:
    """pyarrow, and its part that knows Parquet; `asked` begins the error where they are missing."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UserError(
            f"{asked}: Parquet needs pyarrow: pip install 'gan-lab[tables]', or take a .csv"
        ) from None
    return pa, pq


def spelt(values: Iterable[object]) -> list[str | None]:
    """Values as a CSV file would spell them; None and nan are missing."""
    return [None if v is None or v != v or str(v) in EMPTY else str(v) for v in values]


# Types ---------------------------------------------------------------------------------------


def described(name: str, texts: Sequence[str | None], source: str, is_word: bool) -> Column:
    """What the cells of a column show of it: of numbers if more than half of them are."""
    filled = [text for text in texts if text is not None]
    different = sorted(set(filled))
    if not filled:
        raise UserError(f"{source}, column {name!r}: all cells are missing; drop it")
    numbers = {text for text in different if number(text) is not None}
    empty = len(filled) < len(texts)
    if not is_word and 2 * sum(text in numbers for text in filled) > len(filled):
        digits = max(decimals_of(text) for text in numbers)
        return Column(
            name=name,
            kind=NUMBER,
            categories=[],
            whole=digits == 0,
            decimals=None if digits > MOST_DECIMALS else digits,
            missing=empty,
        )
    if len(different) > MOST_CATEGORIES:
        raise UserError(
            f"{source}, column {name!r}: {len(different)} different words, but at most"
            f" {MOST_CATEGORIES} can be categories; drop it"
        )
    return Column(
        name=name, kind=WORD, categories=different, whole=False, decimals=None, missing=empty
    )


def number(text: str) -> float | None:
    """What a text spells; None if it is no number."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def decimals_of(text: str) -> int:
    """Digits behind the point of a number: 2 of `1.50`, 0 of `1.0`, 3 of `2e-3`."""
    value = Decimal(text)
    if not value.is_finite() or value == value.to_integral_value():
        return 0
    return -value.as_tuple().exponent


def values_of(
    column: Column, texts: Sequence[str | None], source: str, unknown_allowed: bool = False
) -> np.ndarray:
    """The cells of a column as numbers, or as places among its categories."""

    def refuse(wrong: Callable[[str | None], bool], what: str) -> None:
        """Name the first cell that is wrong, if one is."""
        bad = {text for text in set(texts) if wrong(text)}
        if bad:
            index = next(index for index, text in enumerate(texts) if text in bad)
            cell = "the cell" if texts[index] is None else repr(texts[index])
            raise UserError(f"{source}, row {index + 1}, column {column['name']!r}: {cell} {what}")

    if not column["missing"]:
        refuse(lambda text: text is None, "is empty, and none may be missing here")
    if column["kind"] == NUMBER:
        known = {text: number(text) for text in set(texts) if text is not None}
        refuse(
            lambda text: text is not None and known[text] is None,
            "is no number, as the others are; mend it, or name the column in data.words",
        )
        refuse(
            lambda text: text is not None and not math.isfinite(known[text]),
            "is not a finite number; mend it",
        )
        return np.array([np.nan if text is None else known[text] for text in texts], np.float64)
    places = {word: place for place, word in enumerate(column["categories"])}
    if not unknown_allowed:
        refuse(
            lambda text: text is not None and text not in places,
            f"is an unknown category; known are: {listed(column['categories'])}",
        )
    return np.array([places.get(text, -1) for text in texts], np.int64)


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names in a row, the first few of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more


# Tables that come with scikit-learn, and writing ---------------------------------------------


SHIPPED = ("breast_cancer", "diabetes", "iris", "wine")
TARGET = "target"  # their last column: the class's name, or the number to be foretold


def shipped_table(name: str) -> Table:
    """A table that comes with scikit-learn: no download."""
    if name not in SHIPPED:
        raise UserError(f"data.table={name}: choose one of {', '.join(SHIPPED)}")
    from sklearn import datasets

    options = {"scaled": False} if name == "diabetes" else {}
    loaded = getattr(datasets, f"load_{name}")(**options)
    cells = {
        str(column): spelt(values.tolist())
        for column, values in zip(loaded.feature_names, loaded.data.T, strict=True)
    }
    names = loaded.get("target_names")
    cells[TARGET] = spelt(loaded.target.tolist() if names is None else names[loaded.target])
    return typed(cells, name, words=["sex"] if "sex" in cells else [])


def cells_of(column: Column, values: np.ndarray) -> list[int | float | str | None]:
    """Values of a column as a file holds them; see `Table.cells`."""
    if column["kind"] == WORD:
        return [None if v < 0 else column["categories"][v] for v in values.tolist()]
    if column["whole"]:
        return [None if v != v else round(v) for v in values.tolist()]
    digits = column["decimals"]
    return [None if v != v else v if digits is None else round(v, digits) for v in values.tolist()]


def write_table(table: Table, path: Path) -> None:
    """Write a .csv, .csv.gz or .parquet of the table's own names, order and types."""
    path = Path(path)
    if path.name.lower().endswith(".parquet"):
        atomic_write(path, lambda file: write_parquet(table, file))
    else:
        opened = gzip.open if path.name.lower().endswith(".gz") else open
        atomic_write(path, lambda file: write_csv(table, file, opened))


def write_csv(table: Table, path: Path, opened=open) -> None:
    """Commas, a header, empty cells where values are missing."""
    with opened(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.names)
        writer.writerows(zip(*(table.cells(name) for name in table.names), strict=True))


def write_parquet(table: Table, path: Path) -> None:
    """int64, double or string columns; null where values are missing."""
    pa, pq = arrow(f"output={path}")
    types = {
        column["name"]: pa.string() if column["kind"] == WORD
        else pa.int64() if column["whole"] else pa.float64()
        for column in table.schema
    }  # fmt: skip
    columns = {name: pa.array(table.cells(name), kind) for name, kind in types.items()}
    pq.write_table(pa.table(columns), path)
