"""Points are their own features."""

from typing import TYPE_CHECKING

from torch import Tensor

from gan_lab.metrics.extractor import Extractor

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule


class Points(Extractor):
    """The identity on (B, 2) float32."""

    name = "points"
    dim = 2
    fingerprint = "identity"

    def unsuited(self, data: "DataModule") -> str | None:
        if len(data.shape) == 1:
            return None
        return f"{data.name} holds pictures, not points: choose metrics=auto or metrics=inception"

    def __call__(self, images: Tensor) -> tuple[Tensor, None]:
        return images.float(), None
