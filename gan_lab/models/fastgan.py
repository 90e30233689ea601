"""FastGAN: "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis"
(Liu et al. 2021), Equations 2 to 4."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import relu

from gan_lab.losses.perceptual import PyramidDistance
from gan_lab.models.base import GAN, Batch
from gan_lab.networks.fastgan import quarter


class FastGAN(GAN):
    """Hinge game with a discriminator that must also reconstruct the real pictures.

    What it remembers of a picture then covers all of it, which keeps few pictures from being learnt
    by heart. Real logits are raised above, fake ones lowered below a margin drawn between 0.8 and 1
    for each patch, as in the authors' code; the paper's margin is 1.

    Args:
        reconstruction: distance of pictures, (B, C, H, W) twice to (B,). The paper takes LPIPS,
            whose weights are not at hand everywhere; without weights, `PyramidDistance` compares
            pixels at each size.
        reconstruction_weight: its weight (paper: 1; the authors' code sums over a minibatch of 8).
    """

    def __init__(
        self,
        *,
        reconstruction: Callable[[Tensor, Tensor], Tensor] | None = None,
        reconstruction_weight: float = 1.0,
        **gan,
    ) -> None:
        super().__init__(**gan)
        self.reconstruction = PyramidDistance() if reconstruction is None else reconstruction
        self.reconstruction_weight = reconstruction_weight

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        D = self.discriminator
        real = self.augmented(batch["image"])  # (B, C, H, W) in [-1, 1]
        small = D.shrink(real)
        features = D.look(real, small)
        real_logits, fake_logits = D.logits(features), self.fake_logits(real)  # (B, P)
        self.observe(real_logits.mean(1), fake_logits.mean(1))
        raised = relu(self.margin(real_logits) - real_logits).mean(1)
        lowered = relu(self.margin(fake_logits) + fake_logits).mean(1)

        corner = (4 * self.uniform(real, 1).squeeze(1)).long()  # (B,)
        targets = small, small, self.shrunk_quarter(real, corner, small)
        pairs = zip(D.reconstructions(features, corner), targets, strict=True)
        distance = sum(self.reconstruction(made.float(), target) for made, target in pairs)
        self.report("loss/reconstruction", distance)
        return (raised + lowered + self.reconstruction_weight * distance).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        return -self.fake_logits(batch["image"]).mean()

    def fake_logits(self, like: Tensor) -> Tensor:
        """Logits (B, P) of new samples, each size of which is augmented by itself."""
        noise = self.normal(like, self.generator.num_noise)
        fake, small = self.generator.views(self.latent(like), noise)
        D = self.discriminator
        return D.logits(D.look(self.augmented(fake), self.augmented(small)))

    def margin(self, logits: Tensor) -> Tensor:
        """u ~ U[0.8, 1) for each of the logits (B, P)."""
        return 0.8 + 0.2 * self.uniform(logits, logits.shape[1])

    def shrunk_quarter(self, images: Tensor, corner: Tensor, like: Tensor) -> Tensor:
        """One quarter of each picture (B, C, H, W), in the size of `like` (B, C, h, w)."""
        return torch.nn.functional.adaptive_avg_pool2d(quarter(images, corner), like.shape[-2:])
