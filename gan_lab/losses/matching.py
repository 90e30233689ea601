"""Whether sentences and pictures belong together."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def contrast(pictures: Tensor, sentences: Tensor, alike: Tensor, sharpness: float) -> Tensor:
    """How hard it is to tell whose sentence is whose: AttnGAN's DAMSM loss of whole sentences.

    -log P(sentence | picture) - log P(picture | sentence) among those given (Xu et al. 2018,
    Equations 8 to 10 for L^s), which are the part of a minibatch that a process holds at a time:
    several processes, or accumulation, tell apart fewer.

    Args:
        pictures: (B, D), their mean square 1, so that their product's mean is a cosine.
        sentences: (B, D), likewise.
        alike: (B, B), pairs of rows whose sentences are the same: neither is wrong for the other.
        sharpness: gamma_3 (paper: 10).

    Returns:
        (B,)
    """
    cosines = pictures @ sentences.T / pictures.shape[1]  # (B, B)
    others = alike & ~torch.eye(len(alike), dtype=torch.bool, device=alike.device)
    logits = (sharpness * cosines).masked_fill(others, float("-inf"))
    right = torch.arange(len(logits), device=logits.device)
    return cross_entropy(logits, right, reduction="none") + cross_entropy(
        logits.T, right, reduction="none"
    )
