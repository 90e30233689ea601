"""Samples of a trained run as pictures: what `sample.py` does."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_lab.callbacks.samples import grid, rows_of_classes, save, scatter, to_rgb
from gan_lab.errors import UserError
from gan_lab.runs import Run, atomic_write, load


def write_samples(
    run: str | None,
    num: int,
    seed: int,
    label: int | None,
    truncation: float,
    checkpoint: str,
    raw: bool,
    output: str | None,
    trust: bool,
) -> Path:
    """Draw `num` samples and write them; the same arguments write the same bytes.

    Args:
        run: the run's folder.
        num: how many.
        seed: of latents and drawn labels.
        label: class id, or None; a conditional model then fills one row per class.
        truncation: psi.
        checkpoint: `best` or `last`.
        raw: whether to ask the raw generator instead of the averaged one.
        output: a .png for one grid, else a folder for single files (points: one .csv).
        trust: take a config that names foreign code.

    Returns:
        What was written.
    """
    if run is None:
        raise UserError("run=null: name the run's folder, as in run=runs/2026-01-31/digits-r3gan-1")
    if checkpoint not in ("best", "last"):
        raise UserError(f"checkpoint={checkpoint}: choose best or last")
    if num < 1:
        raise UserError(f"num={num}: draw at least 1")
    gan = load(Run(run, trust=trust).checkpoint(checkpoint), trust=trust)
    gan.to("cuda" if torch.cuda.is_available() else "cpu")
    path = Path(output) if output else Path(run) / "generated" / f"{named(seed, label, num)}.png"
    labels, columns = label, max(1, round(num**0.5))
    if gan.conditional and label is None and path.suffix == ".png":
        labels, columns = rows_of_classes(num, gan.num_classes)
        num = len(labels)
    samples = gan.sample(num, seed=seed, label=labels, truncation=truncation, raw=raw).cpu()
    if path.suffix == ".png":
        save(grid(samples, columns) if samples.ndim == 4 else scatter(samples, None), path)
    elif path.suffix == ".csv" and samples.ndim == 2:
        atomic_write(path, lambda file: np.savetxt(file, samples.numpy(), delimiter=","))
    elif path.suffix or samples.ndim == 2:
        kinds = "a .png or a folder" if samples.ndim == 4 else "a .png or a .csv"
        raise UserError(f"output={output}: give {kinds}")
    else:
        write_files(samples, path)
    return path


def write_files(samples: Tensor, folder: Path) -> None:
    """One PNG per sample, 000000.png and so on, from (N, C, H, W) in [-1, 1]."""
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"output={folder} is not empty; choose a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    channels = samples.shape[1]
    if channels == 4:
        pixels = samples.add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).numpy()
    else:
        pixels = to_rgb(samples)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / f"{number:06d}.png")


def named(seed: int, label: int | None, num: int) -> str:
    return f"seed{seed}-{num}" if label is None else f"seed{seed}-{num}-label{label}"
