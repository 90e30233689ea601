"""Progressive growing: "Progressive Growing of GANs for Improved Quality, Stability, and Variation"
(Karras et al. 2018), Section 2 and Figure 2.

A level counts how often the smallest picture has been doubled; between two whole levels the larger
size is faded in. `Growth` says which level a run is at, `Growing` is a network that has one.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from gan_lab.networks.sizes import halvings


class Growth:
    """kimg -> level: each size is held for a while, then the next one is faded in.

    A pure function of the images seen, so that an interrupted run goes on where it was.

    Args:
        shape: (C, H, W) at full size.
        start_resolution: the first size is the smallest whose longer side is at least this (paper:
            4; StyleGAN: 8).
        stabilise_kimg: thousands of real images for which a size is held (paper: 600 to 800).
        fade_kimg: thousands of real images for which the next one is faded in (paper: the same).
        budget_kimg: thousands of real images of the whole run; None leaves the phases as they are.
        share: of the budget that growing may take. Where the phases would take more, they are
            shortened, so that every run sees each size and ends at full size. (At 1024 pixels the
            paper's take 0.8 of its 12000 kimg.)
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        start_resolution: int = 4,
        stabilise_kimg: float = 600.0,
        fade_kimg: float = 600.0,
        *,
        budget_kimg: float | None = None,
        share: float = 0.5,
    ) -> None:
        _, height, width = shape
        self.levels, h, w = halvings(height, width)
        if not 1 <= start_resolution <= max(height, width):
            raise ValueError(
                f"growth.start_resolution={start_resolution} must be from 1 to the longer side of"
                f" the data, {max(height, width)}"
            )
        if not (stabilise_kimg >= 0 and fade_kimg >= 0 and 0 < share <= 1):
            raise ValueError(
                f"growth.stabilise_kimg={stabilise_kimg}, growth.fade_kimg={fade_kimg},"
                f" growth.share={share}: the first two must not be negative, the share in (0, 1]"
            )
        self.start = next(n for n in range(self.levels + 1) if max(h, w) << n >= start_resolution)
        self.stabilise_kimg, self.fade_kimg = stabilise_kimg, fade_kimg
        whole = (self.levels - self.start) * (stabilise_kimg + fade_kimg)
        if budget_kimg is not None and whole > share * budget_kimg:
            self.stabilise_kimg *= share * budget_kimg / whole
            self.fade_kimg *= share * budget_kimg / whole

    def __call__(self, kimg: float) -> float:
        phase = self.stabilise_kimg + self.fade_kimg
        if kimg >= (self.levels - self.start) * phase:
            return float(self.levels)
        doublings, inside = divmod(kimg, phase)
        if inside <= self.stabilise_kimg:
            return self.start + doublings
        return self.start + doublings + (inside - self.stabilise_kimg) / self.fade_kimg


class Growing(nn.Module):
    """A network of pictures that runs at a level below the full size, until it has grown.

    Its pictures have the full size at every level: smaller ones are enlarged, so that whoever makes
    or judges pictures need not know. Layers above the level do not run and have no gradient. The
    level is saved with the weights; a new network is at full size.

    Args:
        shape: (C, H, W); a small rectangle times a power of two.

    Attributes:
        levels: the level of the full size.
        top: the largest level whose layers run.
        fading: whether `top` is not wholly faded in yet.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.levels, *self.smallest = halvings(*shape[1:])
        self.register_buffer("alpha", torch.ones(()), persistent=False)  # how far faded in
        self.grow(self.levels)

    def grow(self, level: float) -> None:
        """Run at `level` from now on, from 0 to `levels`."""
        assert 0 <= level <= self.levels, f"level {level} of {self.levels}"
        self.level, self.top = float(level), math.ceil(level)
        self.fading = self.top != level
        self.alpha.fill_(1 - (self.top - level))

    def channels(self, width: int, max_width: int) -> list[int]:
        """Channels at each level: `width` at full size, doubled below, at most `max_width`."""
        return [min(width << (self.levels - n), max_width) for n in range(self.levels + 1)]

    def blend(self, low: Tensor, high: Tensor) -> Tensor:
        """From what the level below makes to what the top level makes, as the fade has it."""
        return low + self.alpha * (high - low)

    def enlarged(self, pictures: Tensor) -> Tensor:
        """Pictures of the top level's size at full size, (B, C, H, W)."""
        return doubled(pictures, self.levels - self.top)

    def reduced(self, pictures: Tensor) -> Tensor:
        """Pictures of the full size at the top level's size."""
        return halved(pictures, self.levels - self.top)

    def faded(self, real: Tensor) -> Tensor:
        """Real pictures (B, C, H, W) with no more detail than fakes of this level can have."""
        real = self.reduced(real)
        if self.fading:
            real = self.blend(doubled(halved(real)), real)
        return self.enlarged(real)

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.level, dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        self.grow(float(state))


def doubled(pictures: Tensor, times: int = 1) -> Tensor:
    """Each pixel repeated, 2^times in both directions."""
    return interpolate(pictures, scale_factor=2**times) if times else pictures


def halved(pictures: Tensor, times: int = 1) -> Tensor:
    """The mean of every 2^times x 2^times pixels."""
    return avg_pool2d(pictures, 2**times) if times else pictures
