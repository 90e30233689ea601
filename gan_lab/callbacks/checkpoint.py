"""Checkpoints that always load, on time and on a signal."""

import os
import signal
import subprocess
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from gan_lab.callbacks.evaluation import Evaluation
from gan_lab.errors import UserError
from gan_lab.files import atomic_write
from gan_lab.models.base import DivergedError, Game
from gan_lab.runs import read_checkpoint
from gan_lab.strategy import any_process

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
ASK_EVERY = 10  # iterations between two questions to the other processes


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes to a temporary name and renames; reads tensors and plain containers alone."""

    def save_checkpoint(self, checkpoint: dict, path: str, storage_options=None) -> None:
        try:
            atomic_write(Path(path), lambda file: torch.save(checkpoint, file))
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            raise UserError(
                f"{path} could not be written ({error}); is the disk full? The checkpoint before it"
                " is untouched: make room or mend the permissions, then take the run up again with"
                f" run={Path(path).parents[1]}"
            ) from error

    def load_checkpoint(self, path: str, map_location=None, weights_only=None) -> dict:
        return read_checkpoint(path)


class Checkpoint(L.Callback):
    """Writes `last.ckpt` every so often, at the end and on a signal, and `best.ckpt` when it is.

    SIGINT (Ctrl-C), SIGTERM and SIGUSR1 finish the training step, save and stop; a second Ctrl-C
    stops at once. After SIGUSR1 under SLURM the job is put back into the queue.

    Args:
        every_kimg: thousands of real images between two checkpoints.
    """

    def __init__(self, every_kimg: float) -> None:
        self.every_kimg = every_kimg
        self.stopped_by: int | None = None
        self._handlers: dict[int, object] = {}

    def on_save_checkpoint(self, trainer: L.Trainer, gan: Game, checkpoint: dict) -> None:
        config = Path(trainer.default_root_dir) / "config.yaml"
        if config.is_file():
            checkpoint["config"] = config.read_text()

    def on_train_start(self, trainer: L.Trainer, gan: Game) -> None:
        for number in SIGNALS:
            self._handlers[number] = signal.signal(number, self._on_signal)

    def on_train_batch_end(self, trainer: L.Trainer, gan: Game, *_: object) -> None:
        done = gan.steps_done
        before, now = gan.kimg_at(done - 1), gan.kimg_at(done)
        due = now // self.every_kimg > before // self.every_kimg
        last = done == trainer.max_steps
        if trainer.world_size == 1 or done % ASK_EVERY == 0:
            stop = any_process(self.stopped_by is not None, gan.device)
        else:
            stop = False
        best = self._evaluation(trainer) is not None and self._evaluation(trainer).improved
        if not (due or last or stop or best):
            return
        if not gan.all_finite():
            raise DivergedError(
                f"training diverged: a weight stopped being a finite number by {now:.1f} kimg; the"
                f" last checkpoint is from before that, in {self._folder(trainer)}"
            )
        if best:
            trainer.save_checkpoint(self._folder(trainer) / "best.ckpt")
        if due or last or stop:
            trainer.save_checkpoint(self._folder(trainer) / "last.ckpt")
        if stop:
            trainer.should_stop = True

    def teardown(self, trainer: L.Trainer, gan: Game, stage: str) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
        job = os.environ.get("SLURM_JOB_ID")
        if self.stopped_by == signal.SIGUSR1 and job and trainer.is_global_zero:
            subprocess.run(["scontrol", "requeue", job], check=False)

    def _on_signal(self, number: int, frame: object) -> None:
        if self.stopped_by == signal.SIGINT and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.stopped_by = number
        print(
            f"\n{signal.Signals(number).name}: finishing this step and saving"
            + (" (again to stop at once)" if number == signal.SIGINT else ""),
            flush=True,
        )

    @staticmethod
    def _folder(trainer: L.Trainer) -> Path:
        return Path(trainer.default_root_dir) / "checkpoints"

    @staticmethod
    def _evaluation(trainer: L.Trainer) -> Evaluation | None:
        return next((c for c in trainer.callbacks if isinstance(c, Evaluation)), None)
