"""StyleGAN2: "Analyzing and Improving the Image Quality of StyleGAN" (Karras et al. 2020), and with
`augment=ada` "Training Generative Adversarial Networks with Limited Data" (Karras et al. 2020b)."""

import torch
from torch import Tensor

from gan_lab.losses.adversarial import NonSaturating
from gan_lab.losses.penalties import path_lengths, squared_gradient_norm
from gan_lab.models.base import GAN, Batch
from gan_lab.ops.styles import mixed_styles
from gan_lab.strategy import average_


class StyleGAN2(GAN):
    """The non-saturating game with R1, a generator of even path lengths, and mixed styles.

    Both penalties are lazy (Section 3.1): they have turns of their own, rarely, and weigh as much
    more. The optimizers are told so by `lazy_every`.

    Args:
        gamma: weight of R1. stylegan2-ada's rule of thumb is 0.0002 * pixels / batch size, where a
            square of 256 has 256^2 pixels.
        r1_every: training steps from one R1 turn to the next (paper: 16).
        path_weight: weight of the path length penalty (paper: 2); 0 leaves it out.
        path_every: training steps from one of its turns to the next (paper: 4).
        path_shrink: it sees one of so many rows of the minibatch (paper: 2).
        path_decay: how fast the mean path length moves (paper: 0.01).
        mixing: share of samples that have styles of two latents (paper: 0.9).
    """

    twice_differentiated = ("generator", "discriminator")

    def __init__(
        self,
        *,
        gamma: float = 10.0,
        r1_every: int = 16,
        path_weight: float = 2.0,
        path_every: int = 4,
        path_shrink: int = 2,
        path_decay: float = 0.01,
        mixing: float = 0.9,
        **gan,
    ) -> None:
        super().__init__(**gan)
        self.gamma, self.r1_every = gamma, r1_every
        self.path_weight, self.path_every = path_weight, path_every
        self.path_shrink, self.path_decay = path_shrink, path_decay
        self.mixing = mixing
        self.game = NonSaturating()
        self.register_buffer("path_mean", torch.zeros(()))  # a, of Equation 4
        self._lengths: list[Tensor] = []  # of this turn

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        if self.gamma > 0 and self.every(self.r1_every):
            self.descend("discriminator", self.r1_loss, batch, weight=self.r1_every)
        self.descend("generator", self.generator_loss, batch)
        if self.path_weight > 0 and self.every(self.path_every):
            self.descend("generator", self.path_length_loss, batch, weight=self.path_every)
            self.move_path_mean()

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real, label = batch["image"], self.label(batch)  # (B, C, H, W) in [-1, 1], (B,)
        fake = self.fake(self.styles(real, label))
        return self.game.discriminator(*self.judge(real, fake, label)).mean()

    def r1_loss(self, batch: Batch) -> Tensor:
        real = batch["image"].detach().requires_grad_()  # before its augmentation
        r1 = squared_gradient_norm(
            self.discriminator(self.augmented(real), self.label(batch)), real
        )
        self.report("penalty/r1", r1)
        return (self.gamma / 2 * r1).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        label = self.label(batch)
        fake = self.fake(self.styles(batch["image"], label))
        return self.game.generator(self.judge_fake(fake, label)).mean()

    def path_length_loss(self, batch: Batch) -> Tensor:
        # Every path_shrink-th row, so that processes draw the rows that one would draw alone.
        some = {key: value[:: self.path_shrink] for key, value in batch.items()}
        ws = self.styles(some["image"], self.label(some))  # (B, L, D)
        fake = self.fake(ws)
        lengths = path_lengths(fake, ws, self.normal(fake, *self.shape))
        self.report("path_length", lengths)
        self._lengths.append(lengths.detach())
        # The reference moves a first and differentiates it; at a hundredth of its weight, no loss.
        return (self.path_weight * (lengths - self.path_mean).square()).mean()

    def move_path_mean(self) -> None:
        """a <- a + decay * (mean length - a), over all rows that the turn saw."""
        mean = torch.cat(self._lengths).mean()
        average_([mean])
        self.path_mean.lerp_(mean, self.path_decay)
        self._lengths.clear()

    def fake(self, ws: Tensor) -> Tensor:
        """Samples (B, C, H, W) of ws (B, L, D), with fresh noise."""
        return self.generator.synthesis(ws, self.normal(ws, self.generator.num_noise))

    def styles(self, like: Tensor, label: Tensor | None) -> Tensor:
        """ws (B, L, D) of fresh latents, some of them mixed."""
        if self.mixing == 0:
            return self.generator.mapping(self.latent(like), label)
        z = torch.cat([self.latent(like), self.latent(like)])
        ws = self.generator.mapping(z, None if label is None else label.repeat(2))
        return mixed_styles(*ws.chunk(2), self.uniform(like, 2), self.mixing)
