"""Pictures drawn from a trained run: what `sample.py` does."""

from collections.abc import Callable
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from gan_lab.callbacks.samples import some_rows
from gan_lab.captions import to_texts
from gan_lab.config import validate
from gan_lab.errors import UserError
from gan_lab.filming import foresee
from gan_lab.latent.space import Order
from gan_lab.media.pictures import write_files
from gan_lab.models.base import GAN, Translator
from gan_lab.pictures import grid, rows_of_classes, save, side_by_side, with_title
from gan_lab.runs import Run, load
from gan_lab.training import build_data
from gan_lab.translating import Plain, translate


def draw(config: DictConfig) -> Path:
    """Have the chosen mode draw from a run; the same options write the same bytes.

    Args:
        config: as composed from conf/sample.yaml.

    Returns:
        What was written.
    """
    if config.run is None:
        raise UserError("run=null: name the run's folder, as in run=runs/2026-01-31/digits-dcgan-1")
    if config.checkpoint not in ("best", "last"):
        raise UserError(f"checkpoint={config.checkpoint}: choose best or last")
    if config.num < 1:
        raise UserError(f"num={config.num}: draw at least 1")
    validate(config)
    mode = instantiate(config.mode, _convert_="all")
    run = Run(config.run, trust=config.trust)
    gan = load(run.checkpoint(config.checkpoint), trust=config.trust)
    gan.to("cuda" if torch.cuda.is_available() else "cpu")
    order = Order(
        run=run.path,
        num=config.num,
        seed=config.seed,
        label=config.label,
        caption=None if config.caption is None else str(config.caption),
        where=asked_of(config.where),
        truncation=config.truncation,
        raw=config.raw,
        output=None if config.output is None else Path(config.output),
        input=None if config.input is None else Path(config.input).expanduser(),
        side=config.side,
    )
    if order.side is not None and order.input is None:
        raise UserError(f"side={order.side}: it is the size of a picture that input= names")
    if not isinstance(gan, GAN):
        return answered(gan, run, mode, order)
    if order.input is not None:
        raise UserError(f"input={order.input}: {type(gan).__name__} draws from noise; leave it out")
    if isinstance(mode, Plain):
        raise UserError(f"run={run.path}: {type(gan).__name__} draws from noise; leave mode= out")
    if order.where is not None and not hasattr(gan, "asked"):
        name = type(gan).__name__
        raise UserError(f"where={config.where}: {name} is asked for no words; leave it out")
    # Refuses a class that is not there, and a caption that is too long.
    gan.condition(order.num, order.seed, label=order.label, caption=order.caption)
    return mode(gan, order)


def answered(gan: Translator, run: Run, mode: Callable, order: Order) -> Path:
    """Outputs for `order.input`, or side by side for rows of the run's data that were kept out."""
    if not isinstance(mode, Samples | Plain):
        raise UserError(f"run={run.path}: it answers pictures and has no latents; leave mode= out")
    if isinstance(mode, Plain) and order.input is None:
        raise UserError("input=null: this mode asks for one picture or a folder of them, input=...")
    unused = {name: getattr(order, name) for name in ("label", "truncation", "caption", "where")}
    for name, value in unused.items():
        if value not in (None, 1.0):
            raise UserError(f"{name}={value}: {type(gan).__name__} takes none; leave it out")
    if len(gan.shape) == 4:
        if order.side is not None:
            raise UserError(f"side={order.side}: films have the size of training; leave it out")
        return foresee(gan, run.config, order)
    if order.input is not None:
        return translate(gan, mode if isinstance(mode, Plain) else Plain(), order)
    data = build_data(run.config)
    path = order.path(f"answers-{order.num}", ".png")
    save(side_by_side(gan.show(some_rows(data, order.num))), path)
    return path


def asked_of(where: DictConfig | str | None) -> dict[str, str | None] | None:
    """Column -> word of `where={column: word}`; a word that looks like a number is still a word."""
    if where is None:
        return None
    if not isinstance(where, DictConfig):
        raise UserError(f"where={where}: name a column and a word of it, where='{{column: word}}'")
    return {str(name): None if word is None else str(word) for name, word in where.items()}


class Samples:
    """One file of samples, a class in each row of a conditional model, or a folder of files."""

    def __call__(self, gan: GAN, order: Order) -> Path:
        name = "" if order.label is None else f"-label{order.label}"
        name += "" if order.caption is None else "-" + file_name(order.caption)
        for column, word in (order.where or {}).items():
            name += "-" + file_name(f"{column} {word}")
        path = order.path(f"seed{order.seed}-{order.num}{name}", *gan.medium.suffixes)
        if hasattr(gan, "captions"):
            return draw_captions(gan, order, path)
        num, label, columns = order.num, order.label, max(1, round(order.num**0.5))
        if gan.conditional and label is None and path.suffix and not gan.medium.crowd:
            label, columns = rows_of_classes(num, gan.num_classes)
            num = len(label)
        options = {"seed": order.seed, "truncation": order.truncation, "raw": order.raw}
        if order.where is not None:
            options["where"] = order.where
        samples = gan.sample(num, label=label, **options).cpu()
        gan.medium.write(samples, path, columns)
        return path


def draw_captions(gan: GAN, order: Order, path: Path) -> Path:
    """A .png of samples with what they were asked to show, or a folder of single files."""
    caption = gan.captions(order.num, order.seed, order.caption)
    options = {"seed": order.seed, "truncation": order.truncation, "raw": order.raw}
    samples = gan.sample(order.num, caption=caption, **options).cpu()
    if path.suffix == "":
        write_files(samples, path)
    elif order.caption is None:
        save(side_by_side({"sample": samples}, to_texts(caption)), path)
    else:
        columns = max(1, round(order.num**0.5))
        save(with_title(grid(samples, columns), order.caption), path)
    return path


def file_name(caption: str) -> str:
    """A caption as a part of a file's name."""
    words = "".join(c if c.isalnum() else " " for c in caption.lower()).split()
    return "-".join(words)[:60]
