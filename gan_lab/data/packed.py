"""A pack, as it is: the data set that `python -m gan_lab.apps.pack` makes."""

from pathlib import Path

from gan_lab.data.base import ArrayReals, DataModule
from gan_lab.data.pack import open_pack
from gan_lab.data.source import missing
from gan_lab.errors import UserError


class Packed(DataModule):
    """Pictures mapped from one file that many processes share.

    Args:
        root: the .pack file; its size and channels are the set's.
        labelled: whether the pack's labels, if any, are used.
        batch_size, seed, mirror: see `DataModule`.
    """

    def __init__(
        self,
        *,
        root: str | None,
        labelled: bool = True,
        batch_size: int = 64,
        seed: int = 0,
        mirror: bool = False,
    ) -> None:
        if root is None:
            raise UserError("data.root is missing: name a .pack file (python -m gan_lab.apps.pack)")
        path = Path(root).expanduser()
        if not path.exists():
            raise UserError(missing(path))
        self.pack = open_pack(path)
        super().__init__(
            name=path.stem,
            shape=self.pack.shape,
            num_classes=self.pack.num_classes if labelled else None,
            class_names=self.pack.class_names if labelled else None,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )
        self.splits = tuple(self.pack.splits)

    def load(self, split: str) -> ArrayReals:
        return self.pack.reals(split, labelled=self.num_classes is not None)
