"""Adversarial games: what the discriminator and the generator minimise, given logits.

Every method takes logits (B,) and returns one loss per sample, (B,); the variant takes the mean.
D(x) in the papers is a probability; here it is sigmoid(logits).
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus


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


class LeastSquares:
    """Logits are drawn to targets: Mao et al. 2017, Equation 2.

    With b - c = 1 and b - a = 2, such as a = -1, b = 1, c = 0, the generator descends the Pearson
    chi-squared divergence between p_data + p_g and 2 p_g; the defaults are Equation 9.

    Args:
        a: the discriminator's target for fake samples.
        b: its target for real samples.
        c: what the generator wants it to say of fake samples.
    """

    def __init__(self, a: float = 0.0, b: float = 1.0, c: float = 1.0) -> None:
        self.a, self.b, self.c = a, b, c

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (real - self.b).square() / 2 + (fake - self.a).square() / 2

    def generator(self, fake: Tensor) -> Tensor:
        return (fake - self.c).square() / 2


class Hinge:
    """Logits beyond the margin count no more: Lim & Ye 2017; Miyato et al. 2018, Eqs. 16 and 17."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(1 - real) + relu(1 + fake)

    def generator(self, fake: Tensor) -> Tensor:
        return -fake


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


class RelativisticAverage:
    """A sample is judged against the other side's average: Jolicoeur-Martineau 2019, Section 4.3.

    The average is over the logits that are given, which is the part of a minibatch that a process
    holds at a time. Several processes, or accumulation, average over fewer samples, so that their
    steps are not exactly those of one process with the whole; `strategy.mean_of_all` averages over
    the processes, too.

    Args:
        mean: of logits, a scalar.
    """

    def __init__(self, mean: Callable[[Tensor], Tensor] = torch.mean) -> None:
        self.mean = mean

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        # -log sigmoid(D(x) - E D(G(z))) - log(1 - sigmoid(D(G(z)) - E D(x)))
        return softplus(self.mean(fake) - real) + softplus(fake - self.mean(real))

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.discriminator(fake, real)
