"""GANomaly: "GANomaly: Semi-Supervised Anomaly Detection via Adversarial Training" (Akcay et al.
2018)."""

from torch import Tensor

from gan_lab.engine.scoring import Scoring
from gan_lab.losses.adversarial import NonSaturating
from gan_lab.models.base import Batch, Translator


class GANomaly(Scoring, Translator):
    """An autoencoder of normal samples whose outputs are encoded once more.

    L = w_adv L_adv + w_con L_con + w_enc L_enc (Equation 4): outputs have the discriminator's
    features of their inputs (Equation 1), lie near them (Equation 2), and have their latents
    (Equation 3). What was never seen is not brought back, and its latent moves.

    Args:
        adversarial_weight: w_adv (paper: 1).
        context_weight: w_con (paper: 50).
        encoding_weight: w_enc (paper: 1).
        residual_share: of the residual (Equation 2) in the score; the rest is of the latents. The
            paper's score (Equation 5) is 0, of latents alone.
    """

    source = "image"

    def __init__(
        self,
        *,
        adversarial_weight: float = 1.0,
        context_weight: float = 50.0,
        encoding_weight: float = 1.0,
        residual_share: float = 0.0,
        **game,
    ) -> None:
        super().__init__(**game)
        if not 0 <= residual_share <= 1:
            raise ValueError(f"residual_share={residual_share}: give a share, from 0 to 1")
        self.adversarial_weight = adversarial_weight
        self.context_weight = context_weight
        self.encoding_weight = encoding_weight
        self.residual_share = residual_share
        self.game = NonSaturating()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("generator", self.generator_loss, batch)
        fake = self.kept("fake")
        self.descend("discriminator", self.discriminator_loss, {**batch, "fake": fake})

    def generator_loss(self, batch: Batch) -> Tensor:
        x = batch["image"]  # (B, *shape)
        z, x_hat, z_hat = self.generator.chain(x)
        self.keep("fake", x_hat)
        f = self.discriminator.features
        adversarial = (f(x) - f(x_hat)).square().mean(1)
        context = (x - x_hat).abs().flatten(1).mean(1)
        encoding = (z - z_hat).square().mean(1)
        self.report("loss/context", context)
        self.report("loss/encoding", encoding)
        return (
            self.adversarial_weight * adversarial
            + self.context_weight * context
            + self.encoding_weight * encoding
        ).mean()

    def discriminator_loss(self, batch: Batch) -> Tensor:
        return self.game.discriminator(*self.judge(batch["image"], batch["fake"])).mean()

    def score(self, x: Tensor) -> Tensor:
        z, x_hat, z_hat = self.generator_ema.chain(x)
        latent = (z - z_hat).abs().mean(1)  # Equation 5
        residual = (x - x_hat).abs().flatten(1).mean(1)
        return (1 - self.residual_share) * latent + self.residual_share * residual

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.generator_ema(x)
