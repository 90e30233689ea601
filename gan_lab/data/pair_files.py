"""Pairs of pictures in files: which two belong together, and their pixels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from gan_lab.data.decoded import decoded
from gan_lab.data.layout import SPLITS, is_picture
from gan_lab.data.picture import MODES, channels_of, fitted, open_upright, to_mode
from gan_lab.data.source import open_source
from gan_lab.errors import UserError

Pair = tuple[str, str]


class PairFiles:
    """Pairs below a folder or in an archive, of any sizes.

    Known arrangements, each with or without folders `train`, `val`, `test` (above or below the
    sides' folders): two folders with equal file names, named A and B or as `source` and `target`
    say; and pictures that hold the source and the target side by side.

    Args:
        root: folder, .zip or .tar.
        source, target: names of the folders of the two sides; null means A and B.
        side_by_side: each picture holds both, the source on the left.
        memory_gb: see `decoded`.
    """

    class_names = None

    def __init__(
        self,
        root: str,
        source: str | None,
        target: str | None,
        side_by_side: bool,
        memory_gb: float,
    ) -> None:
        self.root = Path(root).expanduser()
        self.files = open_source(self.root)
        self.side_by_side, self.memory_gb = side_by_side, memory_gb
        self.name = self.root.name.split(".")[0]
        names = [name for name in self.files.names if is_picture(name)]
        if not names:
            raise UserError(f"data.root={root}: no pictures in it")
        sides = (source or "A", target or "B")
        self.pairs = side_by_side_pairs(names) if side_by_side else self.named_alike(names, sides)
        if "train" not in self.pairs:
            raise UserError(
                f"data.root={root}: there are {' and '.join(self.pairs)} but no training pairs;"
                " name their folder train, or leave all pairs without such a folder"
            )
        self.splits = tuple(s for s in ("train", "val", "test") if s in self.pairs)
        self.positions = {name: position for position, name in enumerate(self.files.names)}

    def named_alike(self, names: Sequence[str], sides: tuple[str, str]) -> dict[str, list[Pair]]:
        """split -> pairs of files with equal names in the two sides' folders."""
        found: dict[tuple[str, str, str], dict[str, str]] = {}  # (split, stem): side -> name
        for name in names:
            *folders, file = name.split("/")
            side = next((s for s in sides if s in folders), None)
            if side is None:
                continue
            split = next((SPLITS[f] for f in folders if f in SPLITS), "train")
            rest = tuple(f for f in folders if f != side and f not in SPLITS)
            stem = file.rpartition(".")[0]
            found.setdefault((split, *rest, stem), {})[side] = name
        if not found:
            raise UserError(
                f"data.root={self.root}: no folders {sides[0]} and {sides[1]} in it; name the two"
                " by data.source= and data.target=, or set data.side_by_side=true"
            )
        alone = [name for both in found.values() if len(both) == 1 for name in both.values()]
        if alone:
            raise UserError(
                f"data.root={self.root}: without a partner of the same name on the other side:"
                f" {', '.join(sorted(alone)[:5])}{' ...' if len(alone) > 5 else ''}"
                f" ({len(alone)} in all); add the partners or remove them"
            )
        pairs: dict[str, list[Pair]] = {}
        for key in sorted(found):
            pairs.setdefault(key[0], []).append((found[key][sides[0]], found[key][sides[1]]))
        return pairs

    def channels(self) -> tuple[int, int]:
        few = self.pairs["train"][:: -(-len(self.pairs["train"]) // 4)]
        source, target = zip(*([self.files.read(self.positions[n]) for n in p] for p in few))
        return min(3, channels_of(list(source))), min(3, channels_of(list(target)))

    def load(
        self, split: str, channels: tuple[int, int], size: tuple[int, int]
    ) -> tuple[Tensor, Tensor, None]:
        pairs = self.pairs[split]
        both, _ = decoded(  # a pair is one picture, the target's channels after the source's
            self.files,
            [" and ".join(dict.fromkeys(pair)) for pair in pairs],
            lambda number: np.concatenate(self.decode(pairs[number], channels, size)),
            (sum(channels), *size),
            options=channels,
            num_all=sum(map(len, self.pairs.values())),
            memory_gb=self.memory_gb,
        )
        return both[:, : channels[0]], both[:, channels[0] :], None

    def decode(
        self, pair: Pair, channels: tuple[int, int], size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Both sides of a pair, (C, H, W) uint8."""
        images = [
            open_upright(self.files.read(self.positions[name])) for name in dict.fromkeys(pair)
        ]
        if self.side_by_side:
            whole = images[0]
            half = whole.width // 2
            images = [
                whole.crop((0, 0, half, whole.height)),
                whole.crop((whole.width - half, 0, whole.width, whole.height)),
            ]
        first, second = (
            fitted(to_mode(image, MODES[C]), (C, *size))
            for image, C in zip(images, channels, strict=True)
        )
        return first, second


def side_by_side_pairs(names: Sequence[str]) -> dict[str, list[Pair]]:
    """split -> pairs that lie in one file each."""
    pairs: dict[str, list[Pair]] = {}
    for name in names:
        split = next((SPLITS[f] for f in name.split("/")[:-1] if f in SPLITS), "train")
        pairs.setdefault(split, []).append((name, name))
    return pairs
