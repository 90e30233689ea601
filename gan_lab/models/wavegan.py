"""WaveGAN: "Adversarial Audio Synthesis" (Donahue et al. 2019), with the game of WGAN-GP
(Gulrajani et al. 2017, Algorithm 1)."""

from functools import partial

import torch
from torch import Tensor

from gan_lab.losses.penalties import gradient_penalty
from gan_lab.models.base import Batch, Critic
from gan_lab.models.wgan_gp import WGANGP


class WaveGAN(WGANGP):
    """A critic of raw sounds that shuffles the phases of its layers (Section 3.3).

    Each row of what the critic sees has shifts of its own, drawn anew for real, fake and what lies
    between them.
    """

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real, label = batch["image"], self.label(batch)  # (B, 1, T) in [-1, 1], (B,) or None
        fake = self.generator(self.latent(real), label)
        both = self.shuffling(real, fake)
        adversarial = self.game.discriminator(*self.judge(real, fake, label, by=both))
        between = partial(self.shuffling(real), label=label)
        penalty = gradient_penalty(between, real, fake, self.uniform(real))
        self.report("penalty/gradient", penalty)
        return (adversarial + self.penalty_weight * penalty).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        label = self.label(batch)
        fake = self.generator(self.latent(batch["image"]), label)
        return self.game.generator(self.judge_fake(fake, label, by=self.shuffling(fake))).mean()

    def shuffling(self, *samples: Tensor) -> Critic:
        """The critic with shifts of their own for all rows of `samples`, one after another."""
        draws = [self.uniform(rows, self.discriminator.num_shuffles) for rows in samples]
        return partial(self.discriminator, draws=torch.cat(draws))
