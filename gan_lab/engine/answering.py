"""What users, callbacks and metrics ask of a model that answers a batch: outputs for its rows."""

import torch
from torch import Tensor, nn

from gan_lab.engine.layers import in_eval
from gan_lab.engine.sampling import Batch
from gan_lab.errors import UserError

ROWS_AT_ONCE = 32
SMALLEST_SIDE = 16  # pixels: below, mirrored rims of the networks exceed their maps


class Answering(nn.Module):
    """A generator that makes an output of each row of a batch, and its average.

    Attributes:
        generator: inputs (B, ...) to outputs (B, *shape) in [-1, 1]; carries `shape` and
            `source_shape`, and `multiple` where it takes other sizes with sides of that multiple.
        generator_ema: its average over the images seen.
        source: what the generator sees of a batch.
        target: what the output is compared with, where the batch holds it.
    """

    generator: nn.Module
    generator_ema: nn.Module
    source = "source"
    target = "target"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one output, (C, H, W); fully convolutional generators take other sizes too."""
        return self.generator.shape

    @property
    def source_shape(self) -> tuple[int, ...]:
        """(C, H, W) of the pictures that it was trained to answer."""
        return self.generator.source_shape

    def input_size(self, height: int, width: int, side: int | None = None) -> tuple[int, int]:
        """The size that a picture of a file is brought to: that of training, or with `side` its
        own aspect with so many pixels on the shorter side, to multiples of what halvings need.

        Raises:
            UserError: the generator takes no other size than it learnt (it has no `multiple`), or
                the side is too small.
        """
        if side is None:
            return self.source_shape[1:]
        multiple = getattr(self.generator, "multiple", None)
        if multiple is None:
            name = type(self.generator).__name__
            raise UserError(f"side={side}: {name} answers no other size than it learnt; leave it"
                            " out")  # fmt: skip
        if side < SMALLEST_SIDE:
            raise UserError(f"side={side}: give {SMALLEST_SIDE} pixels at least")
        share = side / min(height, width)
        return tuple(max(1, round(share * x / multiple)) * multiple for x in (height, width))

    @torch.no_grad()
    def generate(self, batch: Batch, *, seed: int = 0, raw: bool = False) -> Tensor:
        """One output for each row of a batch; the same arguments give the same bits.

        Args:
            batch: floats in [-1, 1]; other entries than the generator's source are passed over.
            seed: of what the generator draws besides; many draw nothing.
            raw: ask the generator as it is now instead of its average.

        Returns:
            (B, *shape) float32 in [-1, 1].
        """
        rows = len(next(iter(batch.values())))
        answers = []
        with in_eval(self.generator if raw else self.generator_ema) as network:
            for part in torch.arange(rows).split(ROWS_AT_ONCE):
                inputs = {name: value[part].to(self.device) for name, value in batch.items()}
                answers.append(self.answer(network, inputs, seed))
        return torch.cat(answers).float().clamp(-1, 1)

    def answer(self, network: nn.Module, batch: Batch, seed: int = 0) -> Tensor:
        """What a generator makes of a batch on its device."""
        return network(batch[self.source])

    def told(self, batch: Batch) -> list[str] | None:
        """What is to be read beside each row of `show`, if anything."""
        return None

    def show(self, batch: Batch) -> dict[str, Tensor]:
        """Heading -> pictures (B, C, H, W), to be looked at side by side."""
        columns = {self.source: batch[self.source], "output": self.generate(batch)}
        return columns | {name: batch[name] for name in [self.target] if name in batch}
