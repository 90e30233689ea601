"""Drawn pictures with captions that are exactly true: one or two shapes, and nothing else.

A scene is a layout (alone, one above the other, side by side) and, for its upper or left shape and
then for the other one, a colour, a figure and a size. Some kinds of shapes are kept out of
training altogether, so that captions that name them ask for something new.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from gan_lab.data import drawing
from gan_lab.data.drawn import as_pictures, draws_of, refuse_too_few
from gan_lab.errors import UserError

COLOURS = {
    "red": (214, 64, 52),
    "green": (62, 158, 80),
    "blue": (64, 92, 200),
    "yellow": (236, 200, 64),
    "purple": (156, 84, 184),
    "black": (44, 44, 50),
}
FIGURES = tuple(drawing.FIGURES)
RADII = {"small": (0.16, 0.175), "large": (0.29, 0.31)}  # least and greatest, of the side
TURN = 0.2  # most radians that a shape is turned by
PAPER = (247, 244, 236)
ALONE, ABOVE, BESIDE = range(3)  # layouts
RELATIONS = {ABOVE: ("above", "below"), BESIDE: ("left of", "right of")}
# What a scene's numbers mean, and how many values each has: `num_values` of a reader's answers.
ATTRIBUTES = {"colour": len(COLOURS), "shape": len(FIGURES), "size": len(RADII)}
SCENE = 1 + 2 * len(ATTRIBUTES)  # numbers of a scene
NONE = -1  # stands for each attribute of a shape that is not there
SETS = 7  # key of the draws of these pictures, beside those of other drawn sets


@dataclass(frozen=True)
class Shape:
    """One shape, by the numbers of its words."""

    colour: int
    figure: int
    size: int

    def __str__(self) -> str:
        return f"a {list(RADII)[self.size]} {list(COLOURS)[self.colour]} {FIGURES[self.figure]}"


KINDS = [Shape(*numbers) for numbers in product(*map(range, ATTRIBUTES.values()))]
# Each colour, figure and size, and each two of them together, is seen in other kinds.
HELD_OUT = [
    Shape(*numbers)
    for numbers in (
        (0, 3, 1), (1, 2, 0), (2, 0, 1), (3, 1, 0), (4, 3, 0), (5, 2, 1), (0, 0, 0), (1, 1, 1),
    )
]  # fmt: skip
SEEN = [kind for kind in KINDS if kind not in HELD_OUT]


def caption_of(scene: Sequence[int], turned: bool = False) -> str:
    """What a scene (SCENE,) shows, in words.

    Args:
        turned: begin with the lower or the right one of two shapes.
    """
    layout, first, second = scene[0], Shape(*scene[1:4]), Shape(*scene[4:])
    if layout == ALONE:
        return str(first)
    if turned:
        return f"{second} {RELATIONS[layout][1]} {first}"
    return f"{first} {RELATIONS[layout][0]} {second}"


def captions_of(scene: Sequence[int]) -> list[str]:
    """Every caption that is true of a scene."""
    return [caption_of(scene)] + ([] if scene[0] == ALONE else [caption_of(scene, turned=True)])


class DrawnScenes:
    """Pictures of one or two shapes with their captions; each depends on no seed.

    A picture's label is the colour and figure of its first shape, the upper or left one. In the
    split `test` each scene has a shape of a kind in HELD_OUT, in `train` none has.

    Args:
        num: training pictures; a quarter as many are kept for testing.
        side: pixels of the shorter side, to be refused here if they are too few.
        pairs: share of the pictures that have two shapes.
        freedom: how far from the middle of their room shapes may lie, 0 not at all, 1 anywhere.
    """

    name = "drawn_scenes"
    splits = ("train", "test")
    class_names = [f"{colour} {figure}" for colour in COLOURS for figure in FIGURES]
    words_know_left = True

    def __init__(self, num: int, side: int, pairs: float, freedom: float) -> None:
        refuse_too_few(num, side)
        if not 0 <= freedom <= 1:
            raise UserError(f"data.freedom={freedom}: give 0 (all in their middle) to 1 (anywhere)")
        if not 0 <= pairs <= 1:
            raise UserError(f"data.pairs={pairs}: give the share of pictures with two shapes, 0..1")
        self.num, self.pairs, self.freedom = num, pairs, freedom

    def channels(self) -> int:
        return 3

    def load(self, split: str, channels: int, size: tuple[int, int]) -> "Captioned":
        if channels != 3:
            raise UserError(f"data.channels={channels}: drawn scenes have 3; leave it null")
        return drawn(
            self.scenes(split), draws_of(SETS, self.splits.index(split), 1), size, self.freedom
        )

    def scenes(self, split: str) -> list[list[int]]:
        """What the pictures of a split show."""
        num = self.num if split == "train" else self.num // 4
        draws = draws_of(SETS, self.splits.index(split), 0)
        kinds, must = (SEEN, SEEN) if split == "train" else (KINDS, HELD_OUT)
        return [draw_scene(draws, kinds, must, self.pairs) for _ in range(num)]

    def texts(self, split: str) -> list[list[str]]:
        """Every caption that is true of each picture: one of a single shape, two of two."""
        return [captions_of(scene) for scene in self.scenes(split)]


@dataclass(frozen=True)
class Captioned:
    """Pictures of one split and what is said of them.

    Attributes:
        pictures: (N, C, H, W) uint8.
        captions: of each picture one or several.
        labels: (N,), or None.
        scenes: (N, SCENE), or None where nobody knows what is to be seen.
    """

    pictures: Tensor
    captions: list[list[str]]
    labels: Tensor | None = None
    scenes: Tensor | None = None


def drawn(
    scenes: list[list[int]], draws: np.random.Generator, size: tuple[int, int], freedom: float
) -> Captioned:
    """A picture of each scene, its captions and its label."""
    pictures = as_pictures([paint_scene(draws, scene, size, freedom) for scene in scenes])
    numbers = torch.tensor(scenes)
    label = numbers[:, 1] * len(FIGURES) + numbers[:, 2]
    return Captioned(pictures, [captions_of(scene) for scene in scenes], label, numbers)


def draw_scene(
    draws: np.random.Generator, kinds: list[Shape], must: list[Shape], pairs: float
) -> list[int]:
    """A scene (SCENE,) of shapes of some kinds, one of them of a kind in `must`.

    There is no room for two large ones.
    """
    first = must[draws.integers(len(must))]
    if draws.random() >= pairs:
        return [ALONE, first.colour, first.figure, first.size, NONE, NONE, NONE]
    fitting = [kind for kind in kinds if kind.size + first.size < 2]
    shapes = [first, fitting[draws.integers(len(fitting))]]
    if draws.random() < 0.5:
        shapes.reverse()
    layout = int(draws.integers(ABOVE, BESIDE + 1))
    return [layout, *(n for s in shapes for n in (s.colour, s.figure, s.size))]


def paint_scene(
    draws: np.random.Generator, scene: Sequence[int], size: tuple[int, int], freedom: float
) -> np.ndarray:
    """A picture (H, W, 3) of a scene, its shapes placed and turned a little at random."""
    H, W = size
    side = min(H, W)
    picture = np.ones((H, W, 3)) * PAPER
    shapes = [Shape(*scene[1:4])] + ([Shape(*scene[4:])] if scene[0] != ALONE else [])
    radii = [side * draws.uniform(*list(RADII.values())[shape.size]) for shape in shapes]
    for shape, radius, centre in zip(
        shapes, radii, places(draws, scene[0], radii, (W, H), freedom), strict=True
    ):
        angle = draws.uniform(-TURN, TURN)
        distance = drawing.distance(FIGURES[shape.figure], centre, radius, angle, size)
        colour = drawing.lit(list(COLOURS.values())[shape.colour], centre, radius, size)
        drawing.paint(picture, drawing.filled(distance), colour)
    return picture


def places(
    draws: np.random.Generator,
    layout: int,
    radii: list[float],
    room: tuple[int, int],
    freedom: float,
) -> list[tuple[float, float]]:
    """Centres (x, y) of circles that lie inside the picture, apart, and as the layout says.

    Args:
        room: (W, H) in pixels.
        freedom: how far from the middle of their room they may be, 0 not at all, 1 anywhere.
    """

    def anywhere(low: float, high: float) -> float:
        return (low + high) / 2 + freedom * draws.uniform(-1, 1) * (high - low) / 2

    if layout == ALONE:
        (r,) = radii
        return [(anywhere(r, room[0] - r), anywhere(r, room[1] - r))]
    along = int(layout == ABOVE)  # the axis on which one comes after the other
    first, second = radii
    spare = room[along] - 2 * (first + second)  # a half for each to move in
    at = (
        first + anywhere(0, spare / 2),
        spare / 2 + 2 * first + second + anywhere(0, spare / 2),
    )
    # Across that axis they lie less far apart than along it: "above" is never "beside".
    widest = max(radii)
    middle, reach = anywhere(widest, room[1 - along] - widest), 0.3 * freedom * (at[1] - at[0])
    across = [
        float(np.clip(middle + draws.uniform(-reach, reach), r, room[1 - along] - r)) for r in radii
    ]
    centres = list(zip(across, at, strict=True))
    return centres if along else [(y, x) for x, y in centres]
