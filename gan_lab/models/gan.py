"""GAN: "Generative Adversarial Nets" (Goodfellow et al. 2014), Algorithm 1."""

from torch import Tensor

from gan_lab.losses.adversarial import Minimax
from gan_lab.models.base import GAN, Batch


class OriginalGAN(GAN):
    """A generator learns to make what a discriminator cannot tell from data.

    Args:
        game: what both minimise; `Minimax` is Equation 1, `NonSaturating` its practical form.
        discriminator_steps: discriminator steps per generator step (paper: k = 1).
    """

    def __init__(self, *, game: Minimax, discriminator_steps: int = 1, **gan) -> None:
        super().__init__(**gan)
        self.game = game
        self.discriminator_steps = discriminator_steps

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        if self.every(self.discriminator_steps):
            self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real = batch["image"]  # (B, C, H, W) in [-1, 1]
        fake = self.generator(self.latent(real))
        return self.game.discriminator(*self.judge(real, fake)).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        fake = self.generator(self.latent(batch["image"]))
        return self.game.generator(self.judge_fake(fake)).mean()
