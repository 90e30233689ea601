"""Contrastive losses: one value per sample."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def patch_nce(queries: Tensor, keys: Tensor, temperature: float = 0.07) -> Tensor:
    """-log of the share that a query gives the key of its own place: Park et al. 2020, Equation 3.

    The negatives are the keys of the other places of the same picture.

    Args:
        queries: (B, P, D), unit vectors of the output's places.
        keys: (B, P, D), of the source's; nothing is learnt through them.
        temperature: tau (paper: 0.07).

    Returns:
        (B,), the mean over places.
    """
    B, P, _ = queries.shape
    logits = queries @ keys.detach().transpose(1, 2) / temperature  # (B, P, P)
    own = torch.arange(P, device=logits.device).expand(B, P)
    return cross_entropy(logits.transpose(1, 2), own, reduction="none").mean(1)
