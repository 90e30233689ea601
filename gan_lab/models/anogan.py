"""AnoGAN: "Unsupervised Anomaly Detection with Generative Adversarial Networks to Guide Marker
Discovery" (Schlegl et al. 2017)."""

import torch
from torch import Tensor

from gan_lab.engine.scoring import Scoring
from gan_lab.models.gan import OriginalGAN


class AnoGAN(Scoring, OriginalGAN):
    """A GAN of normal samples, in whose latents the one that comes nearest to a sample is searched.

    Slow: a score takes `search_steps` passes through both networks. The search starts at z = 0
    instead of a random z, so that a score does not hang on a draw.

    Args:
        search_steps: of Adam, for each sample (paper: 500).
        search_rate: its learning rate.
        feature_share: lambda of the features' residual (Equation 5; paper: 0.1).
    """

    def __init__(
        self,
        *,
        search_steps: int = 500,
        search_rate: float = 0.05,
        feature_share: float = 0.1,
        **gan,
    ) -> None:
        super().__init__(**gan)
        if search_steps < 1:
            raise ValueError(f"search_steps={search_steps}: a search takes at least 1")
        self.search_steps, self.search_rate = search_steps, search_rate
        self.feature_share = feature_share

    def score(self, x: Tensor) -> Tensor:
        """The loss where the search ends (Equation 6)."""
        return self.distance(x, self.reconstruct(x))

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.generator_ema(self.search(x))

    def distance(self, x: Tensor, x_hat: Tensor) -> Tensor:
        """(1 - lambda) L_R + lambda L_D (Equation 5), means instead of sums: (B,)."""
        f = self.discriminator.features
        residual = (x - x_hat).abs().flatten(1).mean(1)  # Equation 2
        features = (f(x) - f(x_hat)).abs().mean(1)  # Equation 4
        return (1 - self.feature_share) * residual + self.feature_share * features

    def search(self, x: Tensor) -> Tensor:
        """The latents (B, Z) whose samples are near x (B, *shape)."""
        z = x.new_zeros(len(x), self.latent_dim, requires_grad=True)
        descent = torch.optim.Adam([z], lr=self.search_rate)
        for _ in range(self.search_steps):
            with torch.enable_grad():
                loss = self.distance(x, self.generator_ema(z)).sum()  # rows do not meet
            (z.grad,) = torch.autograd.grad(loss, [z])
            descent.step()
        return z.detach()
