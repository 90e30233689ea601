"""metrics.csv and timing.csv: two wide tables, written so that a kill at any moment loses no row.

metrics.csv is a pure function of config and seed: a killed and resumed run ends with the same
bytes as one never stopped. What depends on the clock (keys `time/...`) goes to timing.csv.
"""

from pathlib import Path

from lightning.pytorch.utilities import rank_zero_only

from gan_lab.files import atomic_write
from gan_lab.loggers.base import RunLogger


class Table:
    """A CSV file of numbers, one row per iteration; the first columns are iteration and kimg.

    A row is appended by one write. Whatever alters earlier bytes (a new column, a second part of
    the last row) writes the whole file under another name and renames it.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self.columns: list[str] = []
        self.last: dict[str, str] = {}  # the last row, as written

    def resume(self, iteration: int) -> None:
        """Drop rows after `iteration`, columns that only they filled, and a line cut short."""
        self.columns, self.last = [], {}
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        header, *lines = content.decode(errors="replace").split("\n")
        columns = header.split(",")
        rows = [line.split(",") for line in lines[:-1]]  # behind the last newline: a line cut short
        rows = [
            row
            for row in rows
            if len(row) == len(columns) and row[0].isdigit() and int(row[0]) <= iteration
        ]
        if not rows:
            self.path.unlink()
            return
        filled = [i for i in range(len(columns)) if i < 2 or any(row[i] for row in rows)]
        self.columns = [columns[i] for i in filled]
        rows = [[row[i] for i in filled] for row in rows]
        self.last = dict(zip(self.columns, rows[-1], strict=True))
        kept = "".join(",".join(row) + "\n" for row in [self.columns, *rows]).encode()
        if kept != content:
            self._replace(kept)

    def write(self, iteration: int, values: dict[str, float]) -> None:
        """Append a row, or merge it into the last one where that is of the same iteration."""
        row = {"iteration": str(iteration), "kimg": ""}
        merge = self.last.get("iteration") == row["iteration"]
        if merge:
            row = dict(self.last)
        row |= {name: shortest(value) for name, value in values.items()}
        new = [name for name in row if name not in self.columns]
        columns = self.columns + new
        line = (",".join(row.get(name, "") for name in columns) + "\n").encode()
        if new or merge:
            lines = self.path.read_bytes().splitlines()[1:] if self.columns else []
            blank = b"," * len(new) + b"\n"
            kept = b"".join(old + blank for old in (lines[:-1] if merge else lines))
            self._replace(",".join(columns).encode() + b"\n" + kept + line)
        else:
            with open(self.path, "ab", buffering=0) as file:
                file.write(line)
        self.columns, self.last = columns, row

    def _replace(self, content: bytes) -> None:
        atomic_write(self.path, lambda file: file.write_bytes(content))


def shortest(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return str(value) if isinstance(value, int) else repr(float(value))


class CSV(RunLogger):
    """Writes metrics.csv and, from keys that begin with `time/`, timing.csv."""

    def __init__(self) -> None:
        super().__init__()
        self.metrics: Table | None = None
        self.timing: Table | None = None

    def begin(self, folder: Path, iteration: int) -> None:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.metrics, self.timing = Table(folder / "metrics.csv"), Table(folder / "timing.csv")
        self.metrics.resume(iteration)
        self.timing.resume(iteration)

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Write one row; `metrics` holds kimg and any of `loss/...`, `metric/...`, `time/...`."""
        if self.metrics is None:
            raise ValueError("logger.csv knows no run: `reports` must be among the callbacks")
        clock = {k.removeprefix("time/"): v for k, v in metrics.items() if k.startswith("time/")}
        values = {k: v for k, v in metrics.items() if not k.startswith("time/")}
        if values.keys() - {"kimg"}:
            self.metrics.write(step, values)
        if clock:
            self.timing.write(step, {"kimg": metrics["kimg"]} | clock)
