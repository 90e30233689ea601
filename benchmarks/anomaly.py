"""Detectors on several sets or seeds, beside scikit-learn's: a Markdown table of mean and spread.

    python benchmarks/anomaly.py experiment=digits_ganomaly --each data.normal 0 1 2 3 4 5 6 7 8 9
    python benchmarks/anomaly.py experiment=breast_cancer_f_anogan --each data.split_seed 0 1

Each run is trained to the end of its budget and judged as it is then. `--seed-too` gives run n the
seed n as well. The figures of each run are printed as it ends.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hydra.utils import instantiate

from gan_lab.apps.recipe import compose
from gan_lab.metrics import engine
from gan_lab.metrics.suite import Suite
from gan_lab.trainer import build_trainer
from gan_lab.training import ELSEWHERE, build_data, build_model

FIGURES = ("auroc", "auprc", "f1", "f1_contamination", "false_alarms")
Figures = dict[str, dict[str, float]]  # detector -> figure -> value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("overrides", nargs="+", help="as for train.py")
    parser.add_argument("--each", nargs="+", default=["seed", "0"], help="an option, its values")
    parser.add_argument("--seed-too", action="store_true", help="run n has seed n")
    options = parser.parse_intermixed_args()
    option, *values = options.each
    runs = []
    for number, value in enumerate(values):
        seed = [f"seed={number}"] if options.seed_too else []
        began = time.perf_counter()
        runs.append(figures_of([*options.overrides, f"{option}={value}", *seed]))
        seconds = time.perf_counter() - began
        told = ", ".join(f"{who} {rows['auroc']:.4f}" for who, rows in runs[-1].items())
        print(f"{option}={value}: AUROC {told} ({seconds:.0f} s)", flush=True)
    print("\n".join(table(runs)))


def figures_of(overrides: Sequence[str]) -> Figures:
    """Train one run; its figures, and the baselines'."""
    config = compose(*overrides)
    data = build_data(config)
    gan = build_model(config)
    with tempfile.TemporaryDirectory() as folder:
        trainer = build_trainer(
            run_dir=Path(folder),
            batch_size=data.batch_size,
            callbacks=[],
            loggers=[],
            **{k: v for k, v in config.trainer.items() if k not in ELSEWHERE},
        )
        trainer.fit(gan, data)
    suite: Suite = instantiate(config.metrics, _convert_="all")
    suite.prepare(data, gan.device)
    fakes = engine.fakes_of(gan, data, suite.split)
    figures: Figures = {config.model_name: {}}
    for record in suite.detection.judge(suite, fakes, data, gan.device):
        name = record.protocol.metric
        figures[config.model_name][name] = record.value
        for who, value in record.beside.items():
            figures.setdefault(who, {})[name] = value
    return figures


def table(runs: Sequence[Figures]) -> list[str]:
    """Mean and standard deviation over the runs, a detector in each row."""
    lines = [f"| detector | {' | '.join(FIGURES)} |", f"| --- |{' ---: |' * len(FIGURES)}"]
    for who in runs[0]:
        cells = [shown([run[who] for run in runs], name) for name in FIGURES]
        lines.append(f"| {who} | {' | '.join(cells)} |")
    return lines


def shown(rows: Sequence[Mapping[str, float]], name: str) -> str:
    """`mean ± standard deviation`."""
    values = [row[name] for row in rows]
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.3f} ± {spread:.3f}"


if __name__ == "__main__":
    main()
