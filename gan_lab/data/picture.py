"""One picture file -> one array: orientation, bit depth, alpha, crop and antialiased resize."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif",
    ".tif", ".tiff", ".ppm", ".pgm", ".pnm", ".tga", ".avif",
)  # fmt: skip
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def decode(content: bytes, shape: tuple[int, int, int], crop: int | None = None) -> np.ndarray:
    """Decode a file: bytes -> (C, H, W) uint8.

    The centre with the target's aspect is cut out, then resized by Lanczos with antialiasing.
    Alpha is laid on white when the target has none. 16-bit grey is scaled to 8 bits. Any fault
    of the file raises.

    Args:
        content: the file.
        shape: (C, H, W); C is 1 (grey), 3 (colour) or 4 (with alpha).
        crop: first cut out a centre square of this size, if the picture is larger.
    """
    return fitted(to_mode(open_upright(content), MODES[shape[0]]), shape, crop)


def fitted(image: Image.Image, shape: tuple[int, int, int], crop: int | None = None) -> np.ndarray:
    """The centre of a picture with the target's aspect, resized: (C, H, W) uint8; see `decode`."""
    C, H, W = shape
    box = centre_box(*image.size, H, W, crop)
    if box == (0, 0, W, H) and image.size == (W, H):
        pixels = np.asarray(image)
    else:
        # reducing_gap: shrink by a whole factor first, then filter; much faster, looks the same
        resized = image.resize((W, H), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
        pixels = np.asarray(resized)
    return pixels.reshape(H, W, C).transpose(2, 0, 1)


def open_upright(content: bytes) -> Image.Image:
    """The first frame, decoded, turned the way its EXIF orientation says."""
    image = Image.open(BytesIO(content))
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise Image.DecompressionBombError(f"{image.width}x{image.height} pixels, limit {limit}")
    image.load()
    return ImageOps.exif_transpose(image)


def has_alpha(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def is_grey(image: Image.Image) -> bool:
    return image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")


def to_mode(image: Image.Image, mode: str) -> Image.Image:
    """Convert to L, RGB or RGBA without losing what alpha hides or what 16 bits hold."""
    if image.mode == "F":
        raise ValueError("floating-point pixels have no agreed range")
    if image.mode.startswith("I"):  # 16-bit grey, which convert() would clip at 255
        image = Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))
    if has_alpha(image) and mode != "RGBA":
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == mode else image.convert(mode)


def centre_box(
    width: int, height: int, H: int, W: int, crop: int | None
) -> tuple[float, float, float, float]:
    """The largest centred box (left, top, right, bottom) of aspect W : H, in pixels."""
    box_width = min(width, crop or width)
    box_height = min(height, crop or height)
    if box_width * H > box_height * W:
        box_width = box_height * W / H
    else:
        box_height = box_width * H / W
    left, top = (width - box_width) / 2, (height - box_height) / 2
    if box_width == int(box_width) and box_height == int(box_height):
        left, top = int(left), int(top)  # whole pixels need no interpolation
    return left, top, left + box_width, top + box_height


def channels_of(contents: list[bytes]) -> int:
    """Grey, colour or alpha: 1, 3 or 4 channels that hold all of a few pictures.

    Alpha counts only if it is used: many tools write an opaque one.
    """
    images = []
    for content in contents:
        try:
            images.append(open_upright(content))
        except Exception:  # counted and reported later, when every picture is read
            continue
    if any(has_alpha(image) and uses_alpha(image) for image in images):
        return 4
    return 1 if images and all(is_grey(image) for image in images) else 3


def uses_alpha(image: Image.Image) -> bool:
    return image.convert("RGBA").getextrema()[3][0] < 255
