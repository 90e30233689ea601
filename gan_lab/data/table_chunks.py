"""Rows of a table in a file of any length, some at a time."""

import csv
import gzip
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gan_lab.data.table_files import EMPTY, SUFFIXES, arrow, listed, spelt
from gan_lab.errors import UserError

# Row numbers, from 1, and of each column that is wanted the rows' texts, None where one is missing.
Chunk = tuple[list[int], dict[str, list[str | None]]]
Skipped = Callable[[int, str], None]  # a row's number, and why it is in no chunk


def chunks(source: Path, names: Sequence[str], size: int, skipped: Skipped) -> Iterator[Chunk]:
    """The file's rows, at most `size` at a time.

    Args:
        source: .csv, .csv.gz or .parquet.
        names: the columns that are wanted; others do no harm.
        skipped: is told of each row that has too few or too many cells.

    Raises:
        UserError: the file cannot be read, or lacks a column.
    """
    name = source.name.lower()
    if not source.is_file() or not name.endswith(SUFFIXES):
        raise UserError(f"input={source}: this run scores rows; give a {', '.join(SUFFIXES)}")
    if name.endswith(".parquet"):
        return parquet_chunks(source, names, size)
    return csv_chunks(source, names, size, skipped)


def csv_chunks(source: Path, names: Sequence[str], size: int, skipped: Skipped) -> Iterator[Chunk]:
    """See `chunks`."""
    opened = gzip.open if source.name.lower().endswith(".gz") else open
    try:
        with opened(source, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            places = places_of(names, header, source)
            rows = enumerate((row for row in lines if row), 1)
            while some := list(itertools.islice(rows, size)):
                whole = []
                for number, row in some:
                    if len(row) == len(header):
                        whole.append((number, row))
                        continue
                    skipped(number, f"{len(row)} cells for {len(header)} columns")
                texts = [[row[place].strip() for _, row in whole] for place in places]
                cells = {
                    name: [None if text in EMPTY else text for text in column]
                    for name, column in zip(names, texts, strict=True)
                }
                yield [number for number, _ in whole], cells
    except (csv.Error, OSError, EOFError) as error:
        raise UserError(f"input={source}: it cannot be read ({error})") from None


def parquet_chunks(source: Path, names: Sequence[str], size: int) -> Iterator[Chunk]:
    """See `chunks`; numbers as Python spells them."""
    pa, pq = arrow(f"input={source}")
    try:
        with pq.ParquetFile(source) as file:
            places_of(names, file.schema_arrow.names, source)
            first = 1
            for batch in file.iter_batches(batch_size=size, columns=list(names)):
                places = places_of(names, batch.schema.names, source)
                columns = (spelt(batch.column(place).to_pylist()) for place in places)
                yield (
                    list(range(first, first + len(batch))),
                    dict(zip(names, columns, strict=True)),
                )
                first += len(batch)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"input={source}: it cannot be read ({error})") from None


def places_of(names: Sequence[str], header: list[str], source: Path) -> list[int]:
    """Where the wanted columns stand in a header."""
    absent = [name for name in names if name not in header]
    if absent:
        raise UserError(
            f"input={source} has no column {listed(absent)}, which the run was trained on;"
            f" it has: {listed(header) or 'none'}"
        )
    return [header.index(name) for name in names]
