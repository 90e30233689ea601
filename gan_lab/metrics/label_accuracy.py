"""Do samples bear the label they were asked for? An independent classifier names them."""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan_lab import randomness
from gan_lab.metrics.classifier import Classifier
from gan_lab.metrics.generator import GeneratorFigure
from gan_lab.metrics.sharing import is_first

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule
    from gan_lab.models.base import GAN

NAMES = 5  # kind of draw under the key EVALUATION


class LabelAccuracy(GeneratorFigure):
    """Share of samples that a classifier names as they were asked; beside it, of real ones.

    Give the classifier another seed than that of the features by which the best checkpoint is
    chosen. One good sample of each class would do well here: read it beside a distance.

    Args:
        classifier: of the data set's own labels.
        num: samples, classes in equal parts.
        split: of the reals beside them; the training set where the data have none.
        block: samples at once.
    """

    names = ("label_accuracy", "label_accuracy_of_reals")
    lower_is_better = False
    labels = "classes in equal parts"

    def __init__(
        self, classifier: Classifier, *, num: int = 1000, split: str = "test", block: int = 250
    ) -> None:
        self.classifier, self.num, self.wanted, self.block = classifier, num, split, block
        self.extractor, self.resize = classifier.name, classifier.resize

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        self.suited = self.classifier.unsuited(data) is None
        if self.suited:
            self.classifier.prepare(data, device)
            self.fingerprint = self.classifier.fingerprint
            self.split = self.wanted if self.wanted in data.splits else "train"
            self.reals, self.medium, self.device = data.reals(self.split), data.medium, device
            self.num_real = len(self.reals)

    def applies(self, gan: "GAN") -> bool:
        return self.suited and getattr(gan, "conditional", False)

    def parameters(self) -> dict[str, int | float | str]:
        return {"classifier_seed": self.classifier.seed}

    def facts(self) -> dict[str, float | str]:
        return self.classifier.record()

    def __call__(self, gan: "GAN", seed: int) -> tuple[float, float]:
        if not is_first():
            return math.nan, math.nan  # what the first process finds counts
        asked = torch.arange(self.num) % gan.num_classes
        num_right = 0
        for index, labels in enumerate(asked.split(self.block)):
            key = randomness.key(randomness.EVALUATION, NAMES, seed, index)
            num_right += self.right(gan.sample(len(labels), seed=key, label=labels), labels)
        of_reals = sum(
            self.right(self.reals.images(rows), self.reals.labels(rows))
            for rows in torch.arange(self.num_real).split(self.block)
        )
        return num_right / self.num, of_reals / self.num_real

    @torch.no_grad()
    def right(self, samples: Tensor, labels: Tensor) -> int:
        """How many samples the classifier names by their labels (B,)."""
        _, logits = self.classifier(self.medium.stored(samples.to(self.device)))
        return int((logits.argmax(1).cpu() == labels).sum())
