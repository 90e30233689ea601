"""Pictures in one .npz file, as MedMNIST (Yang et al. 2023) hands its sets round."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from gan_lab.data.base import ArrayReals, DataModule
from gan_lab.data.resize import resized
from gan_lab.data.source import missing
from gan_lab.errors import UserError

BROKEN = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


class NpzPictures(DataModule):
    """Arrays `train_images`, `train_labels`, and the same of `val` and `test` where there are such.

    Args:
        root: the file; images (N, H, W) or (N, H, W, C) of bytes, labels (N,) or (N, 1).
        resolution: height and width; None for that of the file, others are resized (bicubic).
        class_names: K words.
        batch_size, seed, mirror: see `DataModule`.
    """

    def __init__(
        self,
        *,
        root: str | None = None,
        resolution: int | None = None,
        class_names: Sequence[str] | None = None,
        batch_size: int = 64,
        seed: int = 0,
        mirror: bool = False,
    ) -> None:
        if root is None:
            raise UserError("data.root=null: name the .npz file")
        self.root = Path(root).expanduser()
        if not self.root.is_file():
            raise UserError(missing(self.root))
        shapes = self.shapes()
        self.splits = tuple(s for s in ("train", "val", "test") if f"{s}_images" in shapes)
        if "train" not in self.splits:
            raise UserError(
                f"data.root={root}: it holds {', '.join(shapes) or 'nothing'}; wanted are"
                " train_images and train_labels, and the same of val and test"
            )
        _, H, W, *rest = shapes["train_images"]
        size = (H, W) if resolution is None else (resolution, resolution)
        most = max(int(self.array(f"{split}_labels").max()) for split in self.splits)
        super().__init__(
            name=self.root.stem,
            shape=((rest or [1])[0], *size),
            num_classes=most + 1,
            class_names=class_names,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )
        if class_names is not None and len(class_names) != most + 1:
            raise UserError(f"data.class_names: {len(class_names)} words for {most + 1} classes")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Array -> its shape, from the headers alone."""
        try:
            found = {}
            with zipfile.ZipFile(self.root) as archive:
                for name in archive.namelist():
                    with archive.open(name) as file:
                        np.lib.format.read_magic(file)
                        shape, _, kind = np.lib.format.read_array_header_1_0(file)
                    if kind.kind in "ui" and len(shape) in (1, 2, 3, 4):
                        found[name.removesuffix(".npy")] = shape
            return found
        except BROKEN as error:
            raise UserError(f"data.root={self.root}: no readable .npz file ({error})") from error

    def array(self, name: str) -> np.ndarray:
        """One array; nothing but numbers is read."""
        try:
            with np.load(self.root, allow_pickle=False) as arrays:
                return arrays[name]
        except BROKEN as error:
            raise UserError(f"data.root={self.root}: {name} cannot be read ({error})") from error

    def load(self, split: str) -> ArrayReals:
        pixels, labels = self.array(f"{split}_images"), self.array(f"{split}_labels")
        if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or labels.size != len(pixels):
            raise UserError(
                f"data.root={self.root}: {split}_images are {pixels.dtype} of shape"
                f" {pixels.shape}, with {labels.size} labels; wanted are bytes (N, H, W) or"
                " (N, H, W, C) and one label each"
            )
        images = torch.from_numpy(pixels if pixels.ndim == 4 else pixels[..., None])
        images = resized(images.permute(0, 3, 1, 2).contiguous(), self.shape[1:])
        return ArrayReals(images, torch.from_numpy(labels.reshape(-1).astype(np.int64)))
