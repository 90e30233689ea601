"""Adversarial games: what the discriminator and the generator minimise, given logits.

Every method takes logits (B,) and returns one loss per sample, (B,); the variant takes the mean.
D(x) in the papers is a probability; here it is sigmoid(logits).
"""

from torch import Tensor
from torch.nn.functional import softplus


class Minimax:
    """The value function itself: Goodfellow et al. 2014, Equation 1."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real) + softplus(fake)  # -log D(x) - log(1 - D(G(z)))

    def generator(self, fake: Tensor) -> Tensor:
        return -softplus(fake)  # log(1 - D(G(z))), flat where the discriminator is sure


class NonSaturating(Minimax):
    """The generator raises log D(G(z)) instead: Goodfellow et al. 2014, end of Section 3."""

    def generator(self, fake: Tensor) -> Tensor:
        return softplus(-fake)  # -log D(G(z))


class Wasserstein:
    """The dual form of the earth mover's distance: Arjovsky et al. 2017, Equation 2."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake - real

    def generator(self, fake: Tensor) -> Tensor:
        return -fake


class RelativisticPairing:
    """Each fake is judged against one real: Jolicoeur-Martineau 2019; Huang et al. 2024, Eq. 2.

    The pairing makes the generator's loss depend on the real logits too.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real)  # -log sigmoid(D(x) - D(G(z)))

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(real - fake)
