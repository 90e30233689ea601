"""WGAN-GP: "Improved Training of Wasserstein GANs" (Gulrajani et al. 2017), Algorithm 1."""

from torch import Tensor

from gan_lab.losses.adversarial import Wasserstein
from gan_lab.losses.penalties import gradient_penalty
from gan_lab.models.base import GAN, Batch


class WGANGP(GAN):
    """A critic held near 1-Lipschitz by a penalty on its gradient between real and fake.

    Args:
        critic_steps: critic steps per generator step (paper: n_critic = 5).
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
        real = batch["image"]  # (B, C, H, W) in [-1, 1]
        fake = self.generator(self.latent(real))
        adversarial = self.game.discriminator(*self.judge(real, fake))
        penalty = gradient_penalty(self.discriminator, real, fake, self.uniform(real))
        self.report("penalty/gradient", penalty)
        return (adversarial + self.penalty_weight * penalty).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        fake = self.generator(self.latent(batch["image"]))
        return self.game.generator(self.judge_fake(fake)).mean()
