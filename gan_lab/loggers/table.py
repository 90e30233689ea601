"""Reading metrics.csv and timing.csv, without the libraries that write them."""

from pathlib import Path


def read(path: Path) -> dict[str, list[float | None]]:
    """Columns of a table by name; None where a row has no value. {} where there is no file."""
    if not Path(path).exists():
        return {}
    header, *lines = Path(path).read_text().split("\n")
    columns = header.split(",")
    rows = [line.split(",") for line in lines[:-1]]
    rows = [row for row in rows if len(row) == len(columns)]
    return {
        name: [float(row[i]) if row[i] else None for row in rows] for i, name in enumerate(columns)
    }
