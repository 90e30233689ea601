"""R3GAN: "The GAN is dead; long live the GAN! A Modern GAN Baseline" (Huang et al. 2024)."""

import torch
from torch import Tensor

from gan_lab.losses.adversarial import RelativisticPairing
from gan_lab.losses.penalties import squared_gradient_norm
from gan_lab.models.base import GAN, Batch


class R3GAN(GAN):
    """Each fake is judged against one real, with zero-centred gradient penalties on both.

    Args:
        gamma: weight of the R1 and R2 penalties (Equation 3).
    """

    twice_differentiated = ("discriminator",)

    def __init__(self, *, gamma: float = 1.0, **gan) -> None:
        super().__init__(**gan)
        self.gamma = gamma
        self.game = RelativisticPairing()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real = batch["image"]  # (B, C, H, W) in [-1, 1]
        fake = self.generator(self.latent(real))
        both = torch.cat([real, fake]).detach().requires_grad_()
        real_logits, fake_logits = self.judge(*both.chunk(2))
        r1, r2 = squared_gradient_norm(real_logits + fake_logits, both).chunk(2)
        self.report("penalty/r1", r1)
        self.report("penalty/r2", r2)
        adversarial = self.game.discriminator(real_logits, fake_logits)
        return (adversarial + self.gamma / 2 * (r1 + r2)).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        real = batch["image"]
        fake = self.generator(self.latent(real))
        return self.game.generator(*self.judge(real, fake)).mean()
