"""Every variant on the same data at its own recipe: the table of the README.

    python benchmarks/variants.py --seeds 3 --kimg 100

Trains each conf/model/*.yaml on `data=digits` (runs that are there already are not repeated) and
prints mean and spread over seeds of the averaged generator's figures at the end, as Markdown.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIGURES = ("fd_", "precision_", "recall_", "images/s")  # how their names begin


def train(model: str, seed: int, kimg: float, folder: Path, data: list[str]) -> Path:
    run_dir = folder / f"{model}-{seed}"
    budget = [f"trainer.kimg={kimg}", f"trainer.evaluate_every_kimg={kimg}"]
    command = [sys.executable, str(ROOT / "train.py"), f"model={model}", f"seed={seed}", *budget]
    subprocess.run(
        [*command, *data, f"run_dir={run_dir}", "logger=csv"], check=True, stdout=subprocess.DEVNULL
    )
    return run_dir


def figures(run_dir: Path) -> dict[str, float]:
    """The last value of each metric, and the median images per second."""
    records = [json.loads(line) for line in (run_dir / "evaluations.jsonl").open()]
    last = {r["name"]: r["value"] for r in records if r["iteration"] == records[-1]["iteration"]}
    with (run_dir / "timing.csv").open() as file:
        rates = [float(row["images_per_second"]) for row in csv.DictReader(file)]
    return {**last, "images/s": statistics.median(rates)}


def cell(values: list[float]) -> str:
    """Mean and, with several seeds, sample standard deviation."""
    mean = statistics.mean(values)
    digits = 0 if mean >= 100 else 2
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean:.{digits}f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kimg", type=float, default=100.0)
    parser.add_argument("--runs", type=Path, default=Path("runs/variants"))
    parser.add_argument("--data", nargs="*", default=["data=digits"], help="data options")
    options = parser.parse_args()
    models = sorted(path.stem for path in (ROOT / "conf/model").glob("[!_]*.yaml"))
    print("| model | FD | precision | recall | images/s |\n| --- | ---: | ---: | ---: | ---: |")
    for model in models:
        runs = [
            figures(train(model, seed, options.kimg, options.runs, options.data))
            for seed in range(options.seeds)
        ]
        names = [next(name for name in runs[0] if name.startswith(stem)) for stem in FIGURES]
        cells = " | ".join(cell([run[name] for run in runs]) for name in names)
        print(f"| `{model}` | {cells} |", flush=True)


if __name__ == "__main__":
    main()
