"""Ways from one sample to another: a grid of steps, or an endless film."""

import math
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from gan_lab.latent.space import SPACES, Order
from gan_lab.models.base import GAN
from gan_lab.pictures import film, grid, save


def linear(start: Tensor, end: Tensor, position: Tensor) -> Tensor:
    """The straight line from `start` (..., D) at 0 to `end` at 1; position broadcasts."""
    return torch.lerp(start, end, position)


def spherical(start: Tensor, end: Tensor, position: Tensor) -> Tensor:
    """The great arc between the directions of two vectors (..., D) (Shoemake 1985).

    In many dimensions z ~ N(0, I) lies near a sphere, which a straight line leaves (White 2016).
    The length goes evenly from the one's to the other's; vectors in line fall back to a line.
    """
    lengths = start.norm(dim=-1, keepdim=True), end.norm(dim=-1, keepdim=True)
    unit_start, unit_end = (x / n.clamp_min(1e-12) for x, n in zip((start, end), lengths))
    cosine = (unit_start * unit_end).sum(-1, keepdim=True).clamp(-1, 1)
    angle = cosine.acos()
    straight = angle.sin() < 1e-4
    sine = torch.where(straight, 1.0, angle.sin())
    from_start = torch.where(straight, 1 - position, ((1 - position) * angle).sin() / sine)
    from_end = torch.where(straight, position, (position * angle).sin() / sine)
    return (from_start * unit_start + from_end * unit_end) * torch.lerp(*lengths, position)


def loop(stops: Tensor, steps: int, between=linear) -> Tensor:
    """A closed way through stops (S, ..., D), `steps` frames from each to the next: (S*steps, ...).

    The speed falls to zero at each stop, so that a film lingers on true samples.
    """
    S, *rest = stops.shape
    t = (1 - torch.cos(math.pi * torch.arange(steps) / steps)) / 2
    t = t.view(1, steps, *[1] * len(rest))
    return between(stops[:, None], stops.roll(-1, 0)[:, None], t).flatten(0, 1)


BETWEEN = {"linear": linear, "spherical": spherical}


class Interpolation:
    """A .png with a way in each row, or a .gif or .mp4 in which every cell moves.

    Args:
        space: `z`, or `w` of a style-based generator.
        between: `linear` or `spherical`.
        steps: pictures from one sample to the next.
        stops: samples that a film passes through before it begins again.
        frames_per_second: of a film.
    """

    def __init__(
        self,
        *,
        space: Literal["z", "w"] = "z",
        between: Literal["linear", "spherical"] = "spherical",
        steps: int = 8,
        stops: int = 4,
        frames_per_second: int = 25,
    ) -> None:
        if steps < 2 or stops < 2:
            raise ValueError(f"mode.steps={steps}, mode.stops={stops}: give at least 2")
        self.space, self.between = SPACES[space], BETWEEN[between]
        self.steps, self.stops, self.frames_per_second = steps, stops, frames_per_second

    def __call__(self, gan: GAN, order: Order) -> Path:
        space = self.space(gan, order)
        name = f"interpolation-{space.name}-seed{order.seed}-{order.num}"
        path = order.path(name, ".png", ".gif", ".mp4")
        is_film = path.suffix != ".png"
        stops = [space.draw(order.num, stream) for stream in range(self.stops if is_film else 2)]
        codes = torch.stack([code for code, _ in stops])  # (S, N, ...)
        label = stops[0][1]
        if not is_film:
            t = torch.linspace(0, 1, self.steps).view(-1, *[1] * (codes.ndim - 1))
            way = self.between(codes[:1], codes[1:], t).transpose(0, 1)  # (N, steps, ...)
            label = None if label is None else label.repeat_interleave(self.steps)
            save(grid(space.pictures(way.flatten(0, 1), label), self.steps), path)
            return path
        columns = math.ceil(order.num**0.5)
        way = loop(codes, self.steps, self.between)  # (S * steps, N, ...)
        film(
            [grid(space.pictures(code, label), columns) for code in way],
            path,
            frames_per_second=self.frames_per_second,
        )
        return path
