"""What is asked of a model that enlarges pictures: any size, at its own."""

import torch
from torch import Tensor, nn

from gan_lab.engine.answering import Answering
from gan_lab.engine.sampling import Batch
from gan_lab.engine.tiles import tiled
from gan_lab.errors import UserError
from gan_lab.ops.bicubic import enlarged

TILE = 192  # pixels a side of low resolution that the generator sees at once


class Enlarging(Answering):
    """A convolutional generator of high resolutions, and its average.

    Attributes:
        generator: low resolutions (B, C, h, w) to high ones (B, C, h * scale, w * scale); carries
            `scale`, and `reach`, the pixels to each side of the low resolution that an output
            depends on.
        tile: largest side that it sees at once; larger pictures are made in tiles.
    """

    source, target = "low", "high"
    tile = TILE

    def input_size(self, height: int, width: int, side: int | None = None) -> tuple[int, int]:
        """Pictures are enlarged as they are."""
        if side is not None:
            raise UserError(f"side={side}: pictures are enlarged as they are; leave it out")
        return height, width

    def answer(self, network: nn.Module, batch: Batch, seed: int = 0) -> Tensor:
        return tiled(network, batch["low"], network.scale, self.tile, network.reach)

    @torch.no_grad()
    def show(self, batch: Batch) -> dict[str, Tensor]:
        low = batch["low"]
        columns = {
            "low": low,
            "bicubic": enlarged(low, self.generator.scale),
            "output": self.generate(batch),
        }
        return columns | {name: batch[name] for name in ["high"] if name in batch}
