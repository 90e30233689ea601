"""MuseGAN: "MuseGAN: Multi-track Sequential Generative Adversarial Networks for Symbolic Music
Generation and Accompaniment" (Dong et al. 2018), which trains by WGAN-GP (Gulrajani et al. 2017,
Algorithm 1), with the binary neurons of Dong and Yang 2018."""

from torch import Tensor

from gan_lab.losses.adversarial import Wasserstein
from gan_lab.losses.penalties import gradient_penalty
from gan_lab.models.base import GAN, Batch


class MuseGAN(GAN):
    """A critic of whole pieces, and a generator whose notes are there or not.

    The generator's last layer is binary already in training, so that the critic can't tell real
    from fake by values between the two; the penalty is taken between them all the same. All is
    trained at once, where Dong and Yang add a refiner in a second stage.

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
        real = batch["image"]  # (B, tracks, T, P), -1 or 1
        fake = self.generator(self.latent(real))
        adversarial = self.game.discriminator(*self.judge(real, fake))
        penalty = gradient_penalty(self.discriminator, real, fake, self.uniform(real))
        self.report("penalty/gradient", penalty)
        return (adversarial + self.penalty_weight * penalty).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        fake = self.generator(self.latent(batch["image"]))
        self.report("notes/fake", (fake + 1) / 2)
        self.report("notes/real", (batch["image"] + 1) / 2)
        return self.game.generator(self.judge_fake(fake)).mean()
