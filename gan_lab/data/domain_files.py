"""Two domains of pictures in files: trainA, trainB, testA, testB."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from gan_lab.data.decoded import decoded
from gan_lab.data.layout import SPLITS, is_picture
from gan_lab.data.picture import channels_of, decode
from gan_lab.data.source import open_source
from gan_lab.errors import UserError


class DomainFiles:
    """Pictures of A and B below a folder or in an archive, of any sizes.

    Known names of the folders: trainA, trainB, testA, testB (and valA, valB), the same with the
    split as a folder of its own (train/A), and A and B alone.

    Args:
        root: folder, .zip or .tar.
        memory_gb: see `decoded`.
    """

    class_names = None
    plain = False

    def __init__(self, root: str, memory_gb: float) -> None:
        self.memory_gb = memory_gb
        self.root = Path(root).expanduser()
        self.files = open_source(self.root)
        self.name = self.root.name.split(".")[0]
        self.found: dict[tuple[str, str], list[int]] = {}
        for position, name in enumerate(self.files.names):
            place = place_of(name)
            if place is not None and is_picture(name):
                self.found.setdefault(place, []).append(position)
        empty = [domain for domain in "AB" if ("train", domain) not in self.found]
        if empty:
            tops = sorted({name.split("/")[0] for name in self.files.names if "/" in name})
            raise UserError(
                f"data.root={root}: no pictures of domain {' or '.join(empty)} to train on; put"
                f" them into train{empty[0]}/ (it has the folders: {', '.join(tops[:8]) or 'none'})"
            )
        splits = {split for split, _ in self.found}
        for split in sorted(splits):
            for domain in "AB":
                if (split, domain) not in self.found:
                    raise UserError(
                        f"data.root={root}: {split} has no pictures of domain {domain}; put some"
                        f" into {split}{domain}/, or remove the other domain's"
                    )
        self.splits = tuple(s for s in ("train", "val", "test") if s in splits)

    def channels(self) -> int:
        few = [p for domain in "AB" for p in self.found["train", domain][:4]]
        return min(3, channels_of([self.files.read(position) for position in few]))

    def load(self, split: str, channels: int, size: tuple[int, int]) -> tuple[Tensor, Tensor, None]:
        a, b = (self.pictures(self.found[split, domain], (channels, *size)) for domain in "AB")
        return a, b, None

    def pictures(self, positions: Sequence[int], shape: tuple[int, int, int]) -> Tensor:
        """(N, C, H, W) uint8 of those files that can be read; the others are named in the log."""
        pictures, _ = decoded(
            self.files,
            [self.files.names[position] for position in positions],
            lambda number: decode(self.files.read(positions[number]), shape),
            shape,
            num_all=sum(map(len, self.found.values())),
            memory_gb=self.memory_gb,
        )
        return pictures


def place_of(name: str) -> tuple[str, str] | None:
    """(split, domain) that a file's folders say, or None."""
    split, domain = "train", None
    for folder in name.split("/")[:-1]:
        if folder in SPLITS:
            split = SPLITS[folder]
        elif folder in ("A", "B"):
            domain = folder
        elif folder[-1:] in ("A", "B") and folder[:-1] in SPLITS:
            split, domain = SPLITS[folder[:-1]], folder[-1]
    return None if domain is None else (split, domain)
