"""What a feature extractor promises. A new one (VGG-16, DINOv2) is one subclass."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule
    from gan_lab.metrics.features import Features


class Extractor:
    """Images to features. Costs nothing until `prepare`, which finds or learns the weights.

    Attributes:
        name: the extractor's part in a metric's name.
        dim: D, numbers per image.
        num_logits: K, or None if it does not classify.
        fingerprint: 16 hex digits that name the weights.
        resize: what happens to an image before the network, in words; a part of the protocol.
        beside: features of what needs no generator, by its name: figures of it stand beside.
    """

    name: str
    dim: int
    num_logits: int | None = None
    fingerprint: str
    resize = "none"
    beside: Mapping[str, "Features"] = {}

    def unsuited(self, data: "DataModule") -> str | None:
        """Why this extractor cannot serve this data, with the remedy; None if it can."""
        return None

    def at_hand(self) -> bool:
        """Whether the weights can be had without the network."""
        return True

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        """Make the weights ready on `device`. Several processes may call it at once.

        Raises:
            UserError: the weights cannot be had; the message says what to do.
        """

    def record(self) -> dict[str, float | str]:
        """Facts worth knowing beside a figure (a classifier's accuracy); not compared."""
        return {}

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """uint8 (B, C, H, W) on the device -> features (B, D) float32, logits (B, K) or None."""
        raise NotImplementedError


def weights_fingerprint(state: Mapping[str, Tensor]) -> str:
    """16 hex digits that name the numbers of a state dict."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
