"""Samples as pictures: grids, scatter plots, and films of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gan_lab.errors import UserError
from gan_lab.files import atomic_write

GRID_WIDTH = 768  # pixels; small samples are enlarged up to it
SMOOTH_BELOW = 16  # pixels a side: an 8x8 digit in squares is hard to read
BETWEEN = 225  # the grey between samples
MOST_ENLARGED = 3  # times, side by side
TEXT_WIDTH = 170  # pixels of what is told of a row


def rows_of_classes(num: int, num_classes: int | None) -> tuple[Tensor | None, int]:
    """Labels (N,) of a grid with a class in each row, N near `num`, and the number of columns.

    Without classes: None and the columns of a square grid.
    """
    if num_classes is None:
        return None, max(1, round(num**0.5))
    rows = min(num_classes, 16)
    columns = max(1, -(-num // rows))
    classes = torch.arange(rows) * num_classes // rows
    return classes.repeat_interleave(columns), columns


def to_rgb(images: Tensor) -> np.ndarray:
    """(N, C, H, W) in [-1, 1] -> (N, H, W, 3) uint8.

    One channel is grey, four are colour with alpha (over a checkerboard); of any other number the
    first one (C = 2) or three are shown. What is not a number is black.
    """
    images = images.detach().float().nan_to_num(-1.0).clamp(-1, 1).cpu()
    N, C, H, W = images.shape
    pixels = images.add(1).mul(127.5).permute(0, 2, 3, 1).numpy()  # (N, H, W, C) in [0, 255]
    if C == 4:
        side = max(1, min(H, W) // 8)
        squares = (np.arange(H)[:, None] // side + np.arange(W) // side) % 2
        board = np.where(squares, 235.0, 205.0)[..., None]
        alpha = pixels[..., 3:] / 255
        pixels = alpha * pixels[..., :3] + (1 - alpha) * board
    elif C < 3:
        pixels = pixels[..., :1].repeat(3, axis=-1)
    return pixels[..., :3].round().astype(np.uint8)


def grid(images: Tensor, columns: int) -> Image.Image:
    """Pictures (N, C, H, W) in [-1, 1] in rows of `columns`, small ones enlarged.

    Pixels stay sharp, except where there are so few that one sees squares instead of a shape.
    """
    pixels = to_rgb(images)
    N, H, W, _ = pixels.shape
    factor = max(1, GRID_WIDTH // (columns * W + columns + 1))
    gap = max(2, factor)
    rule = Image.Resampling.BICUBIC if min(H, W) < SMOOTH_BELOW else Image.Resampling.NEAREST
    H, W = factor * H, factor * W
    rows = -(-N // columns)
    size = rows * (H + gap) + gap, columns * (W + gap) + gap
    sheet = np.full((*size, 3), BETWEEN, np.uint8)
    for n in range(N):
        y, x = gap + n // columns * (H + gap), gap + n % columns * (W + gap)
        sheet[y : y + H, x : x + W] = Image.fromarray(pixels[n]).resize((W, H), rule)
    return Image.fromarray(sheet)


def side_by_side(columns: Mapping[str, Tensor], told: Sequence[str] | None = None) -> Image.Image:
    """Heading -> pictures (N, C, H, W) in [-1, 1]: a row for each, under headings.

    Smaller pictures, such as those of low resolution, are enlarged to the size of the largest, in
    squares.

    Args:
        told: N texts, to be read right of each row.
    """
    pixels = {heading: to_rgb(images) for heading, images in columns.items()}
    H, W = (max(p.shape[axis] for p in pixels.values()) for axis in (1, 2))
    N = len(next(iter(pixels.values())))
    factor = max(1, min(GRID_WIDTH // (len(columns) * W), MOST_ENLARGED))
    H, W, gap, head = factor * H, factor * W, 6, 20
    text = 0 if told is None else TEXT_WIDTH
    width = gap + len(columns) * (W + gap) + text
    strips = max(1, min(N, GRID_WIDTH // width))  # of rows, next to each other
    deep = -(-N // strips)
    sheet = np.full((head + deep * (H + gap), strips * (width + gap) - gap, 3), BETWEEN, np.uint8)
    picture = Image.fromarray(sheet)
    draw = ImageDraw.Draw(picture)
    for column, (heading, images) in enumerate(pixels.items()):
        for row, image in enumerate(images):
            left = row // deep * (width + gap) + gap + column * (W + gap)
            enlarged = Image.fromarray(image).resize((W, H), Image.Resampling.NEAREST)
            picture.paste(enlarged, (left, head + row % deep * (H + gap)))
            if row % deep == 0:
                draw.text((left, 4), heading.replace("_", " "), fill=(40, 40, 40))
    for row, words in enumerate(told or []):
        left = row // deep * (width + gap) + width - text + gap
        write(draw, words, (left, head + row % deep * (H + gap) + H // 2), text - 2 * gap)
    return picture


def with_title(picture: Image.Image, words: str) -> Image.Image:
    """A picture with words above it."""
    head = 28
    whole = Image.new("RGB", (picture.width, picture.height + head), (BETWEEN,) * 3)
    whole.paste(picture, (0, head))
    write(ImageDraw.Draw(whole), words, (6, head // 2), picture.width)
    return whole


def write(draw: ImageDraw.ImageDraw, words: str, place: tuple[int, int], width: int) -> None:
    """Write words in lines of at most `width` pixels, their middle left at `place`."""
    font, lines = ImageFont.load_default(13), [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    draw.text(place, "\n".join(lines), fill=(40, 40, 40), font=font, anchor="lm")


def scatter(fakes: Tensor | None, reals: Tensor | None) -> Image.Image:
    """Points (N, 2): reals in grey, fakes in colour, the axes set by the reals."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 6.4), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.07, 0.05, 0.91, 0.93))
    axes.set_aspect("equal")
    frame = (fakes if reals is None else reals).numpy()
    low, high = frame.min(0), frame.max(0)
    middle, reach = (low + high) / 2, 0.6 * max(float((high - low).max()), 1e-3)
    axes.set_xlim(middle[0] - reach, middle[0] + reach)
    axes.set_ylim(middle[1] - reach, middle[1] + reach)
    axes.tick_params(colors="#888888", labelsize=8)
    for spine in axes.spines.values():
        spine.set_color("#cccccc")
    if reals is not None:
        axes.scatter(reals[:, 0], reals[:, 1], s=7, c="#bdbdbd", linewidths=0)
    if fakes is not None:
        axes.scatter(fakes[:, 0], fakes[:, 1], s=7, c="#d9480f", alpha=0.6, linewidths=0)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def save(picture: Image.Image, path: Path) -> None:
    """Write a PNG whole or not at all."""
    atomic_write(path, lambda file: picture.save(file, format="PNG"))


def film(pictures: Sequence[Image.Image], path: Path, *, frames_per_second: int = 25) -> None:
    """Write pictures of one size as an endless .gif or as an .mp4 (H.264), whole or not at all."""
    if path.suffix == ".gif":
        first, *rest = [p.quantize(256, dither=Image.Dither.NONE) for p in pictures]
        options = {"save_all": True, "duration": round(1000 / frames_per_second), "loop": 0}
        atomic_write(
            path, lambda file: first.save(file, format="GIF", append_images=rest, **options)
        )
    elif path.suffix == ".mp4":
        atomic_write(path, lambda file: write_mp4(pictures, file, frames_per_second))
    else:
        raise UserError(f"output={path}: a film is a .gif or a .mp4")


def write_mp4(pictures: Sequence[Image.Image], file: Path, frames_per_second: int) -> None:
    """Encode pictures; sides are cut to even numbers, as 4:2:0 colour needs."""
    try:
        import av
    except ImportError:
        raise UserError(
            "an .mp4 needs PyAV: pip install 'gan-lab[video]', or choose a .gif"
        ) from None
    width, height = (side // 2 * 2 for side in pictures[0].size)
    with av.open(str(file), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=frames_per_second, options={"crf": "17"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame.from_image(picture.convert("RGB").crop((0, 0, width, height)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
