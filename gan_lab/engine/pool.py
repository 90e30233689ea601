"""A memory of fakes: "Learning from Simulated and Unsupervised Images through Adversarial Training"
(Shrivastava et al. 2017), Section 2.3, as CycleGAN uses it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_lab import randomness
from gan_lab.strategy import gather, rank


class ImagePool(nn.Module):
    """Gives the discriminator older fakes in place of half of the new ones.

    Its pictures are buffers, so they are saved and resumed. Every process holds the same pool,
    which the rows of the whole minibatch pass one after the other.

    Args:
        shape: of one fake.
        size: fakes that are kept (CycleGAN: 50); 0 gives new ones back.
    """

    def __init__(self, shape: Sequence[int], size: int = 50) -> None:
        super().__init__()
        if size < 0:
            raise ValueError(f"pool_size={size}: give 0 or more")
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))
        self._filled: int | None = None  # the same on the CPU: no device is read in a step

    @torch.no_grad()
    def exchange(self, fakes: Tensor, *key: int) -> Tensor:
        """This process's fakes (B, *shape), some replaced by older ones; `key` is of the draws."""
        size = len(self.images)
        if size == 0:
            return fakes
        if self._filled is None:
            self._filled = int(self.filled)
        everyone = gather(fakes.float()).flatten(0, 1)
        draws = torch.rand(len(everyone), 2, generator=randomness.generator(randomness.POOL, *key))
        given = []
        for fake, (coin, place) in zip(everyone, draws.tolist(), strict=True):
            if self._filled < size:
                self.images[self._filled] = fake
                self._filled += 1
            elif coin < 0.5:
                old = int(place * size)
                given.append(self.images[old].clone())
                self.images[old] = fake
                continue
            given.append(fake)
        self.filled.fill_(self._filled)
        first = rank() * len(fakes)
        return torch.stack(given[first : first + len(fakes)]).to(fakes.dtype)

    def _load_from_state_dict(self, *arguments) -> None:
        super()._load_from_state_dict(*arguments)
        self._filled = None
