"""What users, callbacks and metrics ask of a detector: how anomalous is each row of a batch."""

import torch
from torch import Tensor, nn

from gan_lab.engine.layers import in_eval
from gan_lab.engine.sampling import Batch
from gan_lab.media.standard_rows import strips

ROWS_AT_ONCE = 256
SMALLEST = 24  # pixels a side of a picture where it is looked at
KINDS = ("normal", "anomalous")


class Scoring(nn.Module):
    """A model of normal samples that says how far a sample is from them.

    A variant writes `score` and `reconstruct`, both of samples on its device. A score depends on
    its own row alone, whatever stands beside it in the batch.
    """

    def score(self, x: Tensor) -> Tensor:
        """(B, *shape) -> (B,), higher is more anomalous."""
        raise NotImplementedError

    def reconstruct(self, x: Tensor) -> Tensor:
        """The nearest normal sample that the model knows: (B, *shape) -> (B, *shape)."""
        raise NotImplementedError

    @torch.no_grad()
    def anomaly_score(self, batch: Batch) -> Tensor:
        """Of each row of a batch, higher is more anomalous.

        Args:
            batch: `image` (B, *shape), floats as in training; other entries are passed over.

        Returns:
            (B,) float32 on the CPU.
        """
        with in_eval(self):
            return torch.cat([self.score(x).float().cpu() for x in self._parts(batch)])

    @torch.no_grad()
    def reconstruction(self, batch: Batch) -> Tensor:
        """What the model takes each row of a batch for: (B, *shape) float32 on the CPU."""
        with in_eval(self):
            made = torch.cat([self.reconstruct(x).float().cpu() for x in self._parts(batch)])
        return made.clamp(-1, 1) if made.ndim > 2 else made

    def residual(self, batch: Batch) -> Tensor:
        """How far each number of a row is from its reconstruction: (B, *shape), at least 0.

        Of pictures this is the heat map, of rows what each column contributes.
        """
        return (batch["image"].cpu() - self.reconstruction(batch)).abs()

    def _parts(self, batch: Batch):
        return (part.to(self.device) for part in batch["image"].split(ROWS_AT_ONCE))

    def show(self, batch: Batch) -> dict[str, Tensor]:
        """Heading -> pictures (B, C, H, W), to be looked at side by side; rows as strips of cells.

        The heat map is white where a number is farther from its reconstruction than half of what
        the farthest of the batch is.
        """
        image, made = batch["image"].cpu().float(), self.reconstruction(batch)
        heat = (image - made).abs()
        heat = 4 * heat / heat.max().clamp(min=1e-6) - 1
        return {
            name: as_picture(value)
            for name, value in {"image": image, "returned": made, "heat": heat}.items()
        }

    def told(self, batch: Batch) -> list[str] | None:
        """What is to be read beside each row of `show`: its score, and what it is if known."""
        scores = self.anomaly_score(batch).tolist()
        known = batch.get("label")
        names = [""] * len(scores) if known is None else [KINDS[k] for k in known.tolist()]
        return [f"{score:.3g} {name}" for score, name in zip(scores, names, strict=True)]


def as_picture(samples: Tensor) -> Tensor:
    """Pictures, tiny ones enlarged in squares, and rows (B, D) as strips of cells."""
    if samples.ndim == 2:
        return strips(samples)
    factor = max(1, SMALLEST // samples.shape[2])
    enlarged = samples.clamp(-1, 1).repeat_interleave(factor, 2)
    return enlarged.repeat_interleave(factor, 3)
