"""Projection cGAN: "cGANs with Projection Discriminator" (Miyato & Koyama 2018)."""

from torch import Tensor

from gan_lab.losses.adversarial import Hinge
from gan_lab.models.base import GAN, Batch


class ProjectionGAN(GAN):
    """The hinge game against a discriminator that projects its features on the class's embedding.

    D(x, y) = <embedding of y, features of x> + linear(features of x) (Equation 4): the form that
    log p(x, y) / q(x, y) takes where classes are log-linear in the features.

    Args:
        discriminator_steps: discriminator steps per generator step (paper: n_dis = 5).
    """

    def __init__(self, *, discriminator_steps: int = 5, **gan) -> None:
        super().__init__(**gan)
        self.discriminator_steps = discriminator_steps
        self.game = Hinge()
        if not self.conditional:
            raise ValueError("num_classes=null: model=projection needs data with labels")

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        if self.every(self.discriminator_steps):
            self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real, label = batch["image"], batch["label"]  # (B, C, H, W) in [-1, 1], (B,)
        fake = self.generator(self.latent(real), label)
        return self.game.discriminator(*self.judge(real, fake, label)).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        label = batch["label"]
        fake = self.generator(self.latent(batch["image"]), label)
        return self.game.generator(self.judge_fake(fake, label)).mean()
