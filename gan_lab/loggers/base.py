"""What every logger of a run answers, besides Lightning's `log_metrics`."""

from argparse import Namespace
from pathlib import Path

from lightning.pytorch.loggers import Logger


class RunLogger(Logger):
    """A logger that learns its run when training starts, and takes it up again after a kill.

    Loggers are made before the run's folder is known to them; `callbacks.Reports` calls `begin`
    on the first process before anything is logged.
    """

    def begin(self, folder: Path, iteration: int) -> None:
        """Log into `folder`; forget what an earlier process logged after `iteration`."""

    def log_picture(self, key: str, path: Path, step: int, kimg: float) -> None:
        """Log the picture file at `path` under `key`, seen after `step` iterations."""

    def log_film(self, key: str, path: Path, step: int, kimg: float) -> None:
        """Log the film at `path`, a .gif, likewise; passed over by loggers that show none."""

    def log_sound(self, key: str, path: Path, step: int, kimg: float) -> None:
        """Log the sounds at `path`, a .wav, likewise; passed over by loggers that play none."""

    def log_hyperparams(self, params: dict | Namespace) -> None:
        """Nothing: the run's folder holds the resolved config."""

    @property
    def name(self) -> str:
        return "gan_lab"

    @property
    def version(self) -> str:
        return ""
