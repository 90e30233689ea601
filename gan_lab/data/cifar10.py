"""CIFAR-10 (Krizhevsky 2009): 60,000 colour pictures of 32x32 in ten classes."""

import numpy as np
import torch

from gan_lab.data.base import ArrayReals, DataModule, data_folder
from gan_lab.data.download import download
from gan_lab.data.resize import resized

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer",
    "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


class CIFAR10(DataModule):
    """The original pictures, read by torchvision after it has checked their checksums.

    Args:
        root: folder of the files or for the download; null for the cache (see `data_folder`).
        resolution: height and width; 32 is native, others are resized (bicubic).
        labelled: whether batches carry the class.
        batch_size, seed, mirror, train_share: see `DataModule`.
    """

    splits = ("train", "test")

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
            name="cifar10",
            shape=(3, resolution, resolution),
            num_classes=10 if labelled else None,
            class_names=CLASSES if labelled else None,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
            train_share=train_share,
        )
        self.root = data_folder(root)

    def load(self, split: str) -> ArrayReals:
        from torchvision import datasets

        train = split == "train"
        try:
            files = datasets.CIFAR10(str(self.root), train=train, download=False)
        except (RuntimeError, OSError):  # not there, or not whole
            files = download(
                "cifar10",
                self.root,
                lambda root: datasets.CIFAR10(root, train=train, download=True),
                f"cifar-10-python.tar.gz (unpacked: cifar-10-batches-py/) into {self.root}",
            )
        images = torch.from_numpy(np.ascontiguousarray(files.data.transpose(0, 3, 1, 2)))
        images = resized(images, self.shape[1:])  # (N, 3, H, W)
        if self.num_classes is None:
            return ArrayReals(images)
        return ArrayReals(images, torch.tensor(files.targets))
