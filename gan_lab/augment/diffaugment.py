"""DiffAugment: "Differentiable Augmentation for Data-Efficient GAN Training" (Zhao et al. 2020).

The paper's three kinds, applied to real and fake pictures in both players' turns (Equations 3, 4).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from gan_lab.augment.base import Augmentation, refuse_points
from gan_lab.augment.draws import Draws

SHIFT = 8  # a side is shifted by at most this part of it
HOLE = 2  # and this part of it is cut out


class DiffAugment(Augmentation):
    """Random colour, translation and cutout of everything that the discriminator sees.

    Args:
        policy: which of `colour`, `translation`, `cutout`, in the order in which they act. The
            paper takes all three for a hundred pictures, translation and cutout for CIFAR-10.
    """

    def __init__(self, policy: Sequence[str] = ("colour", "translation", "cutout")) -> None:
        super().__init__()
        unknown = [name for name in policy if name not in STEPS]
        if unknown or len(set(policy)) < len(policy):
            raise ValueError(f"policy={list(policy)}: name each of {', '.join(STEPS)} at most once")
        self.policy = tuple(policy)
        self.num_draws = sum(STEPS[name][1] for name in policy)

    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        refuse_points(images)
        numbers = Draws(draws)
        for name in self.policy:
            images = STEPS[name][0](images, numbers)
        return images


def colour(images: Tensor, draws: Draws) -> Tensor:
    """Brightness, saturation and contrast of pictures (B, C, H, W); alpha stays."""
    C = images.shape[1]
    colours, alpha = images.split([3, 1], 1) if C == 4 else (images, None)
    colours = colours + column(draws.uniform(-0.5, 0.5))
    grey = colours.mean(dim=1, keepdim=True)
    colours = (colours - grey) * column(draws.uniform(0.0, 2.0)) + grey
    middle = colours.mean(dim=(1, 2, 3), keepdim=True)
    colours = (colours - middle) * column(draws.uniform(0.5, 1.5)) + middle
    return colours if alpha is None else torch.cat([colours, alpha], 1)


def translation(images: Tensor, draws: Draws) -> Tensor:
    """Shift pictures (B, C, H, W) by whole pixels, up to an eighth of a side; 0 moves in."""
    B, C, H, W = images.shape
    most_y, most_x = H // SHIFT, W // SHIFT
    y = draws.whole(2 * most_y + 1).long()  # 0 ... 2 most_y: first row of the window
    x = draws.whole(2 * most_x + 1).long()
    rows = y[:, None] + torch.arange(H, device=images.device)  # (B, H)
    columns = x[:, None] + torch.arange(W, device=images.device)
    images = pad(images, [most_x, most_x, most_y, most_y])
    images = images.gather(2, rows[:, None, :, None].expand(B, C, H, images.shape[3]))
    return images.gather(3, columns[:, None, None, :].expand(B, C, H, W))


def cutout(images: Tensor, draws: Draws) -> Tensor:
    """Set a square of half a side to 0, its centre anywhere in the picture (B, C, H, W)."""
    _, _, H, W = images.shape
    inside_y = within(H, draws, images.device)  # (B, H)
    inside_x = within(W, draws, images.device)
    hole = inside_y[:, None, :, None] & inside_x[:, None, None, :]
    return images.masked_fill(hole, 0)


def within(side: int, draws: Draws, device: torch.device) -> Tensor:
    """(B, side) bool: which pixels a hole with a random centre covers."""
    size = side // HOLE
    centre = draws.whole(side + 1 - size % 2)  # an even hole has its centre between two pixels
    first = centre - size // 2
    place = torch.arange(side, device=device)
    return (place >= first[:, None]) & (place < first[:, None] + size)


def column(values: Tensor) -> Tensor:
    """(B,) -> (B, 1, 1, 1)."""
    return values[:, None, None, None]


# What a policy names, and how many numbers it draws for each picture.
STEPS = {"colour": (colour, 3), "translation": (translation, 2), "cutout": (cutout, 2)}
