"""Sends the means of what the model reports to the loggers, and keeps the run's clock."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import lightning as L
import torch
from torch import Tensor

from gan_lab.loggers.base import RunLogger
from gan_lab.models.base import Game


class Reports(L.Callback):
    """Every `every` iterations: one read of the device, one row for each logger.

    `latest` holds the last row for the callbacks that come after this one. `seconds` counts
    training only (not evaluations and pictures) and goes on counting when a run is resumed.
    Whoever wants to know of pauses adds to `on_pause` a function of what is done in them, or None
    when training goes on.

    Args:
        every: iterations between two rows.
    """

    def __init__(self, every: int = 50):
        if every < 1:
            raise ValueError(f"trainer.log_every={every}: must be 1 or more")
        self.every = every
        self.latest: dict[str, float] = {}
        self.on_pause: list[Callable[[str | None], None]] = []
        self._seconds = 0.0  # before `_since`
        self._since: float | None = None  # None: the clock stands still
        self._row = (0.0, 0.0)  # kimg and seconds at the last row

    @property
    def seconds(self) -> float:
        """Seconds of training so far, those before a resume included."""
        running = 0.0 if self._since is None else time.perf_counter() - self._since
        return self._seconds + running

    def on_train_start(self, trainer: L.Trainer, gan: Game) -> None:
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                if isinstance(logger, RunLogger):
                    logger.begin(Path(trainer.default_root_dir), gan.steps_done)
        self._since = time.perf_counter()
        self._row = gan.kimg_at(gan.steps_done), self._seconds

    def on_train_batch_end(
        self, trainer: L.Trainer, gan: Game, outputs: None, batch: dict[str, Tensor], batch_idx: int
    ) -> None:
        done = gan.steps_done
        if done % self.every:
            return
        means = gan.take_reports()  # waits for the device; every process takes part
        kimg, seconds = gan.kimg_at(done), self.seconds
        self.latest = {**means, "kimg": kimg}
        if trainer.is_global_zero:
            row = self.latest | self._clock(gan, kimg, seconds)
            for logger in trainer.loggers:
                logger.log_metrics(row, step=done)
        self._row = kimg, seconds

    def _clock(self, gan: Game, kimg: float, seconds: float) -> dict[str, float]:
        pace = (seconds - self._row[1]) / max(kimg - self._row[0], 1e-9)
        clock = {
            "time/seconds": seconds,
            "time/seconds_per_kimg": pace,
            "time/images_per_second": 1000 / max(pace, 1e-9),
        }
        if gan.device.type == "cuda":
            clock["time/gpu_memory_gib"] = torch.cuda.max_memory_allocated(gan.device) / 2**30
        return clock

    def on_train_end(self, trainer: L.Trainer, gan: Game) -> None:
        self._seconds, self._since = self.seconds, None

    def state_dict(self) -> dict[str, float]:
        return {"seconds": self.seconds}

    def load_state_dict(self, state: dict[str, float]) -> None:
        self._seconds = state["seconds"]


def find(trainer: L.Trainer) -> Reports | None:
    """The run's `Reports`, if it has one."""
    return next((c for c in trainer.callbacks if isinstance(c, Reports)), None)


@contextmanager
def paused(trainer: L.Trainer, doing: str = "evaluating") -> Iterator[None]:
    """Work in here is not training: the clock of timing.csv stands still."""
    reports = find(trainer)
    if reports is None or reports._since is None:
        yield
        return
    if trainer.strategy.root_device.type == "cuda":
        torch.cuda.synchronize()  # steps still queued on the device are training
    reports._seconds, reports._since = reports.seconds, None
    for tell in reports.on_pause:
        tell(doing)
    yield
    for tell in reports.on_pause:
        tell(None)
    reports._since = time.perf_counter()
