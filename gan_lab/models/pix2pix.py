"""pix2pix: "Image-to-Image Translation with Conditional Adversarial Networks" (Isola et al.
2017)."""

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from gan_lab.losses.adversarial import NonSaturating
from gan_lab.models.base import Batch, Translator


class Pix2Pix(Translator):
    """The discriminator sees source and target; the generator must also be near the target.

    G* = arg min_G max_D L_cGAN(G, D) + lambda L_L1(G) (Equation 4). The generator moves first, so
    that its outputs serve the discriminator's turn, too.

    Args:
        l1_weight: lambda (paper: 100).
    """

    takes = ("source", "target")

    def __init__(self, *, l1_weight: float = 100.0, **game) -> None:
        super().__init__(**game)
        self.l1_weight = l1_weight
        self.game = NonSaturating()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("generator", self.generator_loss, batch)
        batch = {**batch, "fake": self.kept("fake")}
        self.descend("discriminator", self.discriminator_loss, batch)

    def generator_loss(self, batch: Batch) -> Tensor:
        source, target = batch["source"], batch["target"]  # (B, C, H, W) in [-1, 1]
        fake = self.keep("fake", self.generator(source))
        logits = self.judge_fake(torch.cat([source, fake], 1))  # (B, h, w), one for each patch
        adversarial = self.game.generator(logits)
        l1 = l1_loss(fake, target)
        self.report("loss/l1", l1)
        return adversarial.mean() + self.l1_weight * l1

    def discriminator_loss(self, batch: Batch) -> Tensor:
        source = batch["source"]
        real, fake = (torch.cat([source, batch[name]], 1) for name in ("target", "fake"))
        return self.game.discriminator(*self.judge(real, fake)).mean() / 2  # slower: Section 3.3
