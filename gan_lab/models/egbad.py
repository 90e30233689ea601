"""EGBAD: "Efficient GAN-Based Anomaly Detection" (Zenati et al. 2018), on BiGAN: "Adversarial
Feature Learning" (Donahue et al. 2017)."""

import torch
from torch import Tensor

from gan_lab.engine.scoring import Scoring
from gan_lab.losses.adversarial import NonSaturating
from gan_lab.models.base import GAN, Batch


class EGBAD(Scoring, GAN):
    """Generator and encoder play together: the discriminator sees samples with their latents.

    It tells (x, E(x)) from (G(z), z) (Donahue et al. 2017, Equation 3); both are one player, and
    each is taken for the other where E is G's inverse.

    Args:
        residual_share: alpha of the residual in the score (Zenati et al. 2018, Section 3: 0.9); the
            rest is of the discriminator's features.
    """

    def __init__(self, *, residual_share: float = 0.9, **gan) -> None:
        super().__init__(**gan)
        if not 0 <= residual_share <= 1:
            raise ValueError(f"residual_share={residual_share}: give a share, from 0 to 1")
        self.residual_share = residual_share
        self.game = NonSaturating()

    def discriminator_loss(self, batch: Batch) -> Tensor:
        logits = self.judge_pairs(batch["image"])
        self.observe(*logits)
        return self.game.discriminator(*logits).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        real_logits, fake_logits = self.judge_pairs(batch["image"])
        return (self.game.generator(fake_logits) + self.game.generator(-real_logits)).mean()

    def judge_pairs(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B,) of (x, E(x)) and of (G(z), z)."""
        z = self.latent(x)
        images = self.augmented(x), self.augmented(self.generator(z))
        latents = self.generator.encode(x), z
        return self.discriminator(torch.cat(images), torch.cat(latents)).chunk(2)

    def score(self, x: Tensor) -> Tensor:
        """alpha L_G + (1 - alpha) L_D, the latter by matched features; means instead of sums."""
        z = self.generator_ema.encode(x)
        x_hat = self.generator_ema(z)
        f = self.discriminator.features
        residual = (x - x_hat).abs().flatten(1).mean(1)
        features = (f(x, z) - f(x_hat, z)).abs().mean(1)
        return self.residual_share * residual + (1 - self.residual_share) * features

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.generator_ema(self.generator_ema.encode(x))
