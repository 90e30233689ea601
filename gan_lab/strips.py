"""Films as pictures: strips of their frames, and several of them moving side by side."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from gan_lab.pictures import BETWEEN, GRID_WIDTH, MOST_ENLARGED, film, side_by_side, to_rgb

FRAMES_PER_SECOND = 5
INK = (40, 40, 40)


def strip(films: Mapping[str, Tensor], given: int) -> Image.Image:
    """Heading -> films (N, T, C, H, W) in [-1, 1]: their frames in lines, N times one line each.

    Args:
        given: how many of the frames a model was given; a gap parts them from the others.
    """
    N, T, _, H, W = next(iter(films.values())).shape
    factor = max(1, min(GRID_WIDTH // (T * W), MOST_ENLARGED))
    H, W, gap, head = factor * H, factor * W, 6, 20
    left = 6 * max(len(heading) for heading in films) + 3 * gap
    deep = len(films) * (H + 2) + 2 * gap
    lefts = [left + t * (W + 2) + (2 * gap if t >= given else 0) for t in range(T)]
    sheet = np.full((head + N * deep, lefts[-1] + W + gap, 3), BETWEEN, np.uint8)
    picture = Image.fromarray(sheet)
    draw = ImageDraw.Draw(picture)
    draw.text((left, 4), "given", fill=INK)
    draw.text((lefts[given] if given < T else left, 4), "foreseen", fill=INK)
    for line, (heading, videos) in enumerate(films.items()):
        for row, video in enumerate(videos):
            top = head + row * deep + line * (H + 2)
            draw.text((gap, top + H // 2 - 6), heading, fill=INK)
            for place, frame in zip(lefts, to_rgb(video), strict=True):
                enlarged = Image.fromarray(frame).resize((W, H), Image.Resampling.NEAREST)
                picture.paste(enlarged, (place, top))
    return picture


def save_film(films: Mapping[str, Tensor], path: Path) -> None:
    """Write films (N, T, C, H, W) that move side by side, as a .gif or .mp4."""
    T = next(iter(films.values())).shape[1]
    moments = [{heading: videos[:, t] for heading, videos in films.items()} for t in range(T)]
    film([side_by_side(moment) for moment in moments], path, frames_per_second=FRAMES_PER_SECOND)
