"""Metrics during training: every so many kimg, and once the budget is spent."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import lightning as L
from lightning.pytorch.utilities.types import STEP_OUTPUT

from gan_lab.callbacks.reports import paused
from gan_lab.metrics import engine
from gan_lab.metrics.protocol import Record
from gan_lab.metrics.suite import Suite
from gan_lab.models.base import Game
from gan_lab.runs import keep_lines


class Evaluation(L.Callback):
    """Measures the averaged generator, logs `metric/<name>` and appends evaluations.jsonl.

    An evaluation is a pure function of weights and seed, and disturbs no draw of training.

    Attributes:
        latest: name -> value of the last evaluation.
        improved: whether it just happened and was the best so far.
        best: value and iteration of the best, by the first metric that may decide; None before.
        seconds: spent on evaluations by this process.
        on_evaluation: called with (kimg, name -> value) after each, on every process.

    Args:
        metrics: the suite (conf/metrics); None measures nothing.
        every_kimg: thousands of real images between two evaluations.
        seed: of the fakes.
    """

    def __init__(self, metrics: Suite | None, every_kimg: float, *, seed: int = 0) -> None:
        if not every_kimg > 0:
            raise ValueError(
                f"trainer.evaluate_every_kimg={every_kimg}: must be above 0; metrics=none evaluates"
                " nothing"
            )
        self.suite, self.every_kimg, self.seed = metrics, every_kimg, seed
        self.latest: dict[str, float] = {}
        self.improved = False
        self.best: dict[str, float | int | str] | None = None
        self.seconds = 0.0
        self.on_evaluation: list[Callable[[float, dict[str, float]], None]] = []

    @property
    def best_value(self) -> float | None:
        """The best value so far of the first metric listed; None before one was found."""
        return None if self.best is None else self.best["value"]

    def state_dict(self) -> dict:
        return {"best": self.best, "latest": self.latest}

    def load_state_dict(self, state: dict) -> None:
        self.best, self.latest = state["best"], state["latest"]

    def on_fit_start(self, trainer: L.Trainer, gan: Game) -> None:
        """Make the extractors ready: missing weights must not surface after hours of training."""
        if self.suite is None:
            return
        self.device = trainer.strategy.root_device
        self.extractors = self.suite.prepare(trainer.datamodule, self.device)

    def on_train_start(self, trainer: L.Trainer, gan: Game) -> None:
        """Forget what an earlier process measured after the checkpoint."""
        self.path = Path(trainer.default_root_dir) / "evaluations.jsonl"
        if trainer.is_global_zero:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            keep_lines(self.path, gan.iteration)

    def on_train_batch_end(
        self, trainer: L.Trainer, gan: Game, outputs: STEP_OUTPUT, batch: object, batch_idx: int
    ) -> None:
        self.improved = False
        done = gan.iteration + 1
        if self.suite is not None and (self.is_due(gan, done) or done == trainer.max_steps):
            with paused(trainer):
                self.evaluate(trainer, gan, done)

    def is_due(self, gan: Game, done: int) -> bool:
        """Whether step number `done` crossed a multiple of `every_kimg`."""
        before, after = gan.kimg_at(done - 1), gan.kimg_at(done)
        # 1e-9 kimg: 0.3 / 0.1 is 2.9999999999999996
        return math.floor(after / self.every_kimg + 1e-9) > math.floor(
            before / self.every_kimg + 1e-9
        )

    def evaluate(self, trainer: L.Trainer, gan: Game, done: int) -> None:
        """Measure now. Every process takes part."""
        began = time.perf_counter()
        data = trainer.datamodule
        fakes = engine.fakes_of(gan, data, self.suite.split, seed=self.seed)
        records = engine.evaluate(self.suite, self.extractors, fakes, data, self.device)
        self.latest = engine.by_name(records)
        chooser = next((record for record in records if record.decides), None)
        if chooser is not None:
            self.keep_best(chooser, done, gan.stage)
        kimg = gan.kimg_at(done)
        if trainer.is_global_zero:
            self.write(records, done, kimg)
            row = {f"metric/{name}": value for name, value in self.latest.items()}
            for logger in trainer.loggers:
                logger.log_metrics({**row, "kimg": kimg}, step=done)
        self.seconds += time.perf_counter() - began
        for listen in self.on_evaluation:
            listen(kimg, self.latest)

    def keep_best(self, record: Record, done: int, stage: int = 0) -> None:
        """Compare with the best so far of this stage; nan is never the best."""
        value = record.value if record.lower_is_better else -record.value
        if not math.isfinite(value):
            return
        of_this = {"name": record.name, "stage": stage}
        if self.best is not None and of_this.items() <= {"stage": 0, **self.best}.items():
            best = self.best["value"] if record.lower_is_better else -self.best["value"]
            if value >= best:
                return
        self.improved = True
        self.best = {**of_this, "value": record.value, "iteration": done}

    def write(self, records: list[Record], done: int, kimg: float) -> None:
        """Append one line per record, all in one write."""
        lines = [
            json.dumps({"iteration": done, "kimg": kimg, **record.to_dict()}) + "\n"
            for record in records
        ]
        with open(self.path, "a") as file:
            file.write("".join(lines))
