"""Distances between pictures that follow what an eye sees more than single pixels do."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d


class PyramidDistance(nn.Module):
    """Mean absolute difference at the full size and at each half of it: needs no weights."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Distances (B,) of pictures (B, C, H, W) in [-1, 1]."""
        difference, total, levels = x - y, x.new_zeros(len(x)), 0
        while True:
            total, levels = total + difference.abs().flatten(1).mean(1), levels + 1
            if min(difference.shape[-2:]) < 4:
                return total / levels
            difference = avg_pool2d(difference, 2)


class FeatureDistance(nn.Module):
    """Squared distance of unit-length features, summed over layers (Zhang et al. 2018, Eq. 1).

    With equal weights of all channels: not LPIPS, whose weights were fitted to people's answers.

    Args:
        network: pictures (B, 3, H, W) in [-1, 1] to a list of feature maps (B, D, h, w).
    """

    def __init__(self, network: Callable[[Tensor], list[Tensor]]) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Distances (B,) of pictures (B, C, H, W) in [-1, 1], C 1, 3 or 4 (alpha is left out)."""
        x, y = (p.expand(-1, 3, -1, -1) if p.shape[1] == 1 else p[:, :3] for p in (x, y))
        total = x.new_zeros(len(x))
        for a, b in zip(self.network(x), self.network(y), strict=True):
            a, b = (f / f.norm(dim=1, keepdim=True).clamp_min(1e-10) for f in (a, b))
            total = total + (a - b).square().sum(1).flatten(1).mean(1)
        return total
