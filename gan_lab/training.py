"""From a composed config to a trained run: what `train.py` does."""

import dataclasses
import json
import os
import time
from datetime import date
from pathlib import Path

import lightning as L
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict

from gan_lab.callbacks.checkpoint import Checkpoint
from gan_lab.callbacks.evaluation import Evaluation
from gan_lab.config import build, locate, refuse_impossible, validate
from gan_lab.data.base import DataModule
from gan_lab.errors import UserError
from gan_lab.files import atomic_write
from gan_lab.media import Medium
from gan_lab.models.base import Game
from gan_lab.runs import Run
from gan_lab.trainer import build_trainer

# Options of the trainer group that callbacks read by interpolation, or that are read here.
ELSEWHERE = ("evaluate_every_kimg", "sample_every_kimg", "checkpoint_every_kimg", "compile")
RUN_DIR = "GAN_LAB_RUN_DIR"  # tells the processes that Lightning starts which folder was chosen


def train(config: DictConfig, overrides: list[str]) -> float | None:
    """Train a new run, or take one up again.

    Args:
        config: as composed by Hydra.
        overrides: the command line's; `run=` allows no others than `trainer.*` and `trust`.

    Returns:
        The best value of the run's first metric; None if nothing was evaluated.
    """
    if config.run is not None:
        run_dir, config = taken_up(config, overrides)
        data = build_data(config)
    else:
        data = build_data(config)
        config = resolved(config)
        run_dir = chosen_folder(config)
    if (run_dir / "summary.json").is_file():
        print(f"{run_dir} is finished; train it further with run={run_dir} trainer.kimg=...")
        return Run(run_dir, trust=True).summary()["best"]
    gan = build_model(config)
    callbacks = list(instantiate(config.callbacks, _convert_="all").values())
    loggers = list((instantiate(config.logger, _convert_="all") or {}).values())
    trainer = build_trainer(
        run_dir=run_dir,
        batch_size=data.batch_size,
        callbacks=callbacks,
        loggers=loggers,
        **{k: v for k, v in config.trainer.items() if k not in ELSEWHERE},
    )
    if config.trainer.compile:
        compile_players(gan)
    save_config(config, run_dir)
    last = run_dir / "checkpoints" / "last.ckpt"
    try:
        trainer.fit(gan, data, ckpt_path=last if last.is_file() else None, weights_only=True)
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    return concluded(trainer, callbacks, run_dir)


def build_data(config: DictConfig) -> DataModule:
    """The data module of a config; facts of the data are written into the config.

    `data.shape`, `data.num_classes` and so on are what the model's yaml sizes its networks by.
    """
    facts = getattr(locate(config.data._target_), "facts", ())
    with open_dict(config):
        for fact in facts:
            config.data.pop(fact, None)
    validate(config)
    data: DataModule = build(config, "data")
    with open_dict(config):
        for fact in facts:
            config.data[fact] = as_yaml(getattr(data, fact))
    refuse_impossible(config, data)
    return data


def as_yaml(fact: object) -> object:
    """A fact of the data as a config holds it; a medium by its class and fields."""
    if isinstance(fact, Medium):
        target = f"{type(fact).__module__}.{type(fact).__qualname__}"
        return {"_target_": target, **dataclasses.asdict(fact)}
    return list(fact) if isinstance(fact, tuple) else fact


def build_model(config: DictConfig) -> Game:
    """The GAN of a config, its first weights a function of the seed."""
    L.seed_everything(config.seed, verbose=False)
    return build(config, "model")


def resolved(config: DictConfig) -> DictConfig:
    """The config with its interpolations replaced, and without what only finds the run."""
    plain = OmegaConf.to_container(config, resolve=True)
    del plain["run"], plain["trust"]
    return OmegaConf.create(plain)


def compile_players(gan: Game) -> None:
    """Compile the players that no penalty differentiates twice, which torch.compile refuses."""
    for player in gan.optimizer_factories:
        if player not in gan.twice_differentiated:
            getattr(gan, player).compile()


def chosen_folder(config: DictConfig) -> Path:
    """The new run's folder: `run_dir`, or the next free `runs/<date>/<data>-<model>-<n>`.

    All processes of a run must agree on it: those that Lightning starts inherit it, those of
    torchrun ask its store, and those of a SLURM job share the job's number, by which a requeued
    job finds its run again.
    """
    if config.run_dir is not None:
        return checked_folder(Path(config.run_dir), config)
    if RUN_DIR in os.environ:
        return Path(os.environ[RUN_DIR])
    name = f"{config.data_name}-{config.model_name}"
    if "SLURM_JOB_ID" in os.environ:
        return checked_folder(Path("runs") / f"slurm-{os.environ['SLURM_JOB_ID']}-{name}", config)
    if "TORCHELASTIC_RUN_ID" in os.environ:
        store = torch.distributed.TCPStore(
            os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False
        )
        if os.environ["RANK"] == "0":
            store.set(RUN_DIR, str(new_folder(name)))
        return Path(store.get(RUN_DIR).decode())
    folder = new_folder(name)
    os.environ[RUN_DIR] = str(folder)
    return folder


def new_folder(name: str) -> Path:
    """Make the next free folder; no two runs can get the same."""
    day = Path("runs") / date.today().isoformat()
    number = 1
    while True:
        try:
            (day / f"{name}-{number}").mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise UserError(f"{day} cannot be written ({error}); choose another run_dir=") from None
        else:
            return day / f"{name}-{number}"


def checked_folder(folder: Path, config: DictConfig) -> Path:
    """A folder that is new, empty, or of this very config, whose run is then taken up again."""
    if not is_first_process():
        return folder
    if not (folder / "config.yaml").is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise UserError(f"run_dir={folder} holds other files; choose an empty or new folder")
        return folder
    old, new = flat(Run(folder, trust=True).config), flat(config)
    changed = [
        key
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) and key != "run_dir"
    ]
    begun = any((folder / name).exists() for name in ("metrics.csv", "samples", "checkpoints"))
    if changed and begun:
        lines = "".join(f"\n  {k}: {old.get(k)} there, {new.get(k)} here" for k in changed[:8])
        raise UserError(
            f"run_dir={folder} holds a run of another config; choose another folder, or take that"
            f" run up again with run={folder}. Different:{lines}"
        )
    return folder


def taken_up(config: DictConfig, overrides: list[str]) -> tuple[Path, DictConfig]:
    """The folder and the own config of the run to go on with."""
    run = Run(config.run, trust=config.trust)
    changes = [o for o in overrides if not o.startswith(("run=", "trust="))]
    for change in changes:
        if not change.startswith("trainer."):
            raise UserError(
                f"{change}: run={config.run} goes on with its own config, of which only trainer.*"
                " can change; leave it out, or start a new run"
            )
    resumed = OmegaConf.merge(run.config, OmegaConf.from_dotlist(changes))
    if changes and run.finished and resumed.trainer.kimg > run.config.trainer.kimg:
        (run.path / "summary.json").unlink()
    return run.path, resumed


def is_first_process() -> bool:
    """Whether this is the only process, or the first of those that a launcher started."""
    ranks = (os.environ.get(name) for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"))
    return all(rank in (None, "0") for rank in ranks)


def save_config(config: DictConfig, run_dir: Path) -> None:
    """Keep the resolved config in the run's folder (the first process does)."""
    if not is_first_process():
        return
    text = OmegaConf.to_yaml(config)
    try:
        atomic_write(run_dir / "config.yaml", lambda file: file.write_text(text))
    except OSError as error:
        raise UserError(f"{run_dir} cannot be written ({error}); choose another run_dir=") from None


def concluded(trainer: L.Trainer, callbacks: list[L.Callback], run_dir: Path) -> float | None:
    """Note that the budget is used up, and say how it went."""
    evaluation = next((c for c in callbacks if isinstance(c, Evaluation)), None)
    best = evaluation.best_value if evaluation else None
    if trainer.is_global_zero and trainer.global_step >= trainer.max_steps:
        summary = {"best": best, "iterations": trainer.global_step, "finished": time.time()}
        atomic_write(run_dir / "summary.json", lambda file: file.write_text(json.dumps(summary)))
    stop = next((c.stopped_by for c in callbacks if isinstance(c, Checkpoint)), None)
    if stop is not None and trainer.is_global_zero:
        print(f"stopped and saved; go on with: python train.py run={run_dir}")
    return best


def flat(config: DictConfig) -> dict[str, object]:
    """Dotted key -> resolved value."""
    leaves: dict[str, object] = {}

    def walk(node: object, path: str) -> None:
        if isinstance(node, dict):
            for key, child in node.items():
                walk(child, f"{path}.{key}" if path else str(key))
        else:
            leaves[path] = node

    walk(OmegaConf.to_container(config), "")
    return leaves
