"""Next frames: "Deep Multi-Scale Video Prediction beyond Mean Square Error" (Mathieu et al. 2016),
with the two discriminators of "MoCoGAN" (Tulyakov et al. 2018)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from gan_lab.errors import UserError
from gan_lab.losses.adversarial import NonSaturating
from gan_lab.losses.gradient_difference import gradient_difference
from gan_lab.models.base import Batch, Translator
from gan_lab.optim import Schedule, scheduled


class NextFrame(Translator):
    """A generator foresees frame after frame from its own; two discriminators see the result.

    One judges a frame of each row, drawn at random, the other the frames given and those that
    follow as one film. The generator learns through all the steps of the rollout, so that it knows
    the frames that it makes itself. It moves first, and its frames serve both turns.

    L = lambda_l1 L_1 + lambda_gdl L_gdl + lambda_adv (L_adv of frames + L_adv of films), Equation
    7 of Mathieu et al.

    Args:
        frame_discriminator: (B, C, H, W) to logits; `discriminator` takes (B, T, C, H, W).
        steps: frames that are foreseen in training, a number or kimg -> number, rounded down and at
            most the data's horizon; null takes the horizon. Short rollouts are learnt first, and
            cost less.
        l1_weight: lambda_lp with p = 1 (paper: 1).
        gradient_weight: lambda_gdl (paper: 1, of sums over pixels).
        adversarial_weight: lambda_adv (paper: 0.05, of sums over pixels).
    """

    takes = ("video",)
    source, target = "video", "video"

    def __init__(
        self,
        frame_discriminator: nn.Module,
        *,
        steps: int | Schedule | None = None,
        l1_weight: float = 1.0,
        gradient_weight: float = 1.0,
        adversarial_weight: float = 0.05,
        **game,
    ) -> None:
        super().__init__(**game)
        if isinstance(steps, int) and not 1 <= steps <= self.shape[0]:
            raise ValueError(
                f"steps={steps}: the data have {self.shape[0]} frames to foresee; give 1 to"
                f" {self.shape[0]}, or raise data.horizon"
            )
        if self.augment.num_draws:
            raise UserError("augment: films are not augmented; choose augment=none, and"
                            " data.mirror=true where left and right are alike")  # fmt: skip
        self.frame_discriminator = frame_discriminator
        self.steps = scheduled(self.shape[0] if steps is None else steps)
        self.l1_weight, self.gradient_weight = l1_weight, gradient_weight
        self.adversarial_weight = adversarial_weight
        self.game = NonSaturating()

    @property
    def context(self) -> int:
        """k, frames that are given."""
        return self.source_shape[0]

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        k, steps = self.context, min(int(self.steps(self.kimg)), self.shape[0])
        batch = {"past": batch["video"][:, :k], "future": batch["video"][:, k : k + steps]}
        self.descend("generator", self.generator_loss, batch)
        batch["fake"] = self.kept("fake")
        players = ("discriminator", "frame_discriminator")
        self.descend(players, self.discriminator_loss, batch)

    def generator_loss(self, batch: Batch) -> Tensor:
        past, future = batch["past"], batch["future"]  # (B, k or steps, C, H, W) in [-1, 1]
        fake = self.keep("fake", self.generator(past, future.shape[1]))
        l1 = l1_loss(fake, future)
        gradient = gradient_difference(fake, future).mean()
        self.report("loss/l1", l1)
        self.report("loss/gradient_difference", gradient)
        film = self.game.generator(self.discriminator(torch.cat([past, fake], 1))).mean()
        frame = self.game.generator(self.frame_discriminator(self.one_of(fake))).mean()
        return (
            self.l1_weight * l1
            + self.gradient_weight * gradient
            + self.adversarial_weight * (film + frame)
        )

    def discriminator_loss(self, batch: Batch) -> Tensor:
        past, future, fake = batch["past"], batch["future"], batch["fake"]
        real_film, fake_film = (torch.cat([past, frames], 1) for frames in (future, fake))
        films = self.judge(real_film, fake_film)
        frames = self.judge(self.one_of(future), self.one_of(fake), by=self.frame_discriminator)
        return self.game.discriminator(*films).mean() + self.game.discriminator(*frames).mean()

    def one_of(self, frames: Tensor) -> Tensor:
        """One frame of each row, drawn at random: (B, T, C, H, W) -> (B, C, H, W)."""
        chosen = (self.uniform(frames, 1) * frames.shape[1]).long()[:, 0]
        return frames[torch.arange(len(frames), device=frames.device), chosen]

    def answer(self, network: nn.Module, batch: Batch, seed: int = 0) -> Tensor:
        """The frames after the first k: (B, horizon, C, H, W)."""
        return network(batch["video"][:, : self.context])

    def show(self, batch: Batch, *, raw: bool = False) -> dict[str, Tensor]:
        """Heading -> films (B, T, C, H, W): what is given goes before what is foreseen."""
        video, k = batch["video"], self.context
        foreseen = self.generate(batch, raw=raw).to(video)
        films = {} if video.shape[1] == k else {"truth": video[:, : k + self.shape[0]]}
        return {**films, "output": torch.cat([video[:, :k], foreseen], 1)}
