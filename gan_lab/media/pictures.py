"""Pictures (C, H, W) in [-1, 1], and films of them."""

from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from gan_lab.errors import UserError
from gan_lab.media.base import Medium
from gan_lab.pictures import grid, save, to_rgb


@dataclass(frozen=True)
class Pictures(Medium):
    """A grid, or one PNG each."""

    suffixes = (".png", "")

    def stored(self, samples: Tensor) -> Tensor:
        """uint8, as a PNG file would hold it."""
        if not samples.is_floating_point():
            return samples
        return samples.clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)

    def sheet(self, samples: Tensor, columns: int, reals: Tensor | None = None) -> Image.Image:
        return grid(samples, columns)

    def write(self, samples: Tensor, path: Path, columns: int) -> None:
        if path.suffix == ".png":
            save(grid(samples, columns), path)
        else:
            write_files(samples, path)


def new_folder(path: Path) -> Path:
    """A folder for single files: there must be nothing in it."""
    if path.is_dir() and any(path.iterdir()):
        raise UserError(f"output={path} is not empty; choose a new folder")
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_files(samples: Tensor, folder: Path) -> None:
    """One PNG per sample, 000000.png and so on, from (N, C, H, W) in [-1, 1]."""
    new_folder(folder)
    channels = samples.shape[1]
    if channels == 4:
        pixels = samples.add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).numpy()
    else:
        pixels = to_rgb(samples)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / f"{number:06d}.png")
