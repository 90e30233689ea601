"""Handwritten digits that come with scikit-learn: 1,797 grey pictures of 8x8, no download."""

import importlib.util
from pathlib import Path

import numpy as np
import torch

from gan_lab.data.base import ArrayReals, DataModule
from gan_lab.data.resize import resized


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels (1797, 8, 8) in 0..16 and labels (1797,).

    The table is read from scikit-learn's folder: importing `sklearn.datasets` takes seconds,
    a good part of the time to the first training step.
    """
    spec = importlib.util.find_spec("sklearn")
    folders = spec.submodule_search_locations if spec else None
    table = Path(folders[0], "datasets", "data", "digits.csv.gz") if folders else None
    if table is not None and table.is_file():
        rows = np.loadtxt(table, delimiter=",", dtype=np.int64)  # (1797, 65)
        return rows[:, :-1].reshape(-1, 8, 8), rows[:, -1]
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images.astype(np.int64), digits.target.astype(np.int64)


class Digits(DataModule):
    """The default set: small enough that a laptop's CPU trains a GAN within minutes.

    Args:
        resolution: height and width; 8 is native, others are resized (bicubic).
        labelled: whether batches carry the digit.
        batch_size, seed, mirror: see `DataModule`.
    """

    def __init__(
        self,
        *,
        resolution: int = 8,
        labelled: bool = True,
        batch_size: int = 64,
        seed: int = 0,
        mirror: bool = False,
    ) -> None:
        super().__init__(
            name="digits",
            shape=(1, resolution, resolution),
            num_classes=10 if labelled else None,
            class_names=[str(digit) for digit in range(10)] if labelled else None,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )

    def load(self, split: str) -> ArrayReals:
        pixels, labels = read_digits()
        images = torch.from_numpy(np.rint(pixels * (255 / 16)).astype(np.uint8))[:, None]
        if self.num_classes is None:
            return ArrayReals(resized(images, self.shape[1:]))
        return ArrayReals(resized(images, self.shape[1:]), torch.from_numpy(labels).clone())
