"""Horizontal flips of what the discriminator sees."""

import torch
from torch import Tensor

from gan_lab.augment.base import Augmentation, refuse_points


class Flip(Augmentation):
    """Every picture is mirrored left to right with probability 1/2.

    Unlike `data.mirror` this does not enlarge the data set: real and fake pictures are flipped
    alike, and the generator learns the data as they are, so far as flipping leaves a trace of it.
    """

    num_draws = 1

    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        refuse_points(images)
        return torch.where(draws.view(-1, 1, 1, 1) < 0.5, images.flip(3), images)
