"""CycleGAN: "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks"
(Zhu et al. 2017)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from gan_lab.engine.pool import ImagePool
from gan_lab.losses.adversarial import LeastSquares
from gan_lab.models.base import Batch, Translator


class CycleGAN(Translator):
    """Two mappings that undo each other, each against a discriminator of its own domain.

    L(G, F, D_X, D_Y) = L_GAN(G, D_Y) + L_GAN(F, D_X) + lambda L_cyc(G, F) (Equation 3), and an
    identity loss (Section 5.2). The generators move first; the discriminators see their outputs
    through a pool, so no translation is computed twice.

    Args:
        cycle_weight: lambda (paper: 10).
        identity_weight: of the identity loss, as a share of lambda (paper: 0.5 for photographs of
            paintings, else 0).
        pool_size: fakes that each pool keeps (paper: 50).
    """

    takes = ("domain_a", "domain_b")
    source, target = takes

    def __init__(
        self,
        *,
        cycle_weight: float = 10.0,
        identity_weight: float = 0.5,
        pool_size: int = 50,
        **game,
    ) -> None:
        super().__init__(**game)
        self.cycle_weight, self.identity_weight = cycle_weight, identity_weight
        self.pool_a = ImagePool(self.generator.source_shape, pool_size)
        self.pool_b = ImagePool(self.generator.shape, pool_size)
        self.game = LeastSquares()
        if identity_weight and self.generator.source_shape != self.generator.shape:
            raise ValueError(
                f"identity_weight={identity_weight}: the domains have shapes"
                f" {self.generator.source_shape} and {self.generator.shape}; set it to 0"
            )

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("generator", self.generator_loss, batch)
        fakes = {
            "fake_a": self.pool_a.exchange(self.kept("fake_a"), self.seed, self.iteration, 0),
            "fake_b": self.pool_b.exchange(self.kept("fake_b"), self.seed, self.iteration, 1),
        }
        self.descend("discriminator", self.discriminator_loss, {**batch, **fakes})

    def generator_loss(self, batch: Batch) -> Tensor:
        G, F = self.generator.a_to_b, self.generator.b_to_a
        D_a, D_b = self.discriminator.a, self.discriminator.b
        a, b = batch["domain_a"], batch["domain_b"]  # (B, C, H, W) in [-1, 1]
        (fake_b, same_b), (fake_a, same_a) = self.translate(G, a, b), self.translate(F, b, a)
        self.keep("fake_a", fake_a)
        self.keep("fake_b", fake_b)
        adversarial = (
            self.game.generator(self.judge_fake(fake_a, by=D_a)).mean()
            + self.game.generator(self.judge_fake(fake_b, by=D_b)).mean()
        )
        cycle = l1_loss(F(fake_b), a) + l1_loss(G(fake_a), b)  # Equation 2
        self.report("loss/cycle", cycle)
        loss = 2 * adversarial + self.cycle_weight * cycle  # the authors' least squares: not halved
        if self.identity_weight:
            identity = l1_loss(same_a, a) + l1_loss(same_b, b)
            self.report("loss/identity", identity)
            loss = loss + self.cycle_weight * self.identity_weight * identity
        return loss

    def discriminator_loss(self, batch: Batch) -> Tensor:
        D_a, D_b = self.discriminator.a, self.discriminator.b
        a = self.game.discriminator(*self.judge(batch["domain_a"], batch["fake_a"], by=D_a))
        b = self.game.discriminator(*self.judge(batch["domain_b"], batch["fake_b"], by=D_b))
        return a.mean() + b.mean()  # halved by the least squares themselves: Section 4

    def translate(self, mapping: nn.Module, source: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """What a mapping makes of its source, and of pictures that are in its target's domain.

        In one pass; the second are the first again where there is no identity loss.
        """
        if not self.identity_weight:
            fake = mapping(source)
            return fake, fake
        fake, same = mapping(torch.cat([source, own])).chunk(2)
        return fake, same

    def generate(
        self, batch: Batch, *, seed: int = 0, raw: bool = False, reverse: bool = False
    ) -> Tensor:
        """Pictures of A as if of B, or with `reverse` of B as if of A; see `Answering.generate`."""
        if not reverse:
            return super().generate(batch, seed=seed, raw=raw)
        return super().generate({"reverse": batch["domain_b"]}, seed=seed, raw=raw)

    def answer(self, network: nn.Module, batch: Batch, seed: int = 0) -> Tensor:
        if "reverse" in batch:
            return network.b_to_a(batch["reverse"])
        return network.a_to_b(batch["domain_a"])

    def show(self, batch: Batch) -> dict[str, Tensor]:
        a, b = batch["domain_a"], batch["domain_b"]
        a_to_b, b_to_a = self.generate(batch), self.generate(batch, reverse=True)
        fakes = {"domain_a": b_to_a, "domain_b": a_to_b}
        back_to_b, back_to_a = self.generate(fakes), self.generate(fakes, reverse=True)
        return {
            "A": a, "A to B": a_to_b, "and back": back_to_a,
            "B": b, "B to A": b_to_a, "and back ": back_to_b,
        }  # fmt: skip
