"""R3GAN: "The GAN is dead; long live the GAN! A Modern GAN Baseline" (Huang et al. 2024)."""

import torch
from torch import Tensor

from gan_lab.losses.adversarial import RelativisticPairing
from gan_lab.losses.penalties import squared_gradient_norm
from gan_lab.models.base import GAN, Batch
from gan_lab.optim import Schedule, scheduled


class R3GAN(GAN):
    """Each fake is judged against one real, with zero-centred gradient penalties on both.

    Numbers that the paper lets burn in may be schedules, functions of the images seen.

    Args:
        gamma: weight of the R1 and R2 penalties (Equation 3).
        beta2: decay of Adam's second moment, in place of the optimizers' own.
        ema_halflife_kimg: as in `GAN`.
        augment_p: probability of an augmentation that has one, as `augment=ada_fixed` does.
    """

    twice_differentiated = ("discriminator",)

    def __init__(
        self,
        *,
        gamma: float | Schedule = 1.0,
        beta2: float | Schedule | None = None,
        ema_halflife_kimg: float | Schedule = 10.0,
        augment_p: float | Schedule | None = None,
        **gan,
    ) -> None:
        ema_halflife = scheduled(ema_halflife_kimg)
        super().__init__(ema_halflife_kimg=ema_halflife(0.0), **gan)
        self.gamma = scheduled(gamma)
        self.beta2 = None if beta2 is None else scheduled(beta2)
        self.ema_halflife = ema_halflife
        self.augment_p = None if augment_p is None else scheduled(augment_p)
        self.game = RelativisticPairing()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.burn_in()
        self.descend("discriminator", self.discriminator_loss, batch)
        self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real, label = batch["image"], self.label(batch)  # (B, C, H, W) in [-1, 1], (B,) or None
        fake = self.generator(self.latent(real), label)
        both = torch.cat([real, fake]).detach().requires_grad_()
        real_logits, fake_logits = self.judge(*both.chunk(2), label)
        r1, r2 = squared_gradient_norm(real_logits + fake_logits, both).chunk(2)
        self.report("penalty/r1", r1)
        self.report("penalty/r2", r2)
        adversarial = self.game.discriminator(real_logits, fake_logits)
        return (adversarial + self.gamma(self.kimg) / 2 * (r1 + r2)).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        real, label = batch["image"], self.label(batch)
        fake = self.generator(self.latent(real), label)
        return self.game.generator(*self.judge(real, fake, label)).mean()

    def burn_in(self) -> None:
        """Set what is scheduled, by the images seen alone: a resumed run sets the same."""
        self.ema_halflife_kimg = self.ema_halflife(self.kimg)
        if self.augment_p is not None and hasattr(self.augment, "p"):
            self.augment.p.fill_(self.augment_p(self.kimg))
        if self.beta2 is not None:
            for optimizer in self.trainer.optimizers:
                for group in optimizer.param_groups:
                    group["betas"] = (group["betas"][0], self.beta2(self.kimg))
