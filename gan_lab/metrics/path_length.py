"""Perceptual path length: "A Style-Based Generator Architecture" (Karras et al. 2019), Section 4.1.

How far a picture moves per step of its latent, in a perceptual distance d that is quadratic: even
where no other figure complains, a curved latent space has long paths.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor, nn

from gan_lab.errors import UserError
from gan_lab.media import holds_pictures
from gan_lab.metrics import sharing
from gan_lab.metrics.extractor import weights_fingerprint
from gan_lab.metrics.generator import GeneratorFigure
from gan_lab.randomness import EVALUATION, generator

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule
    from gan_lab.models.base import GAN

PATHS = 3  # kind of draw under the key EVALUATION


class PathLength(GeneratorFigure):
    """E[d(G(x(t)), G(x(t + epsilon))) / epsilon^2], x(t) a path between two random latents.

    A subclass says in which space the path runs. The shortest and longest `trim` of the paths are
    left out, as in the reference implementation.

    Args:
        distance: squared perceptual distance (B,) of pictures (B, C, H, W) in [-1, 1], twice.
        extractor: the name of the network in it, for the figure's name.
        num: paths.
        positions: `full` draws t in [0, 1), `end` takes t = 0, where paths meet latents.
        epsilon: step along the path (paper: 1e-4).
        trim: share of the paths that is left out at either end (reference: 0.01).
        block: paths at once.
    """

    space: str

    def __init__(
        self,
        distance: nn.Module,
        *,
        extractor: str,
        num: int = 10_000,
        positions: Literal["full", "end"] = "full",
        epsilon: float = 1e-4,
        trim: float = 0.01,
        block: int = 50,
    ) -> None:
        if positions not in ("full", "end"):
            raise UserError(f"positions={positions}: choose full or end")
        if num < 2 or block < 1 or not epsilon > 0 or not 0 <= trim < 0.5:
            raise UserError(
                f"num={num}, block={block}, epsilon={epsilon}, trim={trim}: give at least 2 paths,"
                " blocks of at least 1, a step above 0, and a share below 0.5"
            )
        self.distance = distance.requires_grad_(False).eval()
        self.extractor, self.num, self.positions = extractor, num, positions
        self.epsilon, self.trim, self.block = epsilon, trim, block
        self.names = (f"ppl_{self.space}_{positions}",)
        self.resize = "as the distance does"

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        self.distance = self.distance.to(device)
        self.fingerprint = weights_fingerprint(self.distance.state_dict())

    def applies(self, gan: "GAN") -> bool:
        return holds_pictures(gan)

    def parameters(self) -> dict[str, int | float | str]:
        return {"epsilon": self.epsilon, "trim": self.trim}

    @torch.no_grad()
    def __call__(self, gan: "GAN", seed: int) -> tuple[float]:
        rank, world = sharing.processes()
        shards = [
            self.lengths(gan, seed, index)
            for index in range(rank, math.ceil(self.num / self.block), world)
        ]
        shards = sharing.join(shards, 1, gan.device)
        lengths = sharing.gather(shards, self.num, self.block, gan.device)
        return (math.nan if lengths is None else trimmed_mean(lengths[:, 0], self.trim),)

    def lengths(self, gan: "GAN", seed: int, index: int) -> Tensor:
        """(B, 1) lengths of one block of paths, a function of the weights, the seed and `index`."""
        B, draw = self.block, generator(EVALUATION, PATHS, seed, index)
        z = torch.randn(2, B, gan.latent_dim, generator=draw).to(gan.device)
        t = torch.rand(B, 1, generator=draw).to(gan.device) * (self.positions == "full")
        label = None
        if gan.conditional:
            label = torch.randint(gan.num_classes, (B,), generator=draw).to(gan.device)
        render = self.path(gan, z[0], z[1], label)
        with torch.autocast(gan.device.type, enabled=False):
            here, there = render(t), render(t + self.epsilon)
            return (self.distance(here, there).float() / self.epsilon**2)[:, None]

    def path(
        self, gan: "GAN", start: Tensor, end: Tensor, label: Tensor | None
    ) -> Callable[[Tensor], Tensor]:
        """t (B, 1) -> pictures (B, C, H, W) on the paths from z `start` (B, Z) to `end`."""
        raise NotImplementedError


class PathLengthZ(PathLength):
    """Along great arcs in z (Equation 2)."""

    space = "z"

    def path(self, gan, start, end, label):
        return lambda t: gan.decode(arc(start, end, t), label)


class PathLengthW(PathLength):
    """Along straight lines in w, of generators that map z to w (Equation 3)."""

    space = "w"

    def applies(self, gan: "GAN") -> bool:
        return super().applies(gan) and hasattr(gan.generator, "mapping")

    def path(self, gan, start, end, label):
        network = gan.generator_ema
        start, end = network.mapping(start, label), network.mapping(end, label)  # (B, L, D)
        return lambda t: network.synthesis(start.lerp(end, t[..., None])).clamp(-1, 1)


def arc(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Points at t (B, 1) of the great arcs between vectors (B, Z); lengths go over evenly."""
    length_a, length_b = start.norm(dim=1, keepdim=True), end.norm(dim=1, keepdim=True)
    a, b = start / length_a, end / length_b
    angle = (a * b).sum(1, keepdim=True).clamp(-1, 1).acos()
    across = b - a * angle.cos()
    across = across / across.norm(dim=1, keepdim=True).clamp(min=1e-12)
    direction = a * (t * angle).cos() + across * (t * angle).sin()
    return direction * length_a.lerp(length_b, t)


def trimmed_mean(values: Tensor, trim: float) -> float:
    """The mean of (N,) without a share `trim` at either end; nan if one is not finite."""
    values = values.double().cpu().numpy()
    if not np.isfinite(values).all():
        return math.nan
    low = np.percentile(values, 100 * trim, method="lower")
    high = np.percentile(values, 100 * (1 - trim), method="higher")
    return float(values[(values >= low) & (values <= high)].mean())
