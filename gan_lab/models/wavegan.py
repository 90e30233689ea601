"""WaveGAN: "Adversarial Audio Synthesis" (Donahue et al. 2019), with the game of WGAN-GP
(Gulrajani et al. 2017, Algorithm 1)."""

from functools import partial

import torch
from torch import Tensor

from gan_lab.losses.adversarial import Wasserstein
from gan_lab.losses.penalties import gradient_penalty
from gan_lab.models.base import GAN, Batch, Critic


class WaveGAN(GAN):
    """A critic of raw sounds that shuffles the phases of its layers (Section 3.3).

    Each row of what the critic sees has shifts of its own, drawn anew for real, fake and what lies
    between them.

    Args:
        critic_steps: critic steps per generator step (paper: 5).
        penalty_weight: weight of the gradient penalty (paper: lambda = 10).
    """

    twice_differentiated = ("discriminator",)

    def __init__(self, *, critic_steps: int = 5, penalty_weight: float = 10.0, **gan) -> None:
        super().__init__(**gan)
        self.critic_steps = critic_steps
        self.penalty_weight = penalty_weight
        self.game = Wasserstein()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        if self.every(self.critic_steps):
            self.descend("generator", self.generator_loss, batch)

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
