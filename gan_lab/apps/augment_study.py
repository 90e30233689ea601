"""`python -m gan_lab.apps.augment_study run=runs/...`: do a GAN's samples help a learner?

The same small classifier of pictures, or the same classifiers (regressors) of rows of a table,
learn from a share of the real training data alone, from these and their classic augmentations, from
these and samples (half and half), and from samples alone. What counts is their accuracy (R^2) on
the real test split. Options beside `run=`:

    fractions=[0.05,0.1,0.25,1.0]   shares of the training split, so many of each class
    seeds=5                         trainings of each, for the confidence intervals
    steps=600 batch=128             of each training, of pictures only
    num_samples=10000               that are drawn for each seed
    checkpoint=best                 or last

A GAN that has learnt from more labelled data than a share holds brings more than that share: train
it with `data.train_share=` for a fair comparison; where it is not fair, the table says so.
"""

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.stats import t as student

from gan_lab.apps.study.choice import Study, study_of
from gan_lab.data.share import first_share
from gan_lab.errors import UserError, command
from gan_lab.files import atomic_write
from gan_lab.runs import Run, load
from gan_lab.training import build_data

WAYS = {
    "real": "real only",
    "classic": "real, augmented",
    "samples": "real and samples",
    "samples_only": "samples only",
}
COLOURS = ("#555b66", "#2f6fdb", "#d9480f", "#e8a33d")


@dataclass
class Options:
    """What the command line may say; see above."""

    run: str = ""
    fractions: list[float] = field(default_factory=lambda: [0.05, 0.1, 0.25, 1.0])
    seeds: int = 5
    steps: int | None = None
    batch: int | None = None
    num_samples: int = 10_000
    checkpoint: str = "best"


@dataclass
class Outcome:
    """Test accuracies of one way to learn from one share, one for each seed."""

    way: str
    fraction: float
    num_real: int
    accuracies: list[float]

    @property
    def mean(self) -> float:
        return float(np.mean(self.accuracies))

    @property
    def reach(self) -> float:
        """Half of the mean's 95 % confidence interval, by Student's t over the seeds."""
        n = len(self.accuracies)
        if n < 2:
            return float("nan")
        return float(student.ppf(0.975, n - 1) * np.std(self.accuracies, ddof=1) / n**0.5)


def options_of(arguments: list[str]) -> Options:
    """The command line's key=value pairs, checked."""
    try:
        merged = OmegaConf.merge(OmegaConf.structured(Options), OmegaConf.from_dotlist(arguments))
        options: Options = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        known = ", ".join(Options.__dataclass_fields__)
        reason = str(error).splitlines()[0]
        raise UserError(f"{' '.join(arguments)}: {reason}; the options are {known}") from None
    if not options.run:
        raise UserError("run= is missing: name the folder of a trained GAN")
    if not options.fractions or not all(0 < f <= 1 for f in options.fractions):
        raise UserError(f"fractions={options.fractions}: give shares above 0, at most 1")
    for name in ("seeds", "steps", "batch", "num_samples"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise UserError(f"{name}={getattr(options, name)}: give at least 1")
    return options


def study(options: Options, console: Console) -> tuple[Study, list[Outcome], int]:
    """The study, all outcomes, and how many real training items the GAN has learnt from."""
    run = Run(Path(options.run))
    config = run.config.copy()
    known = float(config.data.get("train_share", 1.0))
    if "train_share" in config.data:
        config.data.train_share = 1.0
    data, gan = build_data(config), load(run.checkpoint(options.checkpoint))
    learner = study_of(
        run.path, data, gan,
        num_samples=options.num_samples, steps=options.steps, batch=options.batch,
    )  # fmt: skip
    whole = data.reals("train")
    outcomes = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("training", total=len(options.fractions) * options.seeds)
        for fraction in sorted(options.fractions):
            part = first_share(whole, fraction)
            found: dict[str, list[float]] = {way: [] for way in WAYS}
            for seed in range(options.seeds):
                for way, value in learner.accuracies(part, seed).items():
                    found[way].append(value)
                progress.advance(task)
            outcomes += [Outcome(w, fraction, len(part), values) for w, values in found.items()]
    return learner, outcomes, len(first_share(whole, known))


def show(learner: Study, outcomes: list[Outcome], num_known: int, console: Console) -> None:
    """A table: scores in percent, with the confidence interval."""
    headings = ("labels", f"real {learner.noun}", *WAYS.values())
    table = Table(*headings, title=learner.title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    fractions = sorted({outcome.fraction for outcome in outcomes})
    for fraction in fractions:
        row = {outcome.way: outcome for outcome in outcomes if outcome.fraction == fraction}
        cells = [f"{100 * row[way].mean:.2f} ± {100 * row[way].reach:.2f}" for way in WAYS]
        num = row["real"].num_real
        table.add_row(f"{100 * fraction:g} %", f"{num}{'*' if num < num_known else ''}", *cells)
    console.print(table)
    if any(outcome.num_real < num_known for outcome in outcomes):
        console.print(
            f"* the GAN has learnt from {num_known} labelled {learner.noun}, more than the"
            f" {learner.who} here; train it with data.train_share= for a fair comparison"
        )


def plot(learner: Study, outcomes: list[Outcome], path: Path) -> None:
    """Scores against the number of real items, a line for each way."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    numbers = sorted({outcome.num_real for outcome in outcomes})
    low, high = numbers[0] / 1.2, numbers[-1] * 1.2
    aside = (high / low) ** 0.01  # or intervals would hide each other
    for place, ((way, words), colour) in enumerate(zip(WAYS.items(), COLOURS, strict=True)):
        line = [outcome for outcome in outcomes if outcome.way == way]
        axes.errorbar(
            [outcome.num_real * aside ** (place - 1.5) for outcome in line],
            [100 * outcome.mean for outcome in line],
            yerr=[100 * np.nan_to_num(outcome.reach) for outcome in line],
            label=words, color=colour, marker="o", markersize=4, capsize=3,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_xticks(numbers, [str(number) for number in numbers])
    axes.minorticks_off()
    axes.set_xlabel(f"real training {learner.noun}")
    axes.set_ylabel(learner.score)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e5e5e5")
    axes.legend(frameon=False)
    atomic_write(path, lambda file: figure.savefig(file, format="png"))


@command
def main(arguments: list[str] | None = None) -> None:
    """Run the study; write augment_study.png and .json into the run's folder."""
    options = options_of(sys.argv[1:] if arguments is None else arguments)
    console = Console()
    learner, outcomes, num_known = study(options, console)
    show(learner, outcomes, num_known, console)
    folder = Path(options.run)
    plot(learner, outcomes, folder / "augment_study.png")
    record = {
        "options": asdict(options) | learner.settings(),
        "num_real_of_gan": num_known,
        "outcomes": [asdict(outcome) for outcome in outcomes],
    }
    text = json.dumps(record, indent=1)
    atomic_write(folder / "augment_study.json", lambda file: file.write_text(text))
    console.print(f"{folder / 'augment_study.png'}, {folder / 'augment_study.json'}")


if __name__ == "__main__":
    main()
