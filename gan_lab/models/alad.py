"""ALAD: "Adversarially Learned Anomaly Detection" (Zenati et al. 2018b)."""

import torch
from torch import Tensor

from gan_lab.engine.scoring import Scoring
from gan_lab.losses.adversarial import NonSaturating
from gan_lab.models.base import GAN, Batch


class ALAD(Scoring, GAN):
    """BiGAN with two more discriminators, which hold generator and encoder to undo each other.

    min max V(D_xz) + V(D_xx) + V(D_zz) (Equation 5): D_xz tells (x, E(x)) from (G(z), z), D_xx
    tells (x, x) from (x, G(E(x))), D_zz tells (z, z) from (z, E(G(z))). Generator and encoder are
    one player.
    """

    def __init__(self, **gan) -> None:
        super().__init__(**gan)
        self.game = NonSaturating()

    def discriminator_loss(self, batch: Batch) -> Tensor:
        pair, samples, latents = self.judge_cycles(batch["image"])
        self.observe(*pair)
        return sum(self.game.discriminator(*logits) for logits in (pair, samples, latents)).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        (real, fake), (_, samples), (_, latents) = self.judge_cycles(batch["image"])
        pair = self.game.generator(fake) + self.game.generator(-real)
        return (pair + self.game.generator(samples) + self.game.generator(latents)).mean()

    def judge_cycles(self, x: Tensor) -> tuple[tuple[Tensor, Tensor], ...]:
        """Logits (B,), those of the first kind and of the second, of each discriminator."""
        G, E, D = self.generator, self.generator.encode, self.discriminator
        z = self.latent(x)
        fake, code = G(z), E(x)
        return (
            D.pair(torch.cat([x, fake]), torch.cat([code, z])).chunk(2),
            D.samples(torch.cat([x, x]), torch.cat([x, G(code)])).chunk(2),
            D.latents(torch.cat([z, z]), torch.cat([z, E(fake)])).chunk(2),
        )

    def score(self, x: Tensor) -> Tensor:
        """||f_xx(x, x) - f_xx(x, G(E(x)))||_1 (Algorithm 1), a mean instead of a sum."""
        f = self.discriminator.samples.features
        return (f(x, x) - f(x, self.reconstruct(x))).abs().mean(1)

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.generator_ema(self.generator_ema.encode(x))
