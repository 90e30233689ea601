"""StyleGAN: "A Style-Based Generator Architecture for Generative Adversarial Networks" (Karras et
al. 2019)."""

import torch
from torch import Tensor

from gan_lab.losses.adversarial import NonSaturating
from gan_lab.losses.penalties import squared_gradient_norm
from gan_lab.models.base import GAN, Batch
from gan_lab.networks.growth import Growth
from gan_lab.ops.styles import mixed_styles


class StyleGAN(GAN):
    """A generator whose layers are told their style and given noise, grown progressively.

    As in Progressive GAN, but for the reference's reset of Adam's moments at each new size: those
    of the new layers begin with their first gradient, the others go on.

    Args:
        growth: kimg to the level that both players run at.
        r1_weight: gamma of the zero-centred penalty on real samples (Appendix C: 10).
        mixing: share of samples that have styles of two latents (Section 3.1: 0.9).
    """

    twice_differentiated = ("discriminator",)

    def __init__(
        self, growth: Growth, *, r1_weight: float = 10.0, mixing: float = 0.9, **gan
    ) -> None:
        super().__init__(**gan)
        self.growth = growth
        self.r1_weight = r1_weight
        self.mixing = mixing
        self.game = NonSaturating()
        self.grow()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.grow()
        self.report("growth/level", self.discriminator.top - 1 + self.discriminator.alpha)
        self.descend("discriminator", self.discriminator_loss, batch)
        self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real = self.discriminator.faded(batch["image"]).detach().requires_grad_()  # (B, C, H, W)
        label = self.label(batch)
        real_logits, fake_logits = self.judge(real, self.fake(batch), label)
        r1 = squared_gradient_norm(real_logits, real)
        self.report("penalty/r1", r1)
        adversarial = self.game.discriminator(real_logits, fake_logits)
        return (adversarial + self.r1_weight / 2 * r1).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        logits = self.judge_fake(self.fake(batch), self.label(batch))
        return self.game.generator(logits).mean()

    def fake(self, batch: Batch) -> Tensor:
        """Samples (B, C, H, W), with fresh noise and mixed styles."""
        noise = self.normal(batch["image"], self.generator.num_noise)
        return self.generator.synthesis(self.styles(batch["image"], self.label(batch)), noise)

    def styles(self, like: Tensor, label: Tensor | None) -> Tensor:
        """ws (B, L, D) of fresh latents, some of them mixed, within the layers that run."""
        z = torch.cat([self.latent(like), self.latent(like)])
        ws = self.generator.mapping(z, None if label is None else label.repeat(2))
        draws, depth = self.uniform(like, 2), self.generator.num_ws_used
        return mixed_styles(*ws.chunk(2), draws, self.mixing, depth)

    def grow(self) -> None:
        """All networks to the level of the images seen so far."""
        for network in (self.generator, self.generator_ema, self.discriminator):
            network.grow(self.growth(self.kimg))
