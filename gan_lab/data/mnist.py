"""MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017): 70,000 grey pictures, 28x28."""

import gzip
import zlib
from pathlib import Path

import numpy as np
import torch

from gan_lab.data.base import ArrayReals, DataModule, data_folder
from gan_lab.data.download import download
from gan_lab.data.resize import padded, resized
from gan_lab.errors import UserError

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def find_idx(root: Path, set_folder: str, file: str) -> Path | None:
    """An idx file, packed or not, in the places where torchvision or a user puts it."""
    for folder in (root / set_folder / "raw", root / set_folder, root / "raw", root):
        for name in (file, file + ".gz"):
            if (folder / name).is_file():
                return folder / name
    return None


def read_idx(path: Path) -> np.ndarray:
    """Read an idx file of bytes: 0, 0, 8, number of dimensions, big-endian sizes, content."""
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read ({error}); fetch it again") from error
    dimensions = content[3] if len(content) > 3 and content[:3] == b"\0\0\x08" else 0
    sizes = np.frombuffer(content[4 : 4 + 4 * dimensions], ">u4").astype(int).tolist()
    start = 4 + 4 * dimensions
    if dimensions == 0 or len(sizes) < dimensions or len(content) - start != np.prod(sizes):
        raise UserError(f"{path} is damaged or no idx file; fetch it again")
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes)


class MNIST(DataModule):
    """Handwritten digits.

    Args:
        root: folder of the files or for the download; null for the cache (see `data_folder`).
        resolution: 32 pads the native 28 with background, other sizes resize (bicubic).
        labelled: whether batches carry the class.
        batch_size, seed, mirror, train_share: see `DataModule`.
    """

    splits = ("train", "test")
    set_name = "mnist"
    set_folder = "MNIST"
    classes = tuple(str(digit) for digit in range(10))

    def __init__(
        self,
        *,
        root: str | None = None,
        resolution: int = 32,
        labelled: bool = True,
        batch_size: int = 64,
        seed: int = 0,
        mirror: bool = False,
        train_share: float = 1.0,
    ) -> None:
        super().__init__(
            name=self.set_name,
            shape=(1, resolution, resolution),
            num_classes=10 if labelled else None,
            class_names=self.classes if labelled else None,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
            train_share=train_share,
        )
        self.root = data_folder(root)

    def fetch(self, root: str) -> None:
        """torchvision's download."""
        from torchvision import datasets

        datasets.MNIST(root, download=True)

    def idx(self, file: str) -> np.ndarray:
        """One of the four files, downloaded if it is nowhere."""
        path = find_idx(self.root, self.set_folder, file)
        if path is None:
            raw = self.root / self.set_folder / "raw"
            download(
                self.set_name, self.root, self.fetch, f"the four idx files (or .gz) into {raw}"
            )
            path = find_idx(self.root, self.set_folder, file)
            if path is None:
                raise UserError(f"data={self.set_name}: the download left no {file} in {raw}")
        return read_idx(path)

    def load(self, split: str) -> ArrayReals:
        image_file, label_file = FILES[split]
        pixels, labels = self.idx(image_file), self.idx(label_file)
        if pixels.ndim != 3 or labels.shape != pixels.shape[:1] or labels.max(initial=0) > 9:
            raise UserError(f"data={self.set_name}: {image_file} and {label_file} do not match")
        images = torch.from_numpy(pixels.copy())[:, None]  # (N, 1, 28, 28)
        if self.shape[1] == 32 and images.shape[-1] == 28:
            images = padded(images, 32)
        images = resized(images, self.shape[1:])
        if self.num_classes is None:
            return ArrayReals(images)
        return ArrayReals(images, torch.from_numpy(labels.astype(np.int64)))


class FashionMNIST(MNIST):
    """Pictures of clothing, in the same files as MNIST."""

    set_name = "fashion_mnist"
    set_folder = "FashionMNIST"
    classes = (
        "t-shirt", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )  # fmt: skip

    def fetch(self, root: str) -> None:
        from torchvision import datasets

        datasets.FashionMNIST(root, download=True)
