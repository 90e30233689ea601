"""Distances between pictures that follow what an eye sees more than single pixels do."""

from collections.abc import Callable, Sequence

import torch
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
        for level, (a, b) in enumerate(zip(self.network(x), self.network(y), strict=True)):
            a, b = (f / f.norm(dim=1, keepdim=True).clamp_min(1e-10) for f in (a, b))
            total = total + self.weighed((a - b).square(), level).flatten(1).mean(1)
        return total

    def weighed(self, squares: Tensor, level: int) -> Tensor:
        """Squared differences (B, D, h, w) of one layer, added up: (B, h, w)."""
        return squares.sum(1)


class WeightedFeatureDistance(FeatureDistance):
    """The same with a weight for each channel: Equation 1 as it stands.

    Args:
        network: see `FeatureDistance`.
        weights: w_l of each layer, (D,).
    """

    def __init__(
        self, network: Callable[[Tensor], list[Tensor]], weights: Sequence[Tensor]
    ) -> None:
        super().__init__(network)
        self.num_layers = len(weights)
        for level, weight in enumerate(weights):
            self.register_buffer(f"weight{level}", weight.clone(), persistent=False)

    def weighed(self, squares: Tensor, level: int) -> Tensor:
        weight = getattr(self, f"weight{level}")
        return torch.einsum("bdhw,d->bhw", squares, weight)


class FeatureError(nn.Module):
    """Mean absolute difference of features as they are, averaged over layers.

    The content loss of Wang et al. 2018, Section 3.3, if the network is VGG-19 before activation;
    Ledig et al. 2017, Equation 5, have its square.

    Args:
        network: pictures (B, 3, H, W) in [-1, 1] to a list of feature maps (B, D, h, w).
        power: 1, or 2 for the square.
    """

    def __init__(self, network: Callable[[Tensor], list[Tensor]], power: int = 1) -> None:
        super().__init__()
        self.network, self.power = network, power

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Distances (B,) of pictures (B, C, H, W) in [-1, 1]."""
        x, y = (p.expand(-1, 3, -1, -1) if p.shape[1] == 1 else p[:, :3] for p in (x, y))
        pairs = zip(self.network(x), self.network(y), strict=True)
        layers = [(a - b).abs().pow(self.power).flatten(1).mean(1) for a, b in pairs]
        return torch.stack(layers).mean(0)
