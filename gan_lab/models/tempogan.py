"""tempoGAN: "tempoGAN: A Temporally Coherent, Volumetric GAN for Super-resolution Fluid Flow" (Xie
et al. 2018), on films: their motion is looked for where the paper's simulations know it."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, l1_loss

from gan_lab.engine.enlarging import Enlarging
from gan_lab.errors import UserError
from gan_lab.losses.adversarial import NonSaturating
from gan_lab.models.base import Batch, Game
from gan_lab.ops.motion import outer_motion, warped


class TempoGAN(Enlarging, Game):
    """Each frame is enlarged by itself; a critic of three frames keeps them from flickering.

    The spatial critic D_s judges a frame beside its low resolution. The temporal critic D_t judges
    three frames, of which the outer two are moved to where the middle one is (Equation 5), so that
    it sees changes and not motion. With F_j the maps of D_s, Equation 9 is

        L_G = -log D_s - log D_t + lambda_f sum_j |F_j(G) - F_j(y)|^2 + lambda_L1 |G - y|_1

    A stage of |G - y|_1 alone comes first, which the paper does without: critics of blurred frames
    have little to teach.

    Args:
        temporal_discriminator: D_t, three frames (B, 3 C, H, W) to logits; `discriminator` is D_s.
        warmup_kimg: thousands of films of the first stage (paper: 0).
        l1_weight: lambda_L1 (paper: 5).
        feature_weight: lambda_f, of means over places and channels.
        temporal_weight: of -log D_t (paper: 1).
        reach: pixels of low resolution that things move from frame to frame, at most.
    """

    takes = ("low_video", "high_video")

    def __init__(
        self,
        temporal_discriminator: nn.Module,
        *,
        warmup_kimg: float = 0.0,
        l1_weight: float = 5.0,
        feature_weight: float = 0.0,
        temporal_weight: float = 1.0,
        reach: int = 2,
        **game,
    ) -> None:
        super().__init__(**game)
        if reach < 1:
            raise ValueError(f"reach={reach}: give at least 1 pixel")
        if self.augment.num_draws:
            raise UserError("augment: films are not augmented; choose augment=none, and"
                            " data.mirror=true where left and right are alike")  # fmt: skip
        self.temporal_discriminator = temporal_discriminator
        self.warmup_kimg = warmup_kimg
        self.l1_weight, self.feature_weight = l1_weight, feature_weight
        self.temporal_weight, self.reach = temporal_weight, reach
        self.game = NonSaturating()

    @property
    def stage(self) -> int:
        """1 once the critics play."""
        return int(self.kimg_at(self.steps_done) > self.warmup_kimg)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        batch = {name: batch[name] for name in self.takes}
        if self.kimg < self.warmup_kimg:
            self.descend("generator", self.warmup_loss, batch)
            return
        batch["motion"] = self.motion(batch["low_video"])
        self.descend("generator", self.generator_loss, batch)
        batch["fake"] = self.kept("fake")
        players = ("discriminator", "temporal_discriminator")
        self.descend(players, self.discriminator_loss, batch)

    def warmup_loss(self, batch: Batch) -> Tensor:
        """lambda_L1 |G - y|_1: weighed as later, since Adam is thrown off when gradients grow."""
        l1 = l1_loss(self.generator(batch["low_video"][:, 1]), batch["high_video"][:, 1])
        return self.l1_weight * l1

    def generator_loss(self, batch: Batch) -> Tensor:
        low, real = batch["low_video"], batch["high_video"]  # (B, 3, C, H, W) in [-1, 1]
        fake = self.generator(low.flatten(0, 1)).unflatten(0, low.shape[:2])
        fake = self.keep("fake", fake)
        l1 = l1_loss(fake, real)
        spatial = self.game.generator(self.discriminator(self.beside(low, fake))).mean()
        aligned = self.aligned(fake, batch["motion"])
        temporal = self.game.generator(self.temporal_discriminator(aligned)).mean()
        self.report("loss/l1", l1)
        self.report("loss/spatial", spatial)
        self.report("loss/temporal", temporal)
        loss = spatial + self.temporal_weight * temporal + self.l1_weight * l1
        if self.feature_weight:
            loss = loss + self.feature_weight * self.feature_error(low, fake, real)
        return loss

    def discriminator_loss(self, batch: Batch) -> Tensor:
        low, real, fake = batch["low_video"], batch["high_video"], batch["fake"]
        frames = self.judge(*(self.beside(low, x) for x in (real, fake)))
        films = self.judge(
            *(self.aligned(x, batch["motion"]) for x in (real, fake)),
            by=self.temporal_discriminator,
        )
        return self.game.discriminator(*frames).mean() + self.game.discriminator(*films).mean()

    def feature_error(self, low: Tensor, fake: Tensor, real: Tensor) -> Tensor:
        """sum_j |F_j(G) - F_j(y)|^2, of means over each map."""
        ours, theirs = (self.discriminator.features(self.beside(low, x)) for x in (fake, real))
        return sum((a - b).square().mean() for a, b in zip(ours, theirs, strict=True))

    def beside(self, low: Tensor, frames: Tensor) -> Tensor:
        """The middle frame upon its low resolution: (B, C + C, H, W)."""
        frame = frames[:, 1]
        enlarged = interpolate(low[:, 1], size=frame.shape[-2:], mode="nearest")
        return torch.cat([enlarged, frame], 1)

    @torch.no_grad()
    def motion(self, low: Tensor) -> Tensor:
        """Where the outer frames have what the middle one shows: (B, 2, 2, H, W), in pixels."""
        return outer_motion(low, self.generator.scale, self.reach)

    def aligned(self, frames: Tensor, motion: Tensor) -> Tensor:
        """Three frames, the outer ones moved onto the middle one: (B, 3 C, H, W), Equation 5."""
        before = warped(frames[:, 0], motion[:, 0])
        after = warped(frames[:, 2], motion[:, 1])
        return torch.cat([before, frames[:, 1], after], 1)
