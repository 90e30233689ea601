"""What samples are: how they are kept, looked at, and written to files."""

from gan_lab.media.base import Medium
from gan_lab.media.pictures import Pictures
from gan_lab.media.points import Points
from gan_lab.media.rolls import Rolls
from gan_lab.media.sounds import Sounds

__all__ = [
    "Medium",
    "Pictures",
    "Points",
    "Rolls",
    "Sounds",
    "holds_pictures",
    "usual_medium",
]


def usual_medium(shape: tuple[int, ...]) -> Medium:
    """That of samples of which only the shape is known: points in one dimension, else pictures."""
    return Points() if len(shape) == 1 else Pictures()


def holds_pictures(source) -> bool:
    """Whether a data set or a model is of pictures (C, H, W): no points, films, sounds or rolls."""
    return isinstance(source.medium, Pictures) and len(source.shape) == 3
