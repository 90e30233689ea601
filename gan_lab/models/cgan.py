"""cGAN: "Conditional Generative Adversarial Nets" (Mirza & Osindero 2014), Equation 2."""

from torch import Tensor

from gan_lab.losses.adversarial import NonSaturating
from gan_lab.losses.penalties import squared_gradient_norm
from gan_lab.models.base import GAN, Batch


class ConditionalGAN(GAN):
    """Both players see the label: samples of a class are judged against data of that class.

    Args:
        r1_weight: gamma of a zero-centred penalty on the real samples' gradient (Mescheder et al.
            2018), which the paper did not have yet; 0 leaves the paper's game.
    """

    twice_differentiated = ("discriminator",)

    def __init__(self, *, r1_weight: float = 0.1, **gan) -> None:
        super().__init__(**gan)
        self.r1_weight = r1_weight
        self.game = NonSaturating()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real, label = batch["image"].detach().requires_grad_(), batch["label"]  # (B, C, H, W), (B,)
        fake = self.generator(self.latent(real), label)
        real_logits, fake_logits = self.judge(real, fake, label)
        r1 = squared_gradient_norm(real_logits, real)
        self.report("penalty/r1", r1)
        adversarial = self.game.discriminator(real_logits, fake_logits)
        return (adversarial + self.r1_weight / 2 * r1).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        label = batch["label"]
        fake = self.generator(self.latent(batch["image"]), label)
        return self.game.generator(self.judge_fake(fake, label)).mean()
