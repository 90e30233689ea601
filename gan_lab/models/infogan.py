"""InfoGAN: "InfoGAN: Interpretable Representation Learning by Information Maximizing Generative
Adversarial Nets" (Chen et al. 2016)."""

from torch import Tensor

from gan_lab.losses.adversarial import NonSaturating
from gan_lab.models.base import GAN, Batch


class InfoGAN(GAN):
    """A part of the latent, the code, can be read off the sample: it comes to mean something.

    The game gains lambda * L_I, a bound of the mutual information I(c; G(z, c)) (Equations 5 and
    6). Q, which reads the code, is a head on the discriminator's body. As in the authors' code, the
    term is in both players' losses: the discriminator's step trains Q, the generator's step G.

    The code is a part of the latent, so `sample` draws it too; `decode` shows what is chosen. One
    row of samples that differ in the first code alone:

        z = torch.randn(1, gan.latent_dim).repeat(10, 1)
        images = gan.decode(gan.generator.with_code(z, 0, torch.arange(10)))

    Args:
        category_weight: lambda of the categorical codes (paper: 1).
        continuous_weight: lambda of the continuous codes, smaller, so that the bound's scale is
            that of the game (Section 7).
    """

    def __init__(
        self, *, category_weight: float = 1.0, continuous_weight: float = 0.1, **gan
    ) -> None:
        super().__init__(**gan)
        self.category_weight = category_weight
        self.continuous_weight = continuous_weight
        self.game = NonSaturating()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real = batch["image"]  # (B, C, H, W) in [-1, 1]
        z = self.latent(real)
        real_logits = self.discriminator(self.augmented(real))
        fake_logits, code_logits = self.judge_and_read(z)
        self.observe(real_logits, fake_logits)
        adversarial = self.game.discriminator(real_logits, fake_logits)
        return (adversarial - self.information(z, code_logits)).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        z = self.latent(batch["image"])
        fake_logits, code_logits = self.judge_and_read(z)
        return (self.game.generator(fake_logits) - self.information(z, code_logits)).mean()

    def judge_and_read(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """D's logits (B,) and Q's (B, code_dim) of the samples of latents (B, Z)."""
        return self.discriminator.judge_and_read(self.augmented(self.generator(z)))

    def information(self, z: Tensor, code_logits: Tensor) -> Tensor:
        """lambda * L_I per sample, up to the constant H(c): E[log Q(c | x)], (B,)."""
        category, continuous = self.generator.log_likelihood(z, code_logits)
        self.report("information/category", category)
        self.report("information/continuous", continuous)
        return self.category_weight * category + self.continuous_weight * continuous
