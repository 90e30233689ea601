"""Data sets drawn on the spot from `drawing`'s shapes: no download, and the truth is known."""

import numpy as np
import torch
from torch import Tensor

from gan_lab import randomness
from gan_lab.data import drawing
from gan_lab.errors import UserError

COLOURS = {"circle": (214, 64, 52), "square": (64, 92, 200), "triangle": (70, 164, 88)}
PAPER = (247, 244, 236)
TILT = 0.35  # radians that shapes of pairs are turned at most


class DrawnPairs:
    """Outlines and the shapes that they belong to: what to fill a shape with, its form says.

    A circle is red, a square blue, a triangle green, each lit from the upper left. A picture's
    label is its largest shape. The pictures depend on no seed.

    Args:
        num: training pairs; a quarter as many are kept for testing.
        side: pixels of the shorter side, to be refused here if they are too few.
    """

    name = "drawn_pairs"
    splits = ("train", "test")
    class_names = list(COLOURS)

    def __init__(self, num: int, side: int) -> None:
        refuse_too_few(num, side)
        self.num = num

    def channels(self) -> tuple[int, int]:
        return 1, 3

    def load(
        self, split: str, channels: tuple[int, int], size: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        if channels != self.channels():
            raise UserError(
                f"data.source_channels={channels[0]} data.channels={channels[1]}: drawn pairs have"
                " 1 and 3; leave them null"
            )
        draws = draws_of(self.splits.index(split))
        num = self.num if split == "train" else self.num // 4
        drawn = [draw_pair(draws, size) for _ in range(num)]
        sources, targets, labels = zip(*drawn, strict=True)
        return as_pictures(sources), as_pictures(targets), torch.tensor(labels)


def refuse_too_few(num: int, side: int) -> None:
    """Refuse sets that are too small to learn from."""
    if num < 40:
        raise UserError(f"data.num={num}: draw at least 40 pictures")
    if side < 16:
        raise UserError(f"data.resolution={side}: shapes need at least 16 pixels")


def draws_of(*key: int) -> np.random.Generator:
    """The random numbers of one split of one set."""
    return np.random.default_rng(randomness.key(randomness.DRAWING, *key))


def as_pictures(canvases: list[np.ndarray]) -> Tensor:
    """N canvases (H, W, C) in 0..255 -> (N, C, H, W) uint8."""
    pixels = np.stack(canvases).round().astype(np.uint8).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(pixels))


def draw_pair(
    draws: np.random.Generator, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, int]:
    """Outline (H, W, 1), filled picture (H, W, 3), and the number of the largest shape."""
    H, W = size
    outline, picture = np.full((H, W, 1), 255.0), np.ones((H, W, 3)) * PAPER
    radii = -np.sort(-draws.uniform(0.17, 0.30, int(draws.integers(1, 3))) * min(H, W))
    kinds = draws.integers(len(COLOURS), size=len(radii))
    for radius, kind in zip(radii, kinds, strict=True):
        centre = draws.uniform(radius, W - radius), draws.uniform(radius, H - radius)
        shape, colour = list(COLOURS.items())[kind]
        distance = drawing.distance(shape, centre, radius, draws.uniform(-TILT, TILT), size)
        inside = drawing.filled(distance)
        drawing.paint(outline, inside, [255.0])  # hides what lies behind
        drawing.paint(outline, drawing.outlined(distance), [0.0])
        drawing.paint(picture, inside, drawing.lit(colour, centre, radius, size))
    return outline, picture, int(kinds[0])


WARM = ((232, 176, 44), (224, 92, 44), (186, 38, 62)), (250, 243, 224)  # colours, background
COLD = ((46, 160, 158), (52, 110, 214), (104, 62, 176)), (214, 230, 244)


class DrawnDomains:
    """The same kinds of shapes in two palettes: A is warm on cream, B is cold on pale blue.

    No picture of A has a partner in B. The label of a picture of B is its largest shape. The
    pictures depend on no seed.

    Args:
        num: training pictures of each domain; a quarter as many are kept for testing.
        side: pixels of the shorter side, to be refused here if they are too few.
    """

    name = "drawn_domains"
    splits = ("train", "test")
    class_names = list(drawing.SHAPES)
    plain = True

    def __init__(self, num: int, side: int) -> None:
        refuse_too_few(num, side)
        self.num = num

    def channels(self) -> int:
        return 3

    def load(
        self, split: str, channels: int, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        if channels != 3:
            raise UserError(f"data.channels={channels}: drawn domains have 3; leave it null")
        num = self.num if split == "train" else self.num // 4
        domains = []
        for domain, palette in enumerate((WARM, COLD)):
            draws = draws_of(self.splits.index(split), 1 + domain)
            drawn = [draw_shapes(draws, size, *palette) for _ in range(num)]
            pictures, labels = zip(*drawn, strict=True)
            domains.append((as_pictures(pictures), torch.tensor(labels)))
        (a, _), (b, labels) = domains
        return a, b, labels


def draw_shapes(
    draws: np.random.Generator,
    size: tuple[int, int],
    colours: tuple[tuple[int, int, int], ...],
    background: tuple[int, int, int],
) -> tuple[np.ndarray, int]:
    """One or two shapes (H, W, 3) in colours of a palette, and the number of the largest."""
    H, W = size
    picture = np.ones((H, W, 3)) * background
    radii = -np.sort(-draws.uniform(0.2, 0.32, int(draws.integers(1, 3))) * min(H, W))
    kinds = draws.integers(len(drawing.SHAPES), size=len(radii))
    for radius, kind in zip(radii, kinds, strict=True):
        centre = draws.uniform(radius, W - radius), draws.uniform(radius, H - radius)
        shape, angle = list(drawing.SHAPES)[kind], draws.uniform(0, 2 * np.pi)
        colour = colours[int(draws.integers(len(colours)))]
        inside = drawing.filled(drawing.distance(shape, centre, radius, angle, size))
        drawing.paint(picture, inside, drawing.lit(colour, centre, radius, size))
    return picture, int(kinds[0])


class DrawnStyles(DrawnDomains):
    """Contents are the warm shapes on cream; each style is a picture in two colours of its own."""

    name = "drawn_styles"

    def load(
        self, split: str, channels: int, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        contents, _, _ = super().load(split, channels, size)
        draws = draws_of(self.splits.index(split), 3)
        drawn = [draw_shapes(draws, size, *draw_palette(draws)) for _ in range(len(contents))]
        styles, labels = zip(*drawn, strict=True)
        return contents, as_pictures(styles), torch.tensor(labels)


def draw_palette(
    draws: np.random.Generator,
) -> tuple[tuple[tuple[int, int, int], ...], tuple[int, int, int]]:
    """One colour for shapes and one for the ground, well apart in some channel."""
    while True:
        colour, ground = (tuple(draws.integers(20, 236, 3).tolist()) for _ in range(2))
        if max(abs(a - b) for a, b in zip(colour, ground, strict=True)) > 100:
            return (colour,), ground
