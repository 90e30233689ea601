"""DCGAN: "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks" (Radford et al. 2016)."""

from torch import Tensor

from gan_lab.losses.adversarial import NonSaturating
from gan_lab.models.base import GAN, Batch


class DCGAN(GAN):
    """The non-saturating game between convolutional networks with batch norm.

    Real and fake pass the discriminator separately: batch norm must not see their mixture.
    """

    def __init__(self, **gan) -> None:
        super().__init__(**gan)
        self.game = NonSaturating()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real = batch["image"]  # (B, C, H, W) in [-1, 1]
        fake = self.generator(self.latent(real))
        return self.game.discriminator(*self.judge(real, fake)).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        fake = self.generator(self.latent(batch["image"]))
        return self.game.generator(self.judge_fake(fake)).mean()
