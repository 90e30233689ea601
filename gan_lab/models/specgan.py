"""SpecGAN: "Adversarial Audio Synthesis" (Donahue et al. 2019), Section 4, with the game of
WGAN-GP (Gulrajani et al. 2017, Algorithm 1)."""

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn

from gan_lab.losses.adversarial import Wasserstein
from gan_lab.losses.penalties import gradient_penalty
from gan_lab.models.base import GAN, Batch
from gan_lab.ops.spectrogram import griffin_lim, spectrum


class SpecGAN(GAN):
    """The players see log-spectrograms as pictures; samples become sounds by Griffin-Lim.

    Each frequency's log-magnitudes are centred on their mean over the training set, divided by
    their deviation, cut at three deviations, and so lie in [-1, 1] after division by three. Means
    and deviations are measured when training begins and saved with the weights.

    Args:
        window, hop: of the spectrogram, in samples (paper: 16 and 8 ms, at 8 kHz 128 and 64).
        num_rounds: of Griffin and Lim's algorithm (paper: 16).
        floor: added to magnitudes before the logarithm; what is below does not count.
        critic_steps: critic steps per generator step (paper: 5).
        penalty_weight: weight of the gradient penalty (paper: lambda = 10).
    """

    twice_differentiated = ("discriminator",)

    def __init__(
        self,
        *,
        window: int = 128,
        hop: int = 64,
        num_rounds: int = 16,
        floor: float = 1e-3,
        critic_steps: int = 5,
        penalty_weight: float = 10.0,
        **gan,
    ) -> None:
        super().__init__(**gan)
        self.window, self.hop, self.num_rounds, self.floor = window, hop, num_rounds, floor
        self.critic_steps = critic_steps
        self.penalty_weight = penalty_weight
        self.game = Wasserstein()
        self.register_buffer("mean", torch.zeros(window // 2, 1))
        self.register_buffer("deviation", torch.ones(window // 2, 1))

    @property
    def judged_shape(self) -> tuple[int, int, int]:
        """(1, F, frames) of what the discriminator sees."""
        return self.generator.spectrogram_shape

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        batch = {**batch, "image": self.to_pictures(batch["image"])}  # (B, 1, F, frames)
        self.descend("discriminator", self.discriminator_loss, batch)
        if self.every(self.critic_steps):
            self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real, label = batch["image"], self.label(batch)  # in [-1, 1]; (B,) or None
        fake = self.generator(self.latent(real), label)
        adversarial = self.game.discriminator(*self.judge(real, fake, label))
        critic = partial(self.discriminator, label=label)
        penalty = gradient_penalty(critic, real, fake, self.uniform(real))
        self.report("penalty/gradient", penalty)
        return (adversarial + self.penalty_weight * penalty).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        label = self.label(batch)
        fake = self.generator(self.latent(batch["image"]), label)
        return self.game.generator(self.judge_fake(fake, label)).mean()

    def on_fit_start(self) -> None:
        super().on_fit_start()
        if self.steps_done == 0:
            data = self.trainer.datamodule
            reals = data.reals("train")
            batches = ({"image": reals.images(n)} for n in torch.arange(len(reals)).split(500))
            self.measure(data.on_after_batch_transfer(batch, 0)["image"] for batch in batches)

    def measure(self, parts: Iterable[Tensor]) -> None:
        """Mean and deviation of each frequency's log-magnitudes over sounds (B, 1, T) in parts."""
        total, squares, num = 0.0, 0.0, 0
        for sounds in parts:
            x = self.log_magnitudes(sounds).double()  # (B, F, frames)
            total, squares = total + x.sum((0, 2)), squares + x.square().sum((0, 2))
            num += x.shape[0] * x.shape[2]
        mean = total / num
        deviation = (squares / num - mean.square()).clamp(min=1e-4).sqrt()
        self.mean.copy_(mean[:, None])
        self.deviation.copy_(deviation[:, None])

    def log_magnitudes(self, sounds: Tensor) -> Tensor:
        """(B, 1, T) -> (B, F, frames), the highest frequency left out."""
        with torch.autocast(sounds.device.type, enabled=False):
            frames = spectrum(sounds[:, 0].float(), self.window, self.hop)
            return (frames.abs()[:, :-1] + self.floor).log()

    def to_pictures(self, sounds: Tensor) -> Tensor:
        """Sounds (B, 1, T) -> normalised log-spectrograms (B, 1, F, frames) in [-1, 1]."""
        x = (self.log_magnitudes(sounds) - self.mean) / (3 * self.deviation)
        return x.clamp(-1, 1)[:, None]

    def to_sounds(self, pictures: Tensor) -> Tensor:
        """The inverse of `to_pictures`, as far as phases can be found."""
        with torch.autocast(pictures.device.type, enabled=False):
            x = 3 * self.deviation * pictures[:, 0].float() + self.mean
            magnitudes = (x.exp() - self.floor).clamp(min=0)
            magnitudes = torch.cat([magnitudes, torch.zeros_like(magnitudes[:, :1])], 1)
            return griffin_lim(magnitudes, self.hop, self.num_rounds)[:, None]

    def synthesise(
        self, network: nn.Module, z: Tensor, label: Tensor | None = None, truncation: float = 1.0
    ) -> Tensor:
        return self.to_sounds(super().synthesise(network, z, label, truncation))
