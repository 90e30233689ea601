"""Progressive GAN: "Progressive Growing of GANs for Improved Quality, Stability, and Variation"
(Karras et al. 2018)."""

from torch import Tensor

from gan_lab.losses.adversarial import Wasserstein
from gan_lab.losses.penalties import drift, gradient_penalty
from gan_lab.models.base import GAN, Batch
from gan_lab.networks.growth import Growth


class ProgressiveGAN(GAN):
    """WGAN-GP between networks that grow: coarse pictures are learned first, detail is faded in.

    Adam's moments are not reset when a size is added, as the reference implementation does: those
    of the new layers begin with their first gradient.

    Args:
        growth: kimg to the level that both players run at.
        critic_steps: critic steps per generator step (paper: n_critic = 1).
        penalty_weight: weight of the gradient penalty (paper: lambda = 10).
        drift_weight: weight of what keeps real logits near 0 (paper: epsilon_drift = 0.001).
    """

    twice_differentiated = ("discriminator",)

    def __init__(
        self,
        growth: Growth,
        *,
        critic_steps: int = 1,
        penalty_weight: float = 10.0,
        drift_weight: float = 1e-3,
        **gan,
    ) -> None:
        super().__init__(**gan)
        self.growth = growth
        self.critic_steps = critic_steps
        self.penalty_weight = penalty_weight
        self.drift_weight = drift_weight
        self.game = Wasserstein()
        self.grow()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.grow()
        self.report("growth/level", self.discriminator.top - 1 + self.discriminator.alpha)
        self.descend("discriminator", self.discriminator_loss, batch)
        if self.every(self.critic_steps):
            self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real = self.discriminator.faded(batch["image"])  # (B, C, H, W) in [-1, 1]
        fake = self.generator(self.latent(real))
        real_logits, fake_logits = self.judge(real, fake)
        penalty = gradient_penalty(self.discriminator, real, fake, self.uniform(real))
        self.report("penalty/gradient", penalty)
        adversarial = self.game.discriminator(real_logits, fake_logits)
        regularised = self.penalty_weight * penalty + self.drift_weight * drift(real_logits)
        return (adversarial + regularised).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        fake = self.generator(self.latent(batch["image"]))
        return self.game.generator(self.judge_fake(fake)).mean()

    def grow(self) -> None:
        """All networks to the level of the images seen so far."""
        for network in (self.generator, self.generator_ema, self.discriminator):
            network.grow(self.growth(self.kimg))
