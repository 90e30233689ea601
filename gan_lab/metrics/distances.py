"""Distances between two sets of features, a block of rows at a time to bound the memory."""

from collections.abc import Iterator

import torch
from torch import Tensor

from gan_lab.errors import UserError

BLOCK_NUMBERS = 8_000_000  # 64 MB of float64 a block


def squared_distances(rows: Tensor, columns: Tensor) -> Iterator[Tensor]:
    """Blocks (B, M) of |x - y|^2 for x in rows (N, D), y in columns (M, D), in row order.

    In float64: |x|^2 + |y|^2 - 2 xy loses half the digits, which single precision has not.
    """
    rows, columns = rows.double(), columns.double()
    centre = columns.mean(dim=0)
    rows, columns = rows - centre, columns - centre
    squares = columns.square().sum(dim=1)
    for block in rows.split(max(1, BLOCK_NUMBERS // len(columns))):
        distances = torch.addmm(squares, block, columns.T, alpha=-2)
        yield distances.add_(block.square().sum(dim=1, keepdim=True)).clamp_(min=0)


def neighbour_radii(features: Tensor, k: int) -> Tensor:
    """(N,) float64 distance of each sample to its k-th nearest other sample of the set."""
    if len(features) <= k:
        raise UserError(
            f"{len(features)} samples are too few for k={k} neighbours: give more than k samples,"
            " or a smaller k (metrics.formulas)"
        )
    start, radii = 0, []
    for block in squared_distances(features, features):
        rows = torch.arange(len(block))
        block[rows, start + rows] = 0  # itself, exactly, so that it takes the first place
        radii.append(block.topk(k + 1, largest=False).values[:, k].sqrt())
        start += len(block)
    return torch.cat(radii)
