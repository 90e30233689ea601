"""The trials of a multirun, and the table that closes it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Trial:
    """One job of a multirun, and what became of it."""

    number: int
    overrides: list[str]
    folder: str  # the run's folder
    log: str
    status: str = "waiting"  # then done, failed or stopped
    value: float | None = None
    seconds: float = 0.0
    error: str = ""


def print_table(trials: Sequence[Trial]) -> None:
    """What differs between the trials, and what became of each."""
    from rich.console import Console
    from rich.table import Table

    options = [dict(o.split("=", 1) for o in t.overrides if "=" in o) for t in trials]
    keys = list(dict.fromkeys(key for option in options for key in option))
    keys = [k for k in keys if len({option.get(k) for option in options}) > 1]
    table = Table("trial", *keys, "result", "time", "run")
    for trial, option in zip(trials, options, strict=True):
        result = "" if trial.value is None else f"{trial.value:.6g}"
        if trial.status != "done":
            result = f"{trial.status}, see {trial.log}"
        time_taken = f"{trial.seconds:.0f} s"
        cells = (option.get(k, "") for k in keys)
        table.add_row(str(trial.number), *cells, result, time_taken, trial.folder)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
