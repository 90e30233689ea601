"""Style mixing: coarse layers of one sample, fine ones of another (Karras et al. 2019, Fig. 3)."""

from pathlib import Path

import torch
from torch import Tensor

from gan_lab.errors import UserError
from gan_lab.latent.space import Order, StyleSpace
from gan_lab.models.base import GAN
from gan_lab.pictures import grid, save


def mix(ws: Tensor, others: Tensor, first: int, last: int) -> Tensor:
    """Every pair: the styles of `ws` (A, L, D), but layers first..last of `others` (B, L, D).

    Returns:
        (A, B, L, D).
    """
    mixed = ws[:, None].repeat(1, len(others), 1, 1)
    mixed[:, :, first : last + 1] = others[None, :, first : last + 1]
    return mixed


class Mixing:
    """A .png matrix: rows keep their own styles but take layers first..last from the columns.

    The sources stand in the first column and in the first row.

    Args:
        rows: samples at the left.
        columns: samples at the top.
        first: first layer taken from the columns' samples; 0 is the coarsest.
        last: last such layer; None is the finest.
    """

    def __init__(
        self, *, rows: int = 4, columns: int = 6, first: int = 0, last: int | None = None
    ) -> None:
        if rows < 1 or columns < 1:
            raise ValueError(f"mode.rows={rows}, mode.columns={columns}: give at least 1")
        self.rows, self.columns, self.first, self.last = rows, columns, first, last

    def __call__(self, gan: GAN, order: Order) -> Path:
        space = StyleSpace(gan, order)
        num_ws = space.network.num_ws
        last = num_ws - 1 if self.last is None else self.last
        if not 0 <= self.first <= last < num_ws:
            raise UserError(
                f"mode.first={self.first}, mode.last={last}: this generator has layers 0 to"
                f" {num_ws - 1}"
            )
        path = order.path(f"mixing-{self.first}-{last}-seed{order.seed}", ".png")
        ws, _ = space.draw(self.rows + self.columns)
        left, top = ws.split([self.rows, self.columns])
        corner = torch.ones(1, *gan.shape)
        body = space.pictures(mix(left, top, self.first, last).flatten(0, 1))
        body = body.unflatten(0, (self.rows, self.columns))
        head = torch.cat([corner, space.pictures(top)])[None]
        sheet = torch.cat([head, torch.cat([space.pictures(left)[:, None], body], 1)])
        save(grid(sheet.flatten(0, 1), self.columns + 1), path)
        return path
