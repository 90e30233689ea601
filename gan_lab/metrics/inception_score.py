"""Inception score: "Improved Techniques for Training GANs" (Salimans et al. 2016), section 4."""

import numpy as np
import torch
from torch import Tensor

from gan_lab.metrics.features import Features, Formula


def inception_score(logits: Tensor, num_splits: int = 10, seed: int | None = 2020) -> float:
    """exp(E_x KL(p(y | x) || p(y))), the mean over `num_splits` parts of the set.

    Args:
        logits: (N, K) of a classifier, for fakes.
        seed: shuffles first, as torch-fidelity does (files may be sorted by class); None does not.
    """
    N = len(logits)
    if num_splits > N:
        raise ValueError(f"num_splits={num_splits}, but there are only {N} samples")
    if seed is not None:
        logits = logits[torch.from_numpy(np.random.RandomState(seed).permutation(N))]
    log_p = logits.double().log_softmax(dim=1)
    scores = []
    for i in range(num_splits):
        part = log_p[i * N // num_splits : (i + 1) * N // num_splits]
        log_marginal = part.logsumexp(dim=0) - np.log(len(part))
        scores.append((part.exp() * (part - log_marginal)).sum(dim=1).mean().exp())
    return float(torch.stack(scores).mean())


class InceptionScore(Formula):
    """IS in `num_splits` parts: 10 in published tables.

    Args:
        num: at most this many fakes.
    """

    names = ("is",)
    lower_is_better = False

    def __init__(self, *, num_splits: int = 10, num: int | None = None) -> None:
        super().__init__(num=num)
        self.num_splits = num_splits

    def applies(self, extractor, data) -> bool:
        return extractor.num_logits is not None

    def parameters(self) -> dict[str, int | float]:
        return {"num_splits": self.num_splits}

    def __call__(self, real: Features, fake: Features, data: object) -> tuple[float]:
        return (inception_score(fake.logits, self.num_splits),)
