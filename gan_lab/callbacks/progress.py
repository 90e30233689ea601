"""How far training is: a bar in a terminal, a line now and then in a log file."""

import math
import sys
import time
from pathlib import Path

import lightning as L
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from torch import Tensor

from gan_lab.callbacks import reports
from gan_lab.callbacks.evaluation import Evaluation
from gan_lab.models.base import Game

SMOOTHING_SECONDS = 5.0  # of images per second


class Progress(L.Callback):
    """Shows kimg, images per second, time left and the last metric.

    In a terminal a bar is redrawn a few times a second; elsewhere one line is printed at each
    evaluation and every `line_seconds`. Says at the end where to look.

    Args:
        bar_seconds: between two redraws of the bar.
        line_seconds: between two lines where there is no terminal.
    """

    def __init__(self, *, bar_seconds: float = 0.4, line_seconds: float = 30.0):
        self.bar_seconds, self.line_seconds = bar_seconds, line_seconds
        self._next = math.inf  # when to show again, on the clock of time.perf_counter
        self._bar: Bar | None = None
        self._doing: str | None = None
        self._metric = ""
        self._images_per_second = 0.0
        self._shown = (0.0, 0.0)  # kimg and seconds of training when last shown
        self._began = (0.0, 0.0)  # kimg and the clock when this process began
        self._now = 0.0  # kimg
        self._budget = lambda: 0.0  # kimg; not known before the first minibatch

    def on_train_start(self, trainer: L.Trainer, gan: Game) -> None:
        if not trainer.is_global_zero:
            return
        self._reports = reports.find(trainer)
        self._now = gan.kimg_at(gan.steps_done)
        self._budget = lambda: gan.kimg_at(trainer.max_steps)
        self._began = self._now, time.perf_counter()
        self._shown = self._now, self._seconds()
        evaluation = find_evaluation(trainer)
        if evaluation is not None:
            self._note(self._now, evaluation.latest)
            evaluation.on_evaluation.append(self._evaluated)
        if self._reports is not None:
            self._reports.on_pause.append(self._paused)
        if sys.stdout.isatty():
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[text]}"),
                console=Console(),
                auto_refresh=False,  # no thread: it would fight small networks for the interpreter
                transient=True,
            )
            self._task = self._bar.add_task("training", text="")
            self._bar.start()
        self._next = time.perf_counter() + self._interval()

    def on_train_batch_end(
        self, trainer: L.Trainer, gan: Game, outputs: None, batch: dict[str, Tensor], batch_idx: int
    ) -> None:
        if time.perf_counter() < self._next:
            return
        self._now = gan.kimg_at(gan.steps_done)
        self._show()

    def on_train_end(self, trainer: L.Trainer, gan: Game) -> None:
        now = gan.kimg_at(gan.steps_done)
        if self._next < math.inf and now > self._shown[0]:
            self._now = now
            self._show()
        self._stop()

    def on_exception(self, trainer: L.Trainer, gan: Game, exception: BaseException) -> None:
        self._stop()

    def teardown(self, trainer: L.Trainer, gan: Game, stage: str) -> None:
        """Say where to look: last of all, so that every file is there."""
        self._stop()
        if trainer.is_global_zero:
            print(conclusion(trainer), flush=True)

    def _seconds(self) -> float:
        return time.perf_counter() if self._reports is None else self._reports.seconds

    def _interval(self) -> float:
        return self.line_seconds if self._bar is None else self.bar_seconds

    def _evaluated(self, kimg: float, metrics: dict[str, float]) -> None:
        self._note(kimg, metrics)
        self._now = kimg
        if self._bar is None:
            self._show()

    def _note(self, kimg: float, metrics: dict[str, float]) -> None:
        self._metric = next((f"{name} {value:.4g}" for name, value in metrics.items()), "")

    def _paused(self, doing: str | None) -> None:
        self._doing = doing
        if self._bar is not None:
            self._bar.update(self._task, description=doing or "training", refresh=True)

    def _show(self) -> None:
        seconds = self._seconds()
        passed, images = seconds - self._shown[1], 1000 * (self._now - self._shown[0])
        if images > 0 and passed > 0:
            share = 1 - math.exp(-passed / SMOOTHING_SECONDS) if self._images_per_second else 1.0
            self._images_per_second += share * (images / passed - self._images_per_second)
            self._shown = self._now, seconds
        text = self.describe()
        if self._bar is None:
            print(text, flush=True)
        else:
            self._bar.update(
                self._task, completed=self._now, total=self._budget(), text=text, refresh=True
            )
        self._next = time.perf_counter() + self._interval()

    def describe(self) -> str:
        """`12.8/200 kimg  1234 images/s  0:02:32 left  fd_classifier_1797 12.3`"""
        speed = f"{self._images_per_second:.0f} images/s"
        gone, budget = self._now - self._began[0], self._budget()
        parts = [f"{self._now:.1f}/{rounded(budget)} kimg", speed]
        if gone > 0:
            pace = (time.perf_counter() - self._began[1]) / gone  # evaluations included
            parts.append(f"{duration(pace * max(0.0, budget - self._now))} left")
        return "  ".join([*parts, self._metric]).rstrip()

    def _stop(self) -> None:
        self._next = math.inf
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def find_evaluation(trainer: L.Trainer) -> Evaluation | None:
    """The run's `Evaluation`, if it has one."""
    return next((c for c in trainer.callbacks if isinstance(c, Evaluation)), None)


def rounded(kimg: float) -> str:
    """For reading: a budget is filled up to whole minibatches, so `kimg` is a little more."""
    return f"{kimg:.2g}" if kimg < 1 else f"{round(kimg, 1):g}"


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    seconds = round(seconds)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def conclusion(trainer: L.Trainer) -> str:
    """What training came to, and the files that show it."""
    folder = Path(trainer.default_root_dir)
    gan = trainer.lightning_module
    lines = [f"{gan.kimg_at(gan.steps_done):.1f} kimg in {folder}"]
    evaluation = find_evaluation(trainer)
    if evaluation is not None and evaluation.best is not None:
        best = evaluation.best
        at = gan.kimg_at(best["iteration"])
        lines.append(f"  best: {best['name']} {best['value']:.4g} at {at:.1f} kimg")
    names = ("report.html", "samples/growth.gif", "checkpoints/best.ckpt", "checkpoints/last.ckpt")
    present = [name for name in names if (folder / name).exists()]
    if present:
        lines.append(f"  look at: {', '.join(present)}")
    return "\n".join(lines)
