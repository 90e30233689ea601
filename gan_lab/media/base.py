"""What a medium promises. A new one (sounds, tables) is one subclass, which a data module names."""

from pathlib import Path

from PIL import Image
from torch import Tensor


class Medium:
    """A kind of samples. Its fields are plain values: a run's config keeps them (a dataclass).

    Attributes:
        suffixes: what a file of samples may end in, the usual one first; "" is a folder of them.
        crowd: whether many samples are looked at in one plot instead of one by one.
    """

    suffixes: tuple[str, ...]
    crowd = False

    def stored(self, samples: Tensor) -> Tensor:
        """Samples (N, *shape) as a file would hold them; those that are so already stay."""
        raise NotImplementedError

    def sheet(self, samples: Tensor, columns: int, reals: Tensor | None = None) -> Image.Image:
        """What one looks at: samples (N, *shape) in rows of `columns`.

        Args:
            reals: (N, *shape), where the samples are looked at beside them.
        """
        raise NotImplementedError

    def recording(self, samples: Tensor, path: Path) -> Path | None:
        """Write what one listens to beside a sheet `path`; None where there is nothing to hear."""
        return None

    def write(self, samples: Tensor, path: Path, columns: int) -> None:
        """Write samples (N, *shape) to a file or folder, whose suffix is one of `suffixes`."""
        raise NotImplementedError
