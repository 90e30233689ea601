"""LSGAN: "Least Squares Generative Adversarial Networks" (Mao et al. 2017), Equation 2."""

from torch import Tensor

from gan_lab.losses.adversarial import LeastSquares
from gan_lab.models.base import GAN, Batch


class LSGAN(GAN):
    """Logits are drawn to targets, so that a fake far on the right side still learns.

    Real and fake pass the discriminator separately: batch norm must not see their mixture.

    Args:
        a: the discriminator's target for fake samples.
        b: its target for real samples.
        c: the generator's target for fake samples. The defaults are Equation 9; -1, 1 and 0 descend
            the Pearson chi-squared divergence.
    """

    def __init__(self, *, a: float = 0.0, b: float = 1.0, c: float = 1.0, **gan) -> None:
        super().__init__(**gan)
        self.game = LeastSquares(a, b, c)

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
