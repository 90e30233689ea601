"""The keyed stream: which picture is draw number p is a pure function of (seed, p).

So there is no position to save, and neither the number of processes nor of workers changes what
the players see. Draw p is row p mod B of the minibatch of iteration p div B, over all processes.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from gan_lab.randomness import FLIP, ORDER, generator

Batch = dict[str, Tensor]


class Stream:
    """An endless shuffled walk over `length` items; each epoch visits every item once.

    Args:
        length: number of items n. Draw p is item i of epoch e, where e, i = divmod(p, n).
        seed: the key of every permutation and flip.
    """

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed
        self._orders: dict[int, Tensor] = {}

    def order(self, epoch: int) -> Tensor:
        """The permutation of one epoch: (n,) int64. The last two are remembered."""
        if epoch not in self._orders:
            if len(self._orders) > 1:
                del self._orders[min(self._orders)]
            self._orders[epoch] = torch.randperm(
                self.length, generator=generator(ORDER, self.seed, epoch)
            )
        return self._orders[epoch]

    def draws(self, start: int, count: int) -> Tensor:
        """Item numbers of draws start, ..., start + count - 1: (count,) int64."""
        epoch, offset = divmod(start, self.length)
        parts = []
        while count > 0:  # a minibatch may cross epochs, and be larger than a tiny set
            part = self.order(epoch)[offset : offset + count]
            parts.append(part)
            count -= len(part)
            epoch, offset = epoch + 1, 0
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def flips(self, iteration: int, batch_size: int) -> Tensor:
        """Who is mirrored in the whole minibatch of one iteration: (batch_size,) bool."""
        return torch.rand(batch_size, generator=generator(FLIP, self.seed, iteration)) < 0.5


class Batches:
    """Endless minibatches of one process, from the iteration that `start` tells on.

    `start` is asked when the first minibatch is fetched, after a checkpoint has been restored.

    Args:
        make: iteration -> minibatch.
        start: () -> first iteration.
        ahead: minibatches that one background thread prepares in advance; 0 prepares each in
            the caller's thread, the cheapest when a minibatch takes tens of microseconds.
    """

    def __init__(
        self, make: Callable[[int], Batch], start: Callable[[], int], *, ahead: int = 0
    ) -> None:
        self.make = make
        self.start = start
        self.ahead = ahead

    def __iter__(self) -> Iterator[Batch]:
        iterations = itertools.count(self.start())
        if self.ahead == 0:
            yield from map(self.make, iterations)
        # The pool's exit handler joins its thread, which a daemon thread inside torch would not
        # survive at the end of the program.
        pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        try:
            waiting = deque(pool.submit(self.make, next(iterations)) for _ in range(self.ahead))
            while True:
                batch = waiting.popleft().result()
                waiting.append(pool.submit(self.make, next(iterations)))
                yield batch
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def mirror_(images: Tensor, flips: Tensor) -> None:
    """Flip chosen pictures left to right, in place: (B, C, H, W) by (B,) bool."""
    pixels, chosen = images.numpy(), flips.numpy()  # several times faster than torch on bytes
    pixels[chosen] = pixels[chosen][..., ::-1]
