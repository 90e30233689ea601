"""Pictures in files, answered by a trained translator: what `sample.py input=` does."""

import inspect
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_lab.data.layout import is_picture
from gan_lab.data.picture import MODES, centre_box, open_upright, to_mode
from gan_lab.errors import UserError
from gan_lab.latent.space import Order
from gan_lab.models.base import Translator
from gan_lab.pictures import save


class Plain:
    """Asks for what the model was trained to give."""

    def __call__(self, gan: Translator, file: Path, order: Order) -> Tensor:
        """The output (1, C, H, W) for one picture file."""
        pixels = sized(gan, file, order.side)
        return gan.generate({gan.source: pixels}, seed=order.seed, raw=order.raw)


class Reversed(Plain):
    """Asks for the other direction, of a model that has learnt both."""

    def __call__(self, gan: Translator, file: Path, order: Order) -> Tensor:
        if "reverse" not in inspect.signature(gan.generate).parameters:
            raise UserError(f"mode=reverse: {type(gan).__name__} has learnt one direction alone")
        pixels = sized(gan, file, order.side, channels=gan.shape[0])
        return gan.generate({gan.target: pixels}, raw=order.raw, reverse=True)


class Styled(Plain):
    """Asks for a content in the style of a picture.

    Args:
        picture: file of the style.
    """

    def __init__(self, picture: str | None = None) -> None:
        if picture is None:
            raise ValueError("mode.picture is missing: name the picture whose style is wanted")
        self.picture = Path(picture).expanduser()

    def __call__(self, gan: Translator, file: Path, order: Order) -> Tensor:
        if not hasattr(gan, "style"):
            raise UserError(f"mode=style: {type(gan).__name__} takes no style; train model=adain")
        content = sized(gan, file, order.side)
        style = as_input(read_picture(self.picture), gan.shape)  # textures as large as in training
        return gan.generate({gan.source: content, gan.style: style}, raw=order.raw)


def translate(gan: Translator, ask: Plain, order: Order) -> Path:
    """Answer a picture, or each picture of a folder, and write what comes out.

    Args:
        gan: the translator.
        ask: how it is asked.
        order: `input` and `output`.

    Returns:
        The file or the folder that was written.
    """
    if not order.input.exists():
        raise UserError(f"input={order.input}: there is no such file or folder")
    if order.input.is_dir():
        files = sorted(f for f in order.input.iterdir() if is_picture(f.name))
        if not files:
            raise UserError(f"input={order.input}: no pictures in it")
        folder = order.output or order.run / "generated" / order.input.name
        if folder.suffix:
            raise UserError(f"output={folder}: for a folder of pictures name a folder")
        for file in files:
            save(as_image(ask(gan, file, order)[0].cpu()), folder / f"{file.stem}.png")
        return folder
    path = order.output or order.run / "generated" / f"{order.input.stem}.png"
    if path.suffix != ".png":
        raise UserError(f"output={path}: give a .png")
    save(as_image(ask(gan, order.input, order)[0].cpu()), path)
    return path


def read_picture(file: Path) -> Image.Image:
    """One picture file, upright."""
    try:
        return open_upright(file.read_bytes())
    except Exception as error:  # Pillow raises anything on hostile files
        raise UserError(f"{file} cannot be read as a picture ({error})") from None


def sized(gan: Translator, file: Path, side: int | None, channels: int | None = None) -> Tensor:
    """A picture file as an input of the model's, (1, C, H, W), of the size that is asked for."""
    image = read_picture(file)
    size = gan.input_size(image.height, image.width, side)
    return as_input(image, (channels or gan.source_shape[0], *size))


def as_input(image: Image.Image, shape: tuple[int, int, int]) -> Tensor:
    """The centre of a picture with the aspect that a model takes, resized: (1, C, H, W)."""
    C, H, W = shape
    image = to_mode(image, MODES[C])
    box = centre_box(*image.size, H, W, None)
    resized = image.resize((W, H), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    pixels = np.asarray(resized).reshape(H, W, C).transpose(2, 0, 1)
    return torch.from_numpy(pixels.copy())[None].float() / 127.5 - 1


def as_image(pixels: Tensor) -> Image.Image:
    """(C, H, W) in [-1, 1] -> a picture of C channels."""
    levels = pixels.clamp(-1, 1).add(1).mul(127.5).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)
