"""Samples beside the training pictures nearest to them: does the generator copy?"""

from pathlib import Path

import torch
from torch import Tensor

from gan_lab.errors import UserError
from gan_lab.latent.space import LatentSpace, Order
from gan_lab.metrics.engine import fixed_order, real_features, shard_features
from gan_lab.metrics.suite import Suite
from gan_lab.models.base import GAN
from gan_lab.pictures import grid, save
from gan_lab.runs import Run
from gan_lab.training import build_data


def nearest(queries: Tensor, points: Tensor, count: int, block: int = 1024) -> Tensor:
    """Indices (Q, count) of the points (N, D) nearest to queries (Q, D), the nearest first."""
    found = [
        torch.cdist(q, points).topk(count, largest=False).indices for q in queries.split(block)
    ]
    return torch.cat(found)


class Neighbours:
    """A .png: in each row a sample, then the training pictures nearest in feature space.

    Args:
        suite: whose first suitable extractor gives the features.
        count: neighbours of each sample.
    """

    def __init__(self, suite: Suite, *, count: int = 7) -> None:
        if count < 1:
            raise ValueError(f"mode.count={count}: give at least 1")
        self.suite, self.count = suite, count

    def __call__(self, gan: GAN, order: Order) -> Path:
        path = order.path(f"neighbours-seed{order.seed}-{order.num}", ".png")
        space = LatentSpace(gan, order)
        data = build_data(Run(order.run, trust=True).config)  # `load` has refused foreign code
        reals = data.reals(self.suite.split)
        extractor = self.suite.prepare(data, gan.device)[0]
        num_real, _ = self.suite.counts(len(reals))
        if self.count > num_real:
            raise UserError(f"mode.count={self.count}: there are {num_real} training pictures")
        known = real_features(self.suite, [extractor], data, gan.device)[0].values
        samples = space.pictures(*space.draw(order.num))
        seen = shard_features(samples, [extractor], gan.device)[0][:, : known.shape[1]]
        indices = fixed_order(len(reals))[nearest(seen.cpu(), known, self.count).flatten()]
        pictures = reals.images(indices).float() / 127.5 - 1
        rows = torch.cat([samples[:, None], pictures.unflatten(0, (order.num, self.count))], 1)
        save(grid(rows.flatten(0, 1), self.count + 1), path)
        return path
