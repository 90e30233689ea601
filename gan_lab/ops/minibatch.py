"""Minibatch standard deviation: "Progressive Growing of GANs for Improved Quality, Stability, and
Variation" (Karras et al. 2018), Section 3."""

import torch
from torch import Tensor


def minibatch_deviation(x: Tensor, group_size: int = 4, num_channels: int = 1) -> Tensor:
    """Append channels that tell how much a row's features vary within its group.

    Groups are neighbouring rows, so that processes that share a minibatch form the same groups.
    Their size is the largest divisor of B that is at most `group_size`.

    Args:
        x: (B, C, H, W).
        group_size: rows that are compared.
        num_channels: channels to append; each tells of its own share of the C, which it divides.

    Returns:
        (B, C + num_channels, H, W).
    """
    B, C, H, W = x.shape
    size = next(n for n in range(min(group_size, B), 0, -1) if B % n == 0)
    exact = x.to(torch.promote_types(x.dtype, torch.float32))
    groups = exact.reshape(B // size, size, num_channels, C // num_channels, H, W)
    # `var` is slow over a dimension that is not the last.
    variance = (groups - groups.mean(1, keepdim=True)).square().mean(1)  # of each feature
    deviation = (variance + 1e-8).sqrt().mean((2, 3, 4))  # (groups, channels)
    per_row = deviation[:, None].expand(-1, size, -1).reshape(B, num_channels, 1, 1)
    return torch.cat([x, per_row.to(x.dtype).expand(-1, -1, H, W)], 1)
