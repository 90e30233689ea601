"""BigGAN: "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (Brock et al.
2019)."""

from torch import Tensor

from gan_lab.losses.adversarial import Hinge
from gan_lab.losses.penalties import orthogonality
from gan_lab.models.base import GAN, Batch


class BigGAN(GAN):
    """The hinge game between wide networks that know the class, whose generator may be truncated.

    Orthogonal regularisation lets the generator map all of z to good samples, so that smaller z
    (`truncation` in `sample`) trade variety for fidelity.

    Args:
        discriminator_steps: discriminator steps per generator step, each on a minibatch of its own
            (paper: 2).
        orthogonality_weight: beta of Equation 3, on the generator's weights (paper: 1e-4).
    """

    def __init__(
        self, *, discriminator_steps: int = 2, orthogonality_weight: float = 1e-4, **gan
    ) -> None:
        super().__init__(**gan)
        self.discriminator_steps = discriminator_steps
        self.orthogonality_weight = orthogonality_weight
        self.game = Hinge()

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
        adversarial = self.game.generator(self.judge_fake(fake, label)).mean()
        if self.orthogonality_weight == 0:
            return adversarial
        penalty = sum(orthogonality(weight) for weight in self.generator.filters())
        self.report("penalty/orthogonality", penalty)
        return adversarial + self.orthogonality_weight * penalty
