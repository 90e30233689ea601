"""Pictures drawn on the spot: plain shapes with exact masks, for data that need no download.

Each is a signed distance in pixels, negative inside, so edges are antialiased and an outline is a
band around zero.
"""

from collections.abc import Callable

import numpy as np

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]

EDGE = 1.0  # pixels over which a shape's edge fades


def circle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Distance to the unit circle."""
    return np.hypot(x, y) - 1


def square(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Distance to a square whose corners lie on the unit circle, about."""
    dx, dy = np.abs(x) - 0.8, np.abs(y) - 0.8
    return np.hypot(dx.clip(0), dy.clip(0)) + np.maximum(dx, dy).clip(max=0)


def triangle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Distance to the equilateral triangle in the unit circle (beyond a corner a little less)."""
    half = np.sqrt(3) / 2
    return np.maximum.reduce([y - 0.5, half * x - 0.5 * y - 0.5, -half * x - 0.5 * y - 0.5])


def star(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Distance to the star of five points in the unit circle (beyond a point a little less)."""
    tenth, inner = np.pi / 5, 0.46  # the angle from a point to the next notch; a notch's radius
    angle = np.abs((np.arctan2(x, -y) + tenth) % (2 * tenth) - tenth)
    along, across = np.hypot(x, y) * np.cos(angle), np.hypot(x, y) * np.sin(angle)
    dx, dy = inner * np.cos(tenth) - 1, inner * np.sin(tenth)  # from a point to the notch
    return (dy * (along - 1) - dx * across) / np.hypot(dx, dy)


SHAPES: dict[str, Distance] = {"circle": circle, "square": square, "triangle": triangle}
FIGURES = SHAPES | {"star": star}


def distance(
    shape: str, centre: tuple[float, float], radius: float, angle: float, size: tuple[int, int]
) -> np.ndarray:
    """Signed distance in pixels to a shape: (H, W).

    Args:
        shape: a name in FIGURES.
        centre: (x, y) in pixels.
        radius: of the circle around it, in pixels.
        angle: of turning, in radians.
        size: (H, W).
    """
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    x, y = (x - centre[0]) / radius, (y - centre[1]) / radius
    cos, sin = np.cos(angle), np.sin(angle)
    return radius * FIGURES[shape](cos * x + sin * y, cos * y - sin * x)


def filled(distance: np.ndarray) -> np.ndarray:
    """Coverage in [0, 1] of the shape: (H, W)."""
    return (0.5 - distance / EDGE).clip(0, 1)


def outlined(distance: np.ndarray, width: float = 1.5) -> np.ndarray:
    """Coverage in [0, 1] of the shape's outline, `width` pixels wide: (H, W)."""
    return filled(np.abs(distance) - width / 2)


def paint(canvas: np.ndarray, coverage: np.ndarray, colour: np.ndarray) -> None:
    """Lay a colour on a canvas (H, W, 3) in 0..255, in place.

    Args:
        coverage: (H, W) in [0, 1].
        colour: (3,), or (H, W, 3).
    """
    canvas += coverage[..., None] * (np.asarray(colour, float) - canvas)


def lit(
    colour: tuple[int, int, int], centre: tuple[float, float], radius: float, size: tuple[int, int]
) -> np.ndarray:
    """A colour as light from the upper left shades it: (H, W, 3) in 0..255."""
    y, x = np.mgrid[: size[0], : size[1]]
    across = ((x - centre[0]) + (y - centre[1])) / (2 * radius)  # about -1 .. 1
    return (np.asarray(colour) * (0.95 - 0.3 * across)[..., None]).clip(0, 255)
