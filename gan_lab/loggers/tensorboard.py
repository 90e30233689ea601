"""TensorBoard event files, under `tensorboard/` in the run's folder."""

from pathlib import Path

import numpy as np
from lightning.pytorch.utilities import rank_zero_only
from PIL import Image

from gan_lab.errors import UserError
from gan_lab.loggers.base import RunLogger


class TensorBoard(RunLogger):
    """Writes what TensorBoard reads; its step is the number of real images seen.

    TensorBoard's x-axis takes whole numbers only, so a step is an image, not a thousand.
    """

    def __init__(self) -> None:
        super().__init__()
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UserError(
                "logger=tensorboard: the package tensorboard is not installed;"
                " pip install tensorboard, or choose logger=csv"
            ) from None
        self._make_writer = SummaryWriter
        self._writer: SummaryWriter | None = None

    def begin(self, folder: Path, iteration: int) -> None:
        self._folder, self._began = Path(folder) / "tensorboard", iteration

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Write each value of `metrics`, which holds kimg."""
        images = round(1000 * metrics["kimg"])
        for name, value in metrics.items():
            if name != "kimg":
                self._open(images).add_scalar(name, value, images)

    def log_picture(self, key: str, path: Path, step: int, kimg: float) -> None:
        images = round(1000 * kimg)
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        self._open(images).add_image(key, pixels, images, dataformats="HWC")

    @rank_zero_only
    def finalize(self, status: str) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self, images: int):
        if self._writer is None:  # what a killed process wrote from here on is hidden
            purge = images if self._began else None
            self._writer = self._make_writer(str(self._folder), purge_step=purge)
        return self._writer
