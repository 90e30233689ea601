"""StyleGAN3: "Alias-Free Generative Adversarial Networks" (Karras et al. 2021), Appendix F."""

import math

import torch
from torch import Tensor

from gan_lab.losses.adversarial import NonSaturating
from gan_lab.losses.penalties import squared_gradient_norm
from gan_lab.models.base import GAN, Batch
from gan_lab.ops.resample import blur


class StyleGAN3(GAN):
    """StyleGAN2's game with R1, without its path length penalty and its mixing of styles.

    At first the discriminator may see all pictures blurred: configuration R starts so, lest the
    discriminator fix on high frequencies while the generator cannot make them yet.

    Args:
        gamma: weight of R1. About 2 (resolution / 256)^2 for minibatches of 32.
        r1_every: training steps from one R1 turn to the next (paper: 16).
        blur_sigma: of the blur at the start, in pixels (paper: 10 for R, 0 for T).
        blur_kimg: by when it has faded (paper: 200).
    """

    twice_differentiated = ("discriminator",)

    def __init__(
        self,
        *,
        gamma: float = 2.0,
        r1_every: int = 16,
        blur_sigma: float = 0.0,
        blur_kimg: float = 200.0,
        **gan,
    ) -> None:
        super().__init__(**gan)
        self.gamma, self.r1_every = gamma, r1_every
        self.blur_sigma, self.blur_kimg = blur_sigma, blur_kimg
        self.game = NonSaturating()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        if self.gamma > 0 and self.every(self.r1_every):
            self.descend("discriminator", self.r1_loss, batch, weight=self.r1_every)
        self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real, label = batch["image"], self.label(batch)  # (B, C, H, W) in [-1, 1], (B,)
        fake = self.generator(self.latent(real), label)
        logits = self.judge(self.blurred(real), self.blurred(fake), label)
        return self.game.discriminator(*logits).mean()

    def r1_loss(self, batch: Batch) -> Tensor:
        real = batch["image"].detach().requires_grad_()  # before blur and augmentation
        seen = self.augmented(self.blurred(real))
        r1 = squared_gradient_norm(self._logits(seen, self.label(batch)), real)
        self.report("penalty/r1", r1)
        return (self.gamma / 2 * r1).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        real, label = batch["image"], self.label(batch)
        fake = self.generator(self.latent(real), label)
        return self.game.generator(self.judge_fake(self.blurred(fake), label)).mean()

    def blurred(self, images: Tensor) -> Tensor:
        """Pictures (B, C, H, W) as they are shown at this point of training."""
        if self.blur_sigma == 0 or self.kimg >= self.blur_kimg:
            return images
        sigma = self.blur_sigma * (1 - self.kimg / self.blur_kimg)
        reach = math.floor(3 * sigma)
        place = torch.arange(-reach, reach + 1, device=images.device)
        # 2^-(x / sigma)^2 as in the reference: half its height, not exp(-1/2), at sigma.
        taps = (-(place / sigma).square()).exp2()
        return blur(images, taps / taps.sum()) if reach > 0 else images
