"""ADA: "Training Generative Adversarial Networks with Limited Data" (Karras et al. 2020)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gan_lab.augment.pipeline import Pipeline
from gan_lab.strategy import average_

PAPER = ("blit", "geometry", "colour")  # `bgc`


class FixedADA(Pipeline):
    """The paper's augmentations with a constant probability (Section 2.2).

    Below 0.8 they do not leak into the samples.

    Args:
        p: probability of each transformation.
        policy: see `Pipeline`.
    """

    def __init__(self, p: float, *, policy: Sequence[str] = PAPER) -> None:
        super().__init__(policy, p)


class ADA(Pipeline):
    """The paper's augmentations, as strong as the discriminator overfits (Section 3).

    Overfitting is r_t = E[sign(D(x))] over real pictures (Equation 1): 0 while it knows nothing of
    them, 1 where it knows each. Logits must be positive for real: not for Wasserstein critics.

    Args:
        target: of r_t (paper: 0.6).
        adjust_kimg: thousands of real images in which p can rise from 0 to 1 (paper: 500).
        every: training steps between two adjustments (paper: 4).
        policy: see `Pipeline`.
    """

    def __init__(
        self,
        *,
        target: float = 0.6,
        adjust_kimg: float = 500.0,
        every: int = 4,
        policy: Sequence[str] = PAPER,
    ) -> None:
        super().__init__(policy, 0.0)
        if not -1 < target < 1:
            raise ValueError(f"target={target}: r_t lies between -1 and 1 (paper: 0.6)")
        for name, value in [("adjust_kimg", adjust_kimg), ("every", every)]:
            if value <= 0:
                raise ValueError(f"{name}={value}: must be above 0")
        self.target, self.adjust_kimg, self.every = target, adjust_kimg, every
        self.register_buffer("r_t", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(()))  # sum of the means of sign(D(x))
        self.register_buffer("num_signs", torch.zeros(()))  # how many means that are
        self.register_buffer("num_steps", torch.zeros(()))  # since the last adjustment

    @torch.no_grad()
    def observe(self, real_logits: Tensor) -> None:
        signs = real_logits.sign().float().mean()
        average_([signs])  # at once: what the first process saves is then what all of them know
        self.signs += signs
        self.num_signs += 1

    @torch.no_grad()
    def adapt(self, num_images: int) -> None:
        self.num_steps += 1
        due = (self.num_steps >= self.every) & (self.num_signs > 0)
        step = self.num_steps * (num_images / (1000 * self.adjust_kimg))
        self.r_t.copy_(torch.where(due, self.signs / self.num_signs, self.r_t))
        moved = self.p + (self.r_t - self.target).sign() * step
        # The paper bounds p by 0 alone; beyond 1 it would change nothing, and be slow to return.
        self.p.copy_(torch.where(due, moved.clamp(0, 1), self.p))
        for count in (self.signs, self.num_signs, self.num_steps):
            count.mul_(~due)

    def reports(self) -> dict[str, Tensor]:
        return {"p": self.p, "r_t": self.r_t}
