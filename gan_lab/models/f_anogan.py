"""f-AnoGAN: "f-AnoGAN: Fast unsupervised anomaly detection with generative adversarial networks"
(Schlegl et al. 2019)."""

from torch import Tensor, nn

from gan_lab.engine.scoring import Scoring
from gan_lab.models.base import Batch
from gan_lab.models.wgan_gp import WGANGP


class FAnoGAN(Scoring, WGANGP):
    """WGAN-GP of normal samples, then an encoder that inverts it, both in one run.

    First the game, then generator and discriminator stay as they are and the encoder
    learns to map a sample to where its image by the averaged generator is near, in samples and in
    the discriminator's features: `izi_f` (Equation 4).

    Args:
        encoder: E, samples (B, *shape) to latents (B, Z).
        budget_kimg: thousands of real images that the run sees.
        gan_share: of them, the game's; what is left is the encoder's.
        feature_weight: kappa of the features' residual (paper: 1).
        latent_bound: largest size of a number of a latent that E gives, by tanh; samples beyond are
            rare. None: any.
    """

    def __init__(
        self,
        *,
        encoder: nn.Module,
        budget_kimg: float,
        gan_share: float = 0.5,
        feature_weight: float = 1.0,
        latent_bound: float | None = None,
        **gan,
    ) -> None:
        super().__init__(**gan)
        if not 0 < gan_share < 1:
            raise ValueError(f"gan_share={gan_share}: give a share between 0 and 1")
        self.encoder = encoder
        self.gan_kimg = gan_share * budget_kimg
        self.feature_weight = feature_weight
        self.latent_bound = latent_bound

    @property
    def stage(self) -> int:
        """1 once the encoder learns: before that, no score says anything."""
        return int(self.kimg_at(self.steps_done) > self.gan_kimg)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        if self.kimg < self.gan_kimg:
            super().training_step(batch, batch_idx)
        else:
            self.descend("encoder", self.encoder_loss, batch)

    def encoder_loss(self, batch: Batch) -> Tensor:
        return self.score(batch["image"]).mean()

    def score(self, x: Tensor) -> Tensor:
        """A(x) = A_R(x) + kappa A_D(x) (Equation 6); its mean is the encoder's loss."""
        x_hat = self.reconstruct(x)
        f = self.discriminator.features
        residual = (x - x_hat).square().flatten(1).mean(1)
        features = (f(x) - f(x_hat)).square().mean(1)
        return residual + self.feature_weight * features

    def encode(self, x: Tensor) -> Tensor:
        """E(x), (B, Z)."""
        z = self.encoder(x)
        if self.latent_bound is None:
            return z
        return self.latent_bound * (z / self.latent_bound).tanh()

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.generator_ema(self.encode(x))
