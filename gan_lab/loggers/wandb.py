"""Weights & Biases: offline unless the user is logged in, never asks, keeps its id over resumes.

Everything happens in a thread of its own, so that neither the start of W&B (seconds) nor a row
(a millisecond) nor a picture (half a second for the first) holds up training.
"""

import logging
import os
import queue
import secrets
import threading
from netrc import NetrcParseError, netrc
from pathlib import Path
from typing import Literal
from urllib.parse import urlparse

from lightning.pytorch.utilities import rank_zero_only
from omegaconf import OmegaConf

from gan_lab.errors import UserError
from gan_lab.loggers.base import RunLogger

FINISH_SECONDS = 120  # to wait at the end for what is still to be sent

log = logging.getLogger(__name__)


class WandB(RunLogger):
    """Logs to W&B over kimg; its files lie in the run's folder under `wandb/`.

    Args:
        project: W&B's project.
        mode: `online`, `offline` or `disabled`; None takes $WANDB_MODE, else `online` where an
            API key is at hand ($WANDB_API_KEY or the netrc file that `wandb login` writes), else
            `offline`. An offline run is sent later by `wandb sync`.
        entity: user or team; None takes the account's default.
        tags: words to find the run by.
    """

    def __init__(
        self,
        *,
        project: str = "gan_lab",
        mode: Literal["online", "offline", "disabled"] | None = None,
        entity: str | None = None,
        tags: list[str] | None = None,
    ) -> None:
        super().__init__()
        if mode not in (None, "online", "offline", "disabled"):
            raise UserError(f"logger.wandb.mode={mode}: use online, offline, disabled or null")
        self.project, self.mode, self.entity, self.tags = project, mode, entity, tags
        self._queue: queue.SimpleQueue[dict[str, float | Path] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def begin(self, folder: Path, iteration: int) -> None:
        mode = self.mode or os.environ.get("WANDB_MODE") or ("online" if logged_in() else "offline")
        if mode != "disabled":
            self._thread = threading.Thread(
                target=self._work, args=(Path(folder).absolute(), mode), name="wandb", daemon=True
            )
            self._thread.start()

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Queue one row; `metrics` holds kimg, the x-axis."""
        if self._thread is not None:
            self._queue.put({**metrics, "iteration": step})

    def log_picture(self, key: str, path: Path, step: int, kimg: float) -> None:
        if self._thread is not None:
            self._queue.put({key: Path(path), "kimg": kimg, "iteration": step})

    def log_film(self, key: str, path: Path, step: int, kimg: float) -> None:
        self.log_picture(key, path, step, kimg)

    def log_sound(self, key: str, path: Path, step: int, kimg: float) -> None:
        self.log_picture(key, path, step, kimg)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Wait until everything is written (and, online, sent)."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(FINISH_SECONDS)
            self._thread = None

    def _work(self, folder: Path, mode: str) -> None:
        """The thread: start W&B, write rows as they come. A failure ends logging, not training."""
        try:
            run, wandb = self._start(folder, mode)
            while (row := self._queue.get()) is not None:
                run.log(
                    {
                        key: as_media(wandb, value) if isinstance(value, Path) else value
                        for key, value in row.items()
                    }
                )
            run.finish()
        except Exception as error:  # whatever W&B raises: its network, its account, its service
            log.warning("W&B stopped logging, training goes on: %s", error)

    def _start(self, folder: Path, mode: str):
        home = folder / "wandb"
        home.mkdir(parents=True, exist_ok=True)
        for name in ("DATA", "CACHE", "ARTIFACT", "CONFIG"):  # else in the user's home folder
            if name != "CONFIG" or mode == "offline":  # online, the user's default team is there
                os.environ.setdefault(f"WANDB_{name}_DIR", str(home / name.lower()))
        import wandb

        config = folder / "config.yaml"
        run = wandb.init(
            project=self.project,
            entity=self.entity,
            tags=self.tags,
            name=folder.name,
            id=run_id(home),
            resume="allow" if mode == "online" else None,
            dir=str(folder),
            mode=mode,
            config=OmegaConf.to_container(OmegaConf.load(config)) if config.exists() else None,
            settings=wandb.Settings(
                silent=True,
                console="off",
                disable_git=True,
                disable_code=True,
                disable_job_creation=True,
                x_disable_stats=True,
                x_disable_meta=True,
                x_disable_machine_info=True,
                x_save_requirements=False,
            ),
        )
        run.define_metric("kimg", hidden=True)
        run.define_metric("*", step_metric="kimg")
        return run, wandb


def as_media(wandb, path: Path):
    """A picture, film or sound of W&B's."""
    if path.suffix == ".gif":
        return wandb.Video(str(path), format="gif")
    if path.suffix == ".wav":
        return wandb.Audio(str(path))
    return wandb.Image(str(path))


def run_id(home: Path) -> str:
    """The run's id, the same whenever it is taken up again."""
    file = home / "id"
    if not file.exists():
        file.write_text(secrets.token_hex(4))
    return file.read_text().strip()


def logged_in() -> bool:
    """Whether an API key is at hand; looks at files alone, not at the network."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    file = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
    try:
        return host in netrc(file).hosts
    except (OSError, NetrcParseError):
        return False
