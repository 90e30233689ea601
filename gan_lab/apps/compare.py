"""`python -m gan_lab.apps.compare runs/a runs/b ...`: runs side by side, by a table and a picture.

They are compared at equal numbers of images seen and at equal seconds of training. Runs that
differ in nothing but their seed are one group, shown by mean and spread. Figures that were
measured by different protocols are not compared.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf

from gan_lab.errors import UserError, command
from gan_lab.loggers.table import read
from gan_lab.metrics.protocol import Record, differences

COLOURS = ("#2f6fdb", "#d9680f", "#2a8a57", "#8a4fc7", "#c23b6b", "#7a6a4f", "#1b9aaa", "#555b66")
NOT_THE_RECIPE = (
    "seed",
    "root",
    "shape",
    "num_classes",
)  # last part of keys that don't make a group


@dataclass
class Curve:
    """One metric of one run: values (N,) at kimg (N,) and at seconds of training (N,)."""

    folder: Path
    name: str
    recipe: dict[str, object]
    device: str
    kimg: np.ndarray
    seconds: np.ndarray
    values: np.ndarray
    record: Record


def find_runs(folders: Sequence[Path]) -> list[Path]:
    """The given folders, or the runs inside of them."""
    found: list[Path] = []
    for folder in folders:
        inside = sorted(path.parent for path in folder.glob("**/config.yaml"))
        if not inside:
            raise UserError(f"{folder}: no run here (config.yaml is missing)")
        found += inside
    return list(dict.fromkeys(found))


def load_records(folder: Path) -> list[tuple[float, Record]]:
    """(kimg, record) of evaluations.jsonl."""
    path = folder / "evaluations.jsonl"
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    parsed = [json.loads(line) for line in lines]
    if not parsed:
        raise UserError(f"{folder}: nothing was evaluated yet (evaluations.jsonl is empty)")
    return [(line["kimg"], Record.from_dict(line)) for line in parsed]


def load_curve(folder: Path, metric: str) -> Curve:
    """The curve of one metric; a UserError where a run has none."""
    records = load_records(folder)
    found = {kimg: record for kimg, record in records if record.name == metric}
    if not found:
        names = ", ".join(dict.fromkeys(record.name for _, record in records))
        raise UserError(f"--metric {metric}: {folder} has no such metric; it has {names}")
    first, *rest = found.values()
    for other in rest:
        refuse_unlike(first, folder, other, folder)
    points = [(kimg, found[kimg].value) for kimg in sorted(found) if np.isfinite(found[kimg].value)]
    if not points:
        raise UserError(f"{folder}: {metric} was never a finite number")
    kimg, values = np.array(points, dtype=float).T
    config = OmegaConf.to_container(OmegaConf.load(folder / "config.yaml"))
    environment = folder / "environment.json"
    return Curve(
        folder=folder,
        name=f"{config.get('model_name', 'model')} on {config.get('data_name', 'data')}",
        recipe=flatten({group: config.get(group) for group in ("model", "data")}),
        device=json.loads(environment.read_text())["device"] if environment.exists() else "",
        kimg=kimg,
        seconds=seconds_at(folder, kimg),
        values=values,
        record=first,
    )


def seconds_at(folder: Path, kimg: np.ndarray) -> np.ndarray:
    """Seconds of training (N,) at kimg (N,), by timing.csv; nan without it."""
    timing = read(folder / "timing.csv")
    if not timing:
        return np.full(len(kimg), np.nan)
    x, y = np.array([0.0, *timing["kimg"]]), np.array([0.0, *timing["seconds"]])
    pace = (y[-1] - y[-2]) / (x[-1] - x[-2])  # for what came after the last row
    return np.interp(kimg, x, y) + np.maximum(kimg - x[-1], 0) * pace


def refuse_unlike(first: Record, here: Path, second: Record, there: Path) -> None:
    """Refuse to compare figures of different protocols; the message names what differs."""
    unlike = differences(first.protocol, second.protocol)
    if unlike:
        raise UserError(
            f"{first.name} was not measured alike in {here} and {there}: {'; '.join(unlike)}."
            " Measure both by one protocol: python evaluate.py run=..."
        )


def flatten(node: object, path: str = "") -> dict[str, object]:
    """Dotted key -> value, without what does not make a recipe."""
    if isinstance(node, dict):
        children = {f"{path}.{key}" if path else key: child for key, child in node.items()}
        return {k: v for name, child in children.items() for k, v in flatten(child, name).items()}
    return {} if path.split(".")[-1] in NOT_THE_RECIPE else {path: node}


def grouped(curves: Sequence[Curve]) -> dict[str, list[Curve]]:
    """Label -> runs of one recipe. A label tells what sets a recipe apart from its namesakes."""
    recipes: dict[str, list[Curve]] = {}
    for curve in curves:
        recipes.setdefault(json.dumps([curve.name, curve.recipe], sort_keys=True), []).append(curve)
    groups = list(recipes.values())
    labels: dict[str, list[Curve]] = {}
    for group in groups:
        own, name = group[0].recipe, group[0].name
        namesakes = [other[0].recipe for other in groups if other[0].name == name]
        keys = sorted({key for recipe in namesakes for key in recipe})
        apart = [k for k in keys if len({json.dumps(r.get(k)) for r in namesakes}) > 1]
        nodes = tuple(key.removesuffix("_target_") for key in apart if key.endswith("._target_"))
        apart = [k for k in apart if k.endswith("._target_") or not k.startswith(nodes)]
        shown = [difference(key, own.get(key)) for key in apart]
        label = ", ".join([name, *shown[:3], *(["..."] if len(shown) > 3 else [])])
        while label in labels:
            label += "'"
        labels[label] = group
    return labels


def difference(key: str, value: object) -> str:
    """`option=value`; a node of another kind is told by its class alone."""
    if key.endswith("._target_"):
        key, value = key.removesuffix("._target_"), str(value).split(".")[-1]
    return f"{key.removeprefix('model.')}={value}"


def value_at(x: np.ndarray, values: np.ndarray, at: float) -> float:
    """The value at `at`, on the line between its neighbours; nan outside of the measured."""
    return float(np.interp(at, x, values, left=np.nan, right=np.nan))


def mean_and_spread(values: Sequence[float]) -> str:
    """`12.3 ± 0.4`: mean and standard deviation over seeds (that of the sample, n - 1)."""
    if not np.isfinite(values).all():
        return "–"
    spread = f" ± {np.std(values, ddof=1):.2g}" if len(values) > 1 else ""
    return f"{np.mean(values):.4g}{spread}"


def reached_by_all(axes: Sequence[np.ndarray]) -> float:
    """The farthest point that every curve has reached; nan where one is unknown."""
    return (
        float(min(axis[-1] for axis in axes)) if np.isfinite(np.concatenate(axes)).all() else np.nan
    )


def print_table(groups: dict[str, list[Curve]], metric: str) -> None:
    """One row per group, at equal images, at equal time, and at its best."""
    from rich.console import Console
    from rich.table import Table

    curves = [curve for group in groups.values() for curve in group]
    kimg = reached_by_all([curve.kimg for curve in curves])
    seconds = reached_by_all([curve.seconds for curve in curves])
    lower = curves[0].record.lower_is_better
    better = {True: "lower is better", False: "higher is better", None: "no better or worse"}[lower]
    table = Table(title=f"{metric} ({better})")
    table.add_column("recipe", overflow="fold")
    at_time = f"at {seconds:.0f} s" if np.isfinite(seconds) else "at equal time"
    for column in ("runs", f"at {kimg:.1f} kimg", at_time, "best", "s per kimg"):
        table.add_column(column, justify="right")
    for label, group in groups.items():
        best = [float(c.values.min() if lower else c.values.max()) for c in group]
        best = [float("nan")] * len(group) if lower is None else best
        table.add_row(
            label,
            str(len(group)),
            mean_and_spread([value_at(c.kimg, c.values, kimg) for c in group]),
            mean_and_spread([value_at(c.seconds, c.values, seconds) for c in group]),
            mean_and_spread(best),
            mean_and_spread([float(c.seconds[-1] / c.kimg[-1]) for c in group]),
        )
    Console().print(table)
    devices = sorted({curve.device for curve in curves if curve.device})
    if len(devices) > 1:
        print(f"equal time means little here: the runs ran on {', '.join(devices)}")


def plot(groups: dict[str, list[Curve]], metric: str, output: Path) -> None:
    """Two panels, over kimg and over minutes: each run thin, the mean of a group thick."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2, sharey=True)
    values = np.concatenate([c.values for group in groups.values() for c in group])
    for axes, over in zip(panels, ("kimg", "minutes of training"), strict=True):
        for number, (label, group) in enumerate(groups.items()):
            colour = COLOURS[number % len(COLOURS)]
            xs = [c.kimg if over == "kimg" else c.seconds / 60 for c in group]
            if not np.isfinite(np.concatenate(xs)).all():
                continue
            draw_group(axes, xs, [c.values for c in group], colour, f"{label} ({len(group)})")
        axes.set_xlabel(over)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if values.min() > 0 and values.max() / values.min() > 20:
            axes.set_yscale("log")
    panels[0].set_ylabel(metric)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", frameon=False)
    try:
        figure.savefig(output)
    except (OSError, ValueError) as error:
        raise UserError(f"--output {output}: cannot be written ({error})") from None


def draw_group(axes, xs: list[np.ndarray], ys: list[np.ndarray], colour: str, label: str) -> None:
    """Curves of one recipe into a matplotlib panel, with mean and spread where all of them are."""
    if len(xs) == 1:
        axes.plot(xs[0], ys[0], color=colour, label=label, marker="o", markersize=3)
        return
    for x, y in zip(xs, ys, strict=True):
        axes.plot(x, y, color=colour, alpha=0.35, linewidth=0.8)
    low, high = max(x[0] for x in xs), min(x[-1] for x in xs)
    if low > high:
        return
    at = np.unique(np.clip(np.concatenate(xs), low, high))
    table = np.stack([np.interp(at, x, y) for x, y in zip(xs, ys, strict=True)])
    mean, spread = table.mean(0), table.std(0, ddof=1)
    axes.plot(at, mean, color=colour, linewidth=2, label=label)
    axes.fill_between(at, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)


@command
def main(arguments: list[str] | None = None) -> None:
    """Print and plot the given runs."""
    parser = argparse.ArgumentParser(
        prog="python -m gan_lab.apps.compare",
        description="Runs side by side, at equal images seen and at equal time.",
    )
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs, or folders of those")
    parser.add_argument(
        "--metric", help="short name; the first metric of the first run if left out"
    )
    parser.add_argument("--output", type=Path, default=Path("compare.png"), help="the picture")
    options = parser.parse_args(arguments)
    folders = find_runs(options.runs)
    metric = options.metric or load_records(folders[0])[0][1].name
    curves = [load_curve(folder, metric) for folder in folders]
    for curve in curves[1:]:
        refuse_unlike(curves[0].record, curves[0].folder, curve.record, curve.folder)
    groups = grouped(curves)
    print_table(groups, metric)
    plot(groups, metric, options.output)
    print(options.output)


if __name__ == "__main__":
    main()
