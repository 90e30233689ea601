"""Whether a translated picture is of the other domain, and whether its outline stayed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan_lab.metrics.classifier import Classifier
from gan_lab.metrics.paired import PairedFormula

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule
    from gan_lab.data.unpaired import DomainReals

VISIBLE = 24  # levels by which a shape differs from its background in some channel


class DomainLabels:
    """The pictures of both domains as one labelled set: A is class 0, B is class 1."""

    def __init__(self, reals: "DomainReals") -> None:
        self.reals = reals
        self.num_a, num_b = (len(pictures) for pictures in reals.columns.values())
        self.total = self.num_a + num_b

    def __len__(self) -> int:
        return self.total

    def images(self, indices: Tensor | Sequence[int]) -> Tensor:
        numbers, is_b = torch.as_tensor(indices), self.labels(indices).bool()
        a = self.reals.batch(numbers[~is_b], ["domain_a"])["domain_a"]
        b = self.reals.batch(numbers[is_b] - self.num_a, ["domain_b"])["domain_b"]
        images = a.new_empty(len(numbers), *a.shape[1:])
        images[~is_b], images[is_b] = a, b
        return images

    def labels(self, indices: Tensor | Sequence[int]) -> Tensor:
        return (torch.as_tensor(indices) >= self.num_a).long()

    def fingerprint(self) -> str:
        return f"{self.reals.fingerprint()}-domains"


class DomainShare(PairedFormula):
    """The share of outputs that a classifier of the two domains takes for pictures of B.

    It learns from the training pictures of both domains, and never sees an output.

    Args:
        seed: of its training.
    """

    names = ("share_of_b",)
    lower_is_better = False
    extractor = "domains"
    against = "domain_b"

    def __init__(self, *, seed: int = 0) -> None:
        self.classifier = Classifier(seed=seed)

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        self.classifier.prepare_for(DomainLabels(data.reals("train")), data.shape, 2, device)
        self.device, self.fingerprint = device, self.classifier.fingerprint

    def parameters(self) -> dict[str, int | float | str]:
        return {"classifier_accuracy": self.classifier.accuracy}

    @torch.no_grad()
    def __call__(self, output: Tensor, real: Tensor) -> Tensor:
        _, logits = self.classifier(output.to(self.device))
        return logits.argmax(1, keepdim=True).double().cpu()


class OutlineOverlap(PairedFormula):
    """Intersection over union of the shapes in an output and in its source, on plain ground."""

    names = ("outline_iou",)
    lower_is_better = False
    against = "domain_a"

    def applies(self, data: "DataModule") -> bool:
        return super().applies(data) and getattr(data, "plain", False)

    def __call__(self, output: Tensor, source: Tensor) -> Tensor:
        first, second = foreground(output), foreground(source)
        both, either = (first & second), (first | second)
        share = both.flatten(1).sum(1) / either.flatten(1).sum(1).clamp(min=1)
        return share[:, None].double()


class ColourDistance(PairedFormula):
    """How far an output's colours are from its style's: means and deviations, in [-1, 1]."""

    names = ("colour_distance",)
    against = "domain_b"

    def __call__(self, output: Tensor, style: Tensor) -> Tensor:
        (mean, deviation), (mean_s, deviation_s) = (
            (x.mean(2), x.std(2, correction=0))
            for x in (p.double().flatten(2) / 127.5 for p in (output, style))
        )
        distance = (mean - mean_s).abs() + (deviation - deviation_s).abs()
        return distance.mean(1, keepdim=True)


def foreground(pictures: Tensor) -> Tensor:
    """(B, C, H, W) uint8 -> (B, H, W) bool: what differs from the colour most common at the rim."""
    levels = pictures.int()
    rim = torch.cat([levels[..., 0], levels[..., -1], levels[..., 0, :], levels[..., -1, :]], -1)
    background = rim.median(-1).values[..., None, None]  # (B, C, 1, 1)
    return ((levels - background).abs() > VISIBLE).any(1)
