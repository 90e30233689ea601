"""Points in the plane."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from gan_lab.files import atomic_write
from gan_lab.media.base import Medium
from gan_lab.pictures import save, scatter


@dataclass(frozen=True)
class Points(Medium):
    """A scatter plot, or a table of two columns."""

    suffixes = (".png", ".csv")
    crowd = True

    def stored(self, samples: Tensor) -> Tensor:
        """float32: points are kept as they are."""
        return samples

    def sheet(self, samples: Tensor, columns: int, reals: Tensor | None = None) -> Image.Image:
        return scatter(samples, reals)

    def write(self, samples: Tensor, path: Path, columns: int) -> None:
        if path.suffix == ".png":
            save(scatter(samples, None), path)
        else:
            atomic_write(path, lambda file: np.savetxt(file, samples.numpy(), delimiter=","))
