"""Points are their own features."""

from typing import TYPE_CHECKING

from torch import Tensor

from gan_lab.media import points as medium
from gan_lab.metrics.extractor import Extractor

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule


class Points(Extractor):
    """The identity on (B, 2) float32."""

    name = "points"
    dim = 2
    fingerprint = "identity"

    def unsuited(self, data: "DataModule") -> str | None:
        if isinstance(data.medium, medium.Points):
            return None
        return f"{data.name} holds no points: choose metrics=auto"

    def __call__(self, images: Tensor) -> tuple[Tensor, None]:
        return images.float(), None
