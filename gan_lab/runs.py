"""A run's folder: its resolved config, its checkpoints, and what can be rebuilt from them."""

import json
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from gan_lab.errors import UserError
from gan_lab.files import atomic_write
from gan_lab.models.base import Game

# What a run's config may name. A config can call what it names, so one from a stranger must not
# reach beyond the laboratory and the layers and optimizers of torch.
TRUSTED = ("gan_lab.", "torch.nn.", "torch.optim.")


class Run:
    """An existing run's folder.

    Args:
        path: the folder, with `config.yaml` inside.
        trust: take a config that names code outside of gan_lab and torch.

    Raises:
        UserError: there is no run, or its config names foreign code.
    """

    def __init__(self, path: str | Path, *, trust: bool = False) -> None:
        self.path = Path(path)
        config = self.path / "config.yaml"
        if not config.is_file():
            near = sorted(p.parent for p in Path("runs").glob("**/config.yaml"))[-3:]
            hint = f"; runs here: {', '.join(map(str, near))}" if near else ""
            raise UserError(f"run={path}: no run here (config.yaml is missing){hint}")
        self.config: DictConfig = OmegaConf.load(config)
        if not trust:
            refuse_foreign_code(self.config, config)

    def checkpoint(self, which: str = "best") -> Path:
        """The file of the `best` or `last` checkpoint; the last where no best was chosen yet."""
        folder = self.path / "checkpoints"
        for name in dict.fromkeys((which, "last")):
            if (folder / f"{name}.ckpt").is_file():
                return folder / f"{name}.ckpt"
        raise UserError(f"run={self.path}: no checkpoint in {folder} yet; let it train further")

    @property
    def finished(self) -> bool:
        """Whether its budget was used up."""
        return (self.path / "summary.json").is_file()

    def summary(self) -> dict[str, float]:
        """What a finished run left: best metric and budget."""
        return json.loads((self.path / "summary.json").read_text())


def load(path: str | Path, *, trust: bool = False) -> Game:
    """The GAN of a checkpoint file or a run's folder, on the CPU in eval mode.

    Args:
        path: `.../checkpoints/best.ckpt`, or the run's folder (its best checkpoint).
        trust: take a config that names code outside of gan_lab and torch.
    """
    path = Path(path)
    file = Run(path, trust=trust).checkpoint() if path.is_dir() else path
    checkpoint = read_checkpoint(file)
    try:
        config = OmegaConf.create(checkpoint["config"])
        state = checkpoint["state_dict"]
    except (KeyError, TypeError) as error:
        raise UserError(f"{file}: not a gan_lab checkpoint ({error} is missing)") from None
    if not trust:
        refuse_foreign_code(config, file)
    gan: Game = instantiate(config.model, _convert_="all")
    try:
        gan.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(f"{file}: its weights do not fit its config: {error}") from None
    gan.on_load_checkpoint(checkpoint)
    return gan.eval().requires_grad_(False)


def read_checkpoint(file: str | Path) -> dict:
    """Read a checkpoint's plain data; nothing in it is executed.

    Raises:
        UserError: missing, cut short, or holding more than tensors and plain containers.
    """
    file = Path(file)
    if not file.is_file():
        raise UserError(f"{file}: no such checkpoint")
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Weights only load failed" in str(error) and zipfile.is_zipfile(file):
            raise UserError(
                f"{file}: refused, since it holds more than tensors and plain containers and"
                " reading it could run foreign code"
            ) from None
        raise UserError(f"{file}: not a checkpoint, or cut short") from None
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(
            f"{file}: cut short or damaged ({reason}); take another checkpoint of the run"
        ) from None


def refuse_foreign_code(config: DictConfig, source: Path) -> None:
    """Refuse a config whose `_target_` nodes reach beyond `TRUSTED`."""
    for target in targets(OmegaConf.to_container(config)):
        if not str(target).startswith(TRUSTED):
            raise UserError(
                f"{source}: refused, since it would call {target}; if you wrote it yourself, use"
                " gan_lab.load(path, trust=True) or trust=true"
            )


def targets(node: object) -> Iterator[object]:
    """Every `_target_` in nested dicts and lists."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield node["_target_"]
        for child in node.values():
            yield from targets(child)
    elif isinstance(node, list):
        for child in node:
            yield from targets(child)


def keep_lines(file: Path, iteration: int) -> None:
    """Drop the lines of a csv or jsonl file that were written after `iteration`.

    A csv line begins with its iteration, a jsonl line holds it under "iteration"; a csv header
    stays. A line that a kill cut short is dropped, too.
    """
    if not file.is_file():
        return
    is_json = file.suffix == ".jsonl"
    kept = []
    for number, line in enumerate(file.read_text().splitlines(keepends=True)):
        if number == 0 and not is_json:
            kept.append(line)
            continue
        try:
            at = json.loads(line)["iteration"] if is_json else int(line.split(",", 1)[0])
        except (ValueError, KeyError):
            continue
        if at <= iteration and line.endswith("\n"):
            kept.append(line)
    atomic_write(file, lambda path: path.write_text("".join(kept)))
