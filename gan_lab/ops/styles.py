"""Style mixing: "A Style-Based Generator Architecture for Generative Adversarial Networks" (Karras
et al. 2019), Section 3.1."""

import torch
from torch import Tensor


def mixed_styles(
    first: Tensor, second: Tensor, draws: Tensor, share: float, depth: int | None = None
) -> Tensor:
    """Styles that change over, in a share of rows, to those of a second latent at a random layer.

    Args:
        first: ws (B, L, D) of the first latents, which rule the layers before the change.
        second: ws (B, L, D) of the second ones.
        draws: (B, 2) from U[0, 1): which rows are mixed, and where.
        share: of rows that are mixed, from 0 to 1.
        depth: how many layers run; the change is between two of them. L if None.

    Returns:
        (B, L, D).
    """
    L = first.shape[1]
    depth = L if depth is None else depth
    chosen, place = draws.split(1, 1)  # (B, 1) each
    crossover = torch.where(chosen < share, 1 + (place * (depth - 1)).floor(), L)
    layer = torch.arange(L, device=first.device)
    return torch.where((layer < crossover)[..., None], first, second)
