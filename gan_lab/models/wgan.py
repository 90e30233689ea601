"""WGAN: "Wasserstein Generative Adversarial Networks" (Arjovsky et al. 2017), Algorithm 1."""

import torch
from torch import Tensor

from gan_lab.losses.adversarial import Wasserstein
from gan_lab.models.base import GAN, Batch


class WGAN(GAN):
    """A critic with clipped weights estimates the earth mover's distance; the generator lowers it.

    Args:
        critic_steps: critic steps per generator step (paper: n_critic = 5).
        clip: largest absolute weight of the critic (paper: c = 0.01).
    """

    def __init__(self, *, critic_steps: int = 5, clip: float = 0.01, **gan) -> None:
        super().__init__(**gan)
        self.critic_steps = critic_steps
        self.clip = clip
        self.game = Wasserstein()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        self.clip_weights()
        if self.every(self.critic_steps):
            self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real = batch["image"]  # (B, C, H, W) in [-1, 1]
        fake = self.generator(self.latent(real))
        return self.game.discriminator(*self.judge(real, fake)).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        fake = self.generator(self.latent(batch["image"]))
        return self.game.generator(self.judge_fake(fake)).mean()

    @torch.no_grad()
    def clip_weights(self) -> None:
        """w <- clip(w, -c, c), line 7."""
        weights = list(self.discriminator.parameters())
        torch._foreach_clamp_min_(weights, -self.clip)
        torch._foreach_clamp_max_(weights, self.clip)
