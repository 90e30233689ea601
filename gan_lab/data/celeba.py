"""CelebA (Liu et al. 2015): 202,599 aligned faces, 178x218, with 40 attributes."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from gan_lab.data.base import data_folder
from gan_lab.data.download import download
from gan_lab.data.folder import FileSet, size_of
from gan_lab.data.layout import Arrangement, Item, is_picture
from gan_lab.data.source import Source, open_source
from gan_lab.errors import UserError

FIRST_VAL, FIRST_TEST = 162_771, 182_638  # the official partition goes by picture number
PLACES = (
    "celeba/img_align_celeba", "celeba/img_align_celeba.zip",
    "img_align_celeba", "img_align_celeba.zip",
)  # fmt: skip


class CelebA(FileSet):
    """Faces, cut to the centre and resized with antialiasing.

    Args:
        root: folder of the files or for the download; null for the cache (see `data_folder`).
        resolution: height and width, or [height, width].
        attribute: makes labels 0 and 1 of one of the 40 attributes, such as Smiling.
        crop: size of the centre square that is kept; 178 is the full width.
        memory_gb, workers: see `FileSet`.
        batch_size, seed, mirror: see `DataModule`.
    """

    def __init__(
        self,
        *,
        root: str | None = None,
        resolution: int | Sequence[int] = 64,
        attribute: str | None = None,
        crop: int = 178,
        memory_gb: float = 4.0,
        workers: int | None = None,
        batch_size: int = 64,
        seed: int = 0,
        mirror: bool = False,
    ) -> None:
        super().__init__(
            name="celeba",
            shape=(3, *size_of(resolution)),
            num_classes=None if attribute is None else 2,
            class_names=None if attribute is None else [f"not {attribute}", attribute],
            splits=("train", "val", "test"),
            crop=crop,
            memory_gb=memory_gb,
            workers=workers,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )
        self.root = data_folder(root)
        self.attribute = attribute

    def find_pictures(self) -> Path | None:
        """The folder or archive of pictures, in the places where it is usually put."""
        return next((self.root / place for place in PLACES if (self.root / place).exists()), None)

    @cached_property
    def source(self) -> Source:
        path = self.find_pictures()
        if path is None:
            from torchvision import datasets

            download(
                "celeba",
                self.root,
                lambda root: datasets.CelebA(root, download=True),
                f"img_align_celeba.zip and list_attr_celeba.txt into {self.root / 'celeba'}",
            )
            path = self.find_pictures()
        if path is None:
            raise UserError(f"data=celeba: the download left no pictures in {self.root}")
        return open_source(path)

    @cached_property
    def arrangement(self) -> Arrangement:
        values = None if self.attribute is None else self.attribute_values(self.attribute)
        items = []
        for position, name in enumerate(self.source.names):
            file = name.split("/")[-1]
            stem = file.split(".")[0]
            if is_picture(name) and stem.isdigit():
                number = int(stem)
                split = (
                    "test" if number >= FIRST_TEST else "val" if number >= FIRST_VAL else "train"
                )
                if values is not None and file not in values:
                    raise UserError(f"data.attribute={self.attribute}: no value for {file}")
                items.append(Item(position, name, split, None if values is None else values[file]))
        if not any(item.split == "train" for item in items):
            raise UserError(f"data.root={self.root}: no pictures 000001.jpg ... in it")
        items.sort(key=lambda item: (self.splits.index(item.split), item.name))
        return Arrangement(items, self.num_classes, self.class_names)

    def attribute_values(self, attribute: str) -> dict[str, int]:
        """File name -> 0 or 1, from list_attr_celeba.txt."""
        folder = self.source.path.parent
        table = folder / "list_attr_celeba.txt"
        if not table.is_file():
            raise UserError(f"data.attribute={attribute} needs {table}; put it there by hand")
        lines = table.read_text().splitlines()
        names = lines[1].split() if len(lines) > 1 else []
        if attribute not in names:
            raise UserError(f"data.attribute={attribute}: choose one of {', '.join(names)}")
        column = 1 + names.index(attribute)
        rows = (line.split() for line in lines[2:])
        return {row[0]: int(row[column] == "1") for row in rows if len(row) > column}

    def identity(self) -> list[object]:
        return [self.source.identity(), self.shape, self.crop, self.attribute]
