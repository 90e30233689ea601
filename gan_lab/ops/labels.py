"""Labels as class ids (B,), or as weights of classes (B, K): what lies between two classes."""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot


def class_weights(label: Tensor, num_classes: int) -> Tensor:
    """Ids (B,) as one-hot rows (B, K) of floats; weights (B, K) as they are."""
    if label.ndim == 2:
        return label
    return one_hot(label, num_classes).to(torch.get_default_dtype())


class LabelEmbedding(nn.Embedding):
    """A learned vector of each class: ids (B,) or weights of classes (B, K) to (B, D)."""

    def forward(self, label: Tensor) -> Tensor:
        if label.ndim == 2:
            return label.to(self.weight.dtype) @ self.weight
        return super().forward(label)
