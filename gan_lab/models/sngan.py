"""SNGAN: "Spectral Normalization for Generative Adversarial Networks" (Miyato et al. 2018)."""

from torch import Tensor

from gan_lab.losses.adversarial import Hinge
from gan_lab.models.base import GAN, Batch


class SNGAN(GAN):
    """The hinge game against a discriminator whose every layer has spectral norm 1.

    The norm is followed by one step of power iteration in each pass of the discriminator's own turn
    (Algorithm 1) and held in the generator's.

    Args:
        discriminator_steps: discriminator steps per generator step (paper: n_dis = 5).
    """

    def __init__(self, *, discriminator_steps: int = 5, **gan) -> None:
        super().__init__(**gan)
        self.discriminator_steps = discriminator_steps
        self.game = Hinge()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        if self.every(self.discriminator_steps):
            self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real, label = batch["image"], self.label(batch)  # (B, C, H, W) in [-1, 1], (B,) or None
        fake = self.generator(self.latent(real), label)
        return self.game.discriminator(*self.judge(real, fake, label)).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        label = self.label(batch)
        fake = self.generator(self.latent(batch["image"]), label)
        return self.game.generator(self.judge_fake(fake, label)).mean()
