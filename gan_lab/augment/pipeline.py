"""The augmentations of "Training Generative Adversarial Networks with Limited Data" (Karras et al.
2020), Appendix B, at a given strength."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gan_lab.augment.base import Augmentation, refuse_points
from gan_lab.augment.colour import COLOUR_DRAWS, colour, coloured
from gan_lab.augment.corruption import (
    CUTOUT_DRAWS,
    FILTER_DRAWS,
    NOISE_DRAWS,
    cut,
    filtered,
    noisy,
)
from gan_lab.augment.draws import Draws
from gan_lab.augment.geometry import BLIT_DRAWS, GEOMETRY_DRAWS, blit, geometry, transformed
from gan_lab.errors import UserError

# In the order in which they act; how many numbers each draws for a picture.
STEPS = {
    "blit": BLIT_DRAWS,
    "geometry": GEOMETRY_DRAWS,
    "colour": COLOUR_DRAWS,
    "filter": FILTER_DRAWS,
    "noise": NOISE_DRAWS,
    "cutout": CUTOUT_DRAWS,
}


class Pipeline(Augmentation):
    """Each transformation happens to each picture with probability p.

    Args:
        policy: which of `blit` (mirroring, quarter turns, whole pixels), `geometry`, `colour`,
            `filter`, `noise`, `cutout`; they act in this order. The paper's is the first three.
        p: the probability; a buffer, that an heir may move.
    """

    def __init__(self, policy: Sequence[str], p: float) -> None:
        super().__init__()
        unknown = [name for name in policy if name not in STEPS]
        if unknown or not policy or len(set(policy)) < len(policy):
            raise ValueError(f"policy={list(policy)}: name each of {', '.join(STEPS)} at most once")
        if not 0 <= p <= 1:
            raise ValueError(f"p={p}: a probability is between 0 and 1")
        self.policy = frozenset(policy)
        self.num_draws = sum(STEPS[name] for name in policy)
        self.register_buffer("p", torch.tensor(float(p)))

    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        refuse_points(images)
        _, C, H, W = images.shape
        if C not in (1, 3, 4):
            raise UserError(f"augment: ADA takes 1, 3 or 4 channels, the data have {C}")
        if not images.is_cuda and self.p == 0:
            return images
        policy, p, numbers = self.policy, self.p, Draws(draws)
        with torch.autocast(images.device.type, enabled=False):
            images = images.to(torch.promote_types(images.dtype, torch.float32))
            if policy & {"blit", "geometry"}:
                matrices = [
                    kind(numbers, p, H, W)
                    for name, kind in [("blit", blit), ("geometry", geometry)]
                    if name in policy
                ]
                inverse = matrices[0] if len(matrices) == 1 else matrices[0] @ matrices[1]
                images = transformed(images, inverse)
            if "colour" in policy:
                images = coloured(images, colour(numbers, p, C))
            if "filter" in policy:
                images = filtered(images, numbers, p)
            if "noise" in policy:
                images = noisy(images, numbers, p)
            if "cutout" in policy:
                images = cut(images, numbers, p)
        return images

    def reports(self) -> dict[str, Tensor]:
        return {"p": self.p}
