"""Low resolutions as cameras and the net make them: "Real-ESRGAN: Training Real-World Blind
Super-Resolution with Pure Synthetic Data" (Wang et al. 2021), Section 3.2.

Blur, resizing, noise and JPEG, twice, and a sinc filter whose rings stand for sharpening. All
numbers are floats in [0, 1] of shape (C, H, W) in between, and all draws come from one generator.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image
from scipy.signal import fftconvolve
from scipy.special import j1

SIDE = 21  # pixels of every filter
MODES = (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)
Range = tuple[float, float] | list[float]


@dataclass(frozen=True)
class Order:
    """One round of blur, resizing, noise and JPEG.

    Attributes:
        blur: pixels, the range of a kernel's standard deviations.
        blur_share: how often there is blur at all.
        isotropic_share: how often a kernel is round.
        sinc_share: how often a sinc filter stands in for the kernel.
        up_share, down_share: how often the picture grows or shrinks; else it keeps its size.
        resize: range of the factor.
        gaussian_share: how often noise is Gaussian; else it is Poisson's.
        gaussian: range of its standard deviation, in levels of 255.
        poisson: range of its strength.
        grey_share: how often noise is the same in all channels.
        quality: range of JPEG's.
    """

    blur: Range = (0.2, 3.0)
    blur_share: float = 1.0
    isotropic_share: float = 0.6
    sinc_share: float = 0.1
    up_share: float = 0.2
    down_share: float = 0.7
    resize: Range = (0.15, 1.5)
    gaussian_share: float = 0.5
    gaussian: Range = (1.0, 30.0)
    poisson: Range = (0.05, 3.0)
    grey_share: float = 0.4
    quality: Range = (30.0, 95.0)

    def __post_init__(self) -> None:
        for name in ("blur", "resize", "gaussian", "poisson", "quality"):
            low, high = getattr(self, name)
            object.__setattr__(self, name, (float(low), float(high)))
            if not 0 < low <= high:
                raise ValueError(
                    f"{name}=[{low}, {high}]: give two numbers above 0, the lower first"
                )


def first_order() -> Order:
    """The first round of the paper."""
    return Order()


def second_order() -> Order:
    """The second, milder one."""
    return Order(
        blur=(0.2, 1.5), blur_share=0.8, up_share=0.3, down_share=0.4, resize=(0.3, 1.2),
        gaussian=(1.0, 25.0), poisson=(0.05, 2.5),
    )  # fmt: skip


@dataclass(frozen=True)
class SecondOrder:
    """The paper's whole chain, from a high resolution to a low one.

    Attributes:
        first, second: the two rounds; the second ends at the size of the low resolution.
        final_sinc_share: how often a sinc filter comes last.
    """

    first: Order = first_order()
    second: Order = second_order()
    final_sinc_share: float = 0.8

    def __call__(self, high: np.ndarray, scale: int, draws: np.random.Generator) -> np.ndarray:
        """(C, H, W) uint8 -> (C, H / scale, W / scale) uint8."""
        H, W = high.shape[1:]
        x = high.astype(np.float32) / 255
        x = blurred(x, self.first, draws)
        x = resized(x, scaled((H, W), self.first, draws), draws)
        x = compressed(noisy(x, self.first, draws), self.first, draws)
        if draws.random() < self.second.blur_share:
            x = blurred(x, self.second, draws)
        rows, columns = scaled((H // scale, W // scale), self.second, draws)
        x = noisy(resized(x, (rows, columns), draws), self.second, draws)
        # JPEG before or after the last resizing and the sinc filter, as often.
        first_jpeg = draws.random() < 0.5
        if first_jpeg:
            x = compressed(x, self.second, draws)
        x = resized(x, (H // scale, W // scale), draws)
        if draws.random() < self.final_sinc_share:
            x = filtered(x, sinc_kernel(draws.uniform(np.pi / 3, np.pi)))
        if not first_jpeg:
            x = compressed(x, self.second, draws)
        return (x.clip(0, 1) * 255).round().astype(np.uint8)


def blurred(x: np.ndarray, order: Order, draws: np.random.Generator) -> np.ndarray:
    """One random filter over a picture."""
    if draws.random() < order.sinc_share:
        return filtered(x, sinc_kernel(draws.uniform(np.pi / 3, np.pi)))
    first, second = draws.uniform(*order.blur, 2)
    if draws.random() < order.isotropic_share:
        second = first
    return filtered(x, gaussian_kernel(first, second, draws.uniform(-np.pi, np.pi)))


def gaussian_kernel(first: float, second: float, angle: float) -> np.ndarray:
    """A normal density of two standard deviations, turned; sum 1."""
    places = np.arange(SIDE) - SIDE // 2
    y, x = np.meshgrid(places, places, indexing="ij")
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    kernel = np.exp(-0.5 * ((u / first) ** 2 + (v / second) ** 2))
    return kernel / kernel.sum()


def sinc_kernel(cutoff: float) -> np.ndarray:
    """Equation 6: what passes all below a frequency (radians a pixel) and nothing above; sum 1."""
    places = np.arange(SIDE) - SIDE // 2
    radius = np.hypot(places[:, None], places)
    radius[SIDE // 2, SIDE // 2] = 1.0
    kernel = cutoff * j1(cutoff * radius) / (2 * np.pi * radius)
    kernel[SIDE // 2, SIDE // 2] = cutoff**2 / (4 * np.pi)  # the limit at 0
    return kernel / kernel.sum()


def filtered(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A picture (C, H, W) under a filter, its border mirrored as often as it takes."""
    room = SIDE // 2
    padded = np.pad(x, ((0, 0), (room, room), (room, room)), mode="symmetric")
    return fftconvolve(padded, kernel[None].astype(np.float32), "valid", axes=(1, 2))


def scaled(size: tuple[int, int], order: Order, draws: np.random.Generator) -> tuple[int, int]:
    """A random size: larger, smaller or as it is."""
    kind = draws.random()
    factor = 1.0
    if kind < order.up_share:
        factor = draws.uniform(1, max(1.0, order.resize[1]))
    elif kind < order.up_share + order.down_share:
        factor = draws.uniform(min(1.0, order.resize[0]), 1)
    return max(1, round(factor * size[0])), max(1, round(factor * size[1]))


def resized(x: np.ndarray, size: tuple[int, int], draws: np.random.Generator) -> np.ndarray:
    """A picture at another size, by a random one of area, bilinear and bicubic."""
    mode = MODES[draws.integers(len(MODES))]
    planes = [
        np.asarray(Image.fromarray(plane.astype(np.float32)).resize(size[::-1], mode))
        for plane in x
    ]
    return np.stack(planes)


def noisy(x: np.ndarray, order: Order, draws: np.random.Generator) -> np.ndarray:
    """Gaussian noise, or Poisson's, which grows with brightness; coloured or grey."""
    grey = draws.random() < order.grey_share
    if draws.random() < order.gaussian_share:
        noise = draws.standard_normal((1 if grey else len(x), *x.shape[1:]))
        return np.clip(x + draws.uniform(*order.gaussian) / 255 * noise, 0, 1)
    seen = (x.mean(0, keepdims=True) if grey else x).clip(0, 1)
    photons = 2 ** np.ceil(np.log2(max(2, len(np.unique((seen * 255).round())))))
    noise = draws.poisson(seen * photons) / photons - seen
    return np.clip(x + draws.uniform(*order.poisson) * noise, 0, 1)


def compressed(x: np.ndarray, order: Order, draws: np.random.Generator) -> np.ndarray:
    """What JPEG leaves of a picture."""
    levels = (x.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0)
    image = Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)
    file = BytesIO()
    image.save(file, "JPEG", quality=round(draws.uniform(*order.quality)))
    pixels = np.asarray(Image.open(file)).reshape(levels.shape)
    return pixels.transpose(2, 0, 1).astype(np.float32) / 255
