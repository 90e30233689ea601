"""The Lightning Trainer as gan_lab needs it: our clock, our gradient exchange, our checkpoints."""

import logging
import math
import warnings
from collections.abc import Sequence
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins import MixedPrecision
from lightning.pytorch.plugins.environments import SLURMEnvironment

from gan_lab.callbacks.checkpoint import AtomicCheckpointIO
from gan_lab.errors import UserError
from gan_lab.strategy import FlatDDP


def build_trainer(
    *,
    run_dir: Path,
    batch_size: int,
    callbacks: Sequence[L.Callback],
    loggers: Sequence[Logger],
    kimg: float,
    accelerator: str = "auto",
    devices: int | str = 1,
    num_nodes: int = 1,
    precision: str = "32-true",
    log_every: int = 50,
) -> L.Trainer:
    """A trainer that stops after `kimg` thousand real images.

    Args:
        run_dir: the run's folder.
        batch_size: minibatch of all processes together.
        callbacks: in the order in which they act at the end of a training step.
        loggers: where metrics go.
        kimg: the budget.
        accelerator: `cpu`, `gpu` or `auto`.
        devices: processes on each node.
        num_nodes: machines.
        precision: `32-true`, `bf16-mixed` or `16-mixed`.
        log_every: iterations between two rows of the log.
    """
    quiet()
    plugins: list[object] = [AtomicCheckpointIO()]
    if precision == "16-mixed":  # the players have their own scalers; this one only autocasts
        plugins.append(MixedPrecision(precision, "cuda", torch.amp.GradScaler(enabled=False)))
        precision = None
    if SLURMEnvironment.detect():
        plugins.append(SLURMEnvironment(auto_requeue=False))  # `Checkpoint` does it
    several = num_nodes > 1 or devices not in (1, "1")
    try:
        return L.Trainer(
            accelerator=accelerator,
            devices=devices,
            num_nodes=num_nodes,
            strategy=FlatDDP() if several else "auto",
            precision=precision,
            max_steps=math.ceil(1000 * kimg / batch_size),
            max_epochs=-1,
            callbacks=list(callbacks),
            logger=list(loggers) or False,
            log_every_n_steps=log_every,
            default_root_dir=run_dir,
            plugins=plugins,
            use_distributed_sampler=False,
            limit_val_batches=0,
            num_sanity_val_steps=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (L.fabric.utilities.exceptions.MisconfigurationException, ValueError) as error:
        raise UserError(
            f"trainer.accelerator={accelerator} trainer.devices={devices}: {error}"
        ) from None


def quiet() -> None:
    """Silence what Lightning says about things we decide ourselves."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*module.s. in eval mode at the start of training.*",  # the averaged generator
        ".*is not resumable.*",
        ".*isinstance\\(treespec, LeafSpec\\).*",
    ):
        warnings.filterwarnings("ignore", message=message)
