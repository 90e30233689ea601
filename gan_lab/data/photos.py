"""Photographs of any size, whole: files of one's own, or the two that scikit-learn brings along."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from gan_lab.data.folder import cpu_count
from gan_lab.data.layout import Item, arrange
from gan_lab.data.picture import MODES, open_upright, to_mode
from gan_lab.data.source import open_source
from gan_lab.errors import UserError

log = logging.getLogger(__name__)

Photo = tuple[str, np.ndarray]  # name, (C, H, W) uint8
TRUTH = "HR"  # how sets for testing name the folder of what is to be found again

# What is kept of each of scikit-learn's photographs for testing: columns, and squares in them.
STRIPS = {"china.jpg": (256, 384), "flower.jpg": (320, 448)}
SQUARE, FIRST_ROW = 128, 43


class PhotoFiles:
    """Pictures below a folder or in an archive; `train`, `val` and `test` are told apart by name.

    Of a split with folders called HR only the pictures in these count: sets for testing often hold
    their own reductions, too.

    Args:
        root: folder, .zip or .tar.
    """

    def __init__(self, root: str) -> None:
        self.root = Path(root).expanduser()
        self.files = open_source(self.root)
        self.name = self.root.name.split(".")[0]
        items = arrange(self.files, [], labelled=False).items
        self.items: dict[str, list[Item]] = {}
        for item in items:
            self.items.setdefault(item.split, []).append(item)
        for split, found in self.items.items():
            truths = [item for item in found if TRUTH in item.name.split("/")[:-1]]
            self.items[split] = truths or found
        self.splits = tuple(self.items)

    def load(self, split: str, channels: int) -> list[Photo]:
        """The pictures of a split; a corrupt one is named in the log and left out."""

        def read(item: Item) -> Photo | None:
            try:
                image = to_mode(open_upright(self.files.read(item.position)), MODES[channels])
                return item.name, as_array(np.asarray(image))
            except Exception as error:  # Pillow raises anything on hostile files; all reported
                log.warning("%s: %s cannot be read (%s), left out", self.root, item.name, error)
                return None

        with ThreadPoolExecutor(cpu_count()) as pool:
            photos = [photo for photo in pool.map(read, self.items[split]) if photo is not None]
        if not photos:
            raise UserError(f"data.root={self.root}: no picture of {split} could be read")
        return photos


class SamplePhotos:
    """The photographs of scikit-learn, a temple and a flower; a strip of each is for testing."""

    name = "sample_photos"
    splits = ("train", "test")

    def load(self, split: str, channels: int) -> list[Photo]:
        # Its package is found without being imported, which would take a second.
        folder = Path(find_spec("sklearn").origin).parent / "datasets/images"
        photos: list[Photo] = []
        for name, (left, right) in STRIPS.items():
            image = to_mode(open_upright((folder / name).read_bytes()), MODES[channels])
            pixels = as_array(np.asarray(image))
            if split == "train":
                photos += [(name, pixels[..., :left]), (name, pixels[..., right:])]
            else:
                strip = pixels[:, FIRST_ROW:, left:right]
                photos += [
                    (name, strip[:, top : top + SQUARE])
                    for top in range(0, strip.shape[1] - SQUARE + 1, SQUARE)
                ]
        return photos


def as_array(pixels: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, C) -> (C, H, W), in one piece."""
    return np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1))


def cut_to_multiple(pixels: np.ndarray, scale: int) -> np.ndarray:
    """Without the last rows and columns that a scale does not reach: (C, H, W)."""
    H, W = (side // scale * scale for side in pixels.shape[1:])
    return pixels[:, :H, :W]


def refuse_small(photos: Sequence[Photo], side: int, option: str) -> None:
    """Refuse pictures of which no square of so many pixels can be cut."""
    small = [(name, p.shape) for name, p in photos if min(p.shape[1:]) < side]
    if small:
        name, (_, H, W) = small[0]
        more = f" and {len(small) - 1} more" if len(small) > 1 else ""
        raise UserError(
            f"{option}={side}: {name} has only {W}x{H} pixels{more}; lower {option}, or take such"
            " pictures out"
        )
