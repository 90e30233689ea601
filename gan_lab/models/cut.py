"""CUT: "Contrastive Learning for Unpaired Image-to-Image Translation" (Park et al. 2020)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_lab.losses.adversarial import LeastSquares
from gan_lab.losses.contrastive import patch_nce
from gan_lab.models.base import Batch, Translator


class CUT(Translator):
    """One mapping; each place of its output must be known again among those of the source.

    L_GAN(G, D, X, Y) + lambda_X L_PatchNCE(G, H, X) + lambda_Y L_PatchNCE(G, H, Y) (Equation 5);
    the features are the generator's own, through small heads H that learn with it.

    Args:
        heads: maps and places to unit vectors, see `gan_lab.networks.cut.PatchHeads`.
        source_weight: lambda_X (paper: 1).
        identity_weight: lambda_Y (paper: 1).
        num_patches: places of each picture (paper: 256).
        temperature: tau (paper: 0.07).
    """

    takes = ("domain_a", "domain_b")
    source, target = takes

    def __init__(
        self,
        *,
        heads: nn.Module,
        source_weight: float = 1.0,
        identity_weight: float = 1.0,
        num_patches: int = 256,
        temperature: float = 0.07,
        **game,
    ) -> None:
        super().__init__(**game)
        self.heads = heads
        self.source_weight, self.identity_weight = source_weight, identity_weight
        self.num_patches, self.temperature = num_patches, temperature
        self.game = LeastSquares()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend(("generator", "heads"), self.generator_loss, batch)
        batch = {**batch, "fake": self.kept("fake")}
        self.descend("discriminator", self.discriminator_loss, batch)

    def generator_loss(self, batch: Batch) -> Tensor:
        G = self.generator
        x, y = batch["domain_a"], batch["domain_b"]  # (B, C, H, W) in [-1, 1]
        maps = G.encode(torch.cat([x, y]))
        fake, same = G.decode(maps[-1]).chunk(2)
        self.keep("fake", fake)
        adversarial = 2 * self.game.generator(self.judge_fake(fake)).mean()  # not halved
        places = self.uniform(x, self.num_patches).repeat(2, 1)  # (2 B, P)
        found = self.matching(torch.cat([fake, same]), maps, places)  # (2 B,)
        nce_x, nce_y = found.chunk(2)
        self.report("loss/nce", nce_x)
        self.report("loss/nce_identity", nce_y)
        weighted = self.source_weight * nce_x + self.identity_weight * nce_y
        return adversarial + weighted.mean() / (1 + (self.identity_weight > 0))

    def discriminator_loss(self, batch: Batch) -> Tensor:
        return self.game.discriminator(*self.judge(batch["domain_b"], batch["fake"])).mean()

    def matching(self, outputs: Tensor, maps: Sequence[Tensor], places: Tensor) -> Tensor:
        """L_PatchNCE (B,) of outputs against the maps of their sources: the mean over layers."""
        keys = self.heads(maps, places)
        queries = self.heads(self.generator.encode(outputs), places)
        return torch.stack(
            [patch_nce(q, k, self.temperature) for q, k in zip(queries, keys, strict=True)]
        ).mean(0)
