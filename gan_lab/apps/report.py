"""`python -m gan_lab.apps.report runs/...`: write report.html of runs, finished or not."""

import argparse
from pathlib import Path

from gan_lab.errors import command


@command
def main(arguments: list[str] | None = None) -> None:
    """Write report.html into each of the given runs' folders."""
    parser = argparse.ArgumentParser(prog="python -m gan_lab.apps.report", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs")
    options = parser.parse_args(arguments)

    from gan_lab.callbacks.report import write_report

    for folder in options.runs:
        print(write_report(folder))


if __name__ == "__main__":
    main()
