"""SAGAN: "Self-Attention Generative Adversarial Networks" (Zhang et al. 2019)."""

from torch import Tensor

from gan_lab.losses.adversarial import Hinge
from gan_lab.models.base import GAN, Batch


class SAGAN(GAN):
    """The hinge game (Equation 4) between networks that attend to the whole picture.

    Spectral norm in both players, and a faster discriminator by its learning rate instead of by
    more steps (Section 4), are in the networks and in the optimizers. With labels, both players see
    them.
    """

    def __init__(self, **gan) -> None:
        super().__init__(**gan)
        self.game = Hinge()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real, label = batch["image"], self.label(batch)  # (B, C, H, W) in [-1, 1], (B,) or None
        fake = self.generator(self.latent(real), label)
        return self.game.discriminator(*self.judge(real, fake, label)).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        label = self.label(batch)
        fake = self.generator(self.latent(batch["image"]), label)
        return self.game.generator(self.judge_fake(fake, label)).mean()
