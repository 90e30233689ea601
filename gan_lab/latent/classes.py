"""From one class to another with the same z (Miyato & Koyama 2018, Section 4)."""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from gan_lab.errors import UserError
from gan_lab.latent.space import LatentSpace, Order
from gan_lab.models.base import GAN
from gan_lab.pictures import grid, save


def class_ways(start: int, end: int, num_classes: int, steps: int) -> Tensor:
    """Weights of classes (steps, K), all on `start` at first and all on `end` at last."""
    ends = one_hot(torch.tensor([start, end]), num_classes).float()
    return torch.lerp(ends[:1], ends[1:], torch.linspace(0, 1, steps)[:, None])


class Classes:
    """A .png with one z in each row, going from class `start` to class `end`.

    What a label turns into (an embedding, a one-hot vector) is mixed in the same proportion.

    Args:
        start: class id on the left.
        end: class id on the right.
        steps: pictures in a row.
    """

    def __init__(self, *, start: int = 0, end: int = 1, steps: int = 8) -> None:
        if steps < 2:
            raise ValueError(f"mode.steps={steps}: give at least 2")
        self.start, self.end, self.steps = start, end, steps

    def __call__(self, gan: GAN, order: Order) -> Path:
        if not gan.conditional:
            raise UserError(
                f"mode=classes: {type(gan).__name__} takes no label; choose a conditional run"
            )
        for name, label in (("start", self.start), ("end", self.end)):
            if not 0 <= label < gan.num_classes:
                raise UserError(
                    f"mode.{name}={label} is not a class of this model; give 0 to"
                    f" {gan.num_classes - 1}"
                )
        path = order.path(f"classes-{self.start}-{self.end}-seed{order.seed}-{order.num}", ".png")
        space = LatentSpace(gan, order)
        z, _ = space.draw(order.num)
        ways = class_ways(self.start, self.end, gan.num_classes, self.steps)  # (steps, K)
        label = ways.repeat(order.num, 1)
        save(grid(space.pictures(z.repeat_interleave(self.steps, 0), label), self.steps), path)
        return path
