"""Classification accuracy score: "Classification Accuracy Score for Conditional Generative Models"
(Ravuri and Vinyals 2019): train a classifier on samples, test it on real pictures.

A class that the generator has lost, or confuses, costs accuracy where FD does not see it.
"""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan_lab import randomness
from gan_lab.data.base import ArrayReals
from gan_lab.media import holds_pictures
from gan_lab.metrics import cache
from gan_lab.metrics.classifier import RECIPE, Classifier, Network, shrunk
from gan_lab.metrics.engine import is_first
from gan_lab.metrics.generator import GeneratorFigure

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule, Reals
    from gan_lab.models.base import GAN

LABELS = 4  # kind of draw under the key EVALUATION


class ClassificationScore(GeneratorFigure):
    """Accuracy on real test pictures of a classifier of samples; beside it, of one of reals.

    The classifier is the small one of `gan_lab.metrics.classifier`, whose recipe is the same for
    both: published scores are of a ResNet-50.

    Args:
        num: samples to learn from, classes in equal parts (paper: as many as the training set
            has); null for as many as training pictures, at most 50,000.
        num_images: images that each classifier learns from, repetitions counted.
        split: of the reals that test it.
        block: samples at once.
        seed: of the classifiers' training.
    """

    names = ("cas", "cas_of_reals")
    lower_is_better = False
    extractor = "classifier"
    resize = Classifier.resize
    labels = "classes in equal parts"

    def __init__(
        self,
        *,
        num: int | None = None,
        num_images: int = 40_000,
        split: str = "test",
        block: int = 250,
        seed: int = 0,
    ) -> None:
        self.wanted, self.block, self.split, self.seed = num, block, split, seed
        self.learner = Classifier(seed=seed, num_images=num_images)
        self.fingerprint = f"recipe {RECIPE}"

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        self.data = data

    def applies(self, gan: "GAN") -> bool:
        if not gan.conditional or not holds_pictures(gan) or self.split not in self.data.splits:
            return False
        self.num = self.wanted or min(50_000, len(self.data.reals("train")))
        self.num_real = len(self.data.reals(self.split))
        return True

    def parameters(self) -> dict[str, int | float | str]:
        return {"num_images": self.learner.num_images, "classifier_seed": self.seed}

    def __call__(self, gan: "GAN", seed: int) -> tuple[float, float]:
        if not is_first():
            return math.nan, math.nan  # what the first process finds counts
        train, test = self.data.reals("train"), self.data.reals(self.split)
        name = f"{train.fingerprint()}-{test.fingerprint()}-{self.seed}"
        _, facts = cache.remembered(
            f"scores/{name}-{self.learner.num_images}-{RECIPE}",
            lambda: ({}, {"accuracy": str(self.accuracy(train, test))}),
        )
        return self.accuracy(self.samples(gan, seed), test), float(facts["accuracy"])

    def samples(self, gan: "GAN", seed: int) -> ArrayReals:
        """Pictures as files would hold them, and the labels that they were asked for."""
        labels = torch.arange(self.num) % gan.num_classes
        order = torch.randperm(
            self.num, generator=randomness.generator(randomness.EVALUATION, LABELS, seed)
        )
        labels = labels[order]
        images = [
            gan.medium.stored(
                gan.sample(
                    len(part),
                    seed=randomness.key(randomness.EVALUATION, LABELS, seed, index),
                    label=part,
                )
            ).cpu()
            for index, part in enumerate(labels.split(self.block))
        ]
        return ArrayReals(torch.cat(images), labels)

    def accuracy(self, learnt: "Reals", test: "Reals") -> float:
        """Share of `test` that a classifier which learnt from `learnt` gets right."""
        state, _ = self.learner.learn(learnt, self.data.shape, self.data.num_classes)
        with torch.random.fork_rng(devices=[]):
            network = self.learner.make(self.data.shape, self.data.num_classes)
        network.load_state_dict(state)
        network.eval()
        parts = torch.arange(len(test)).split(1000)
        return sum(num_right(network, test, rows) for rows in parts) / len(test)


@torch.no_grad()
def num_right(network: Network, reals: "Reals", rows: Tensor) -> int:
    """How many of the reals numbered `rows` are classified as they are labelled."""
    images = shrunk(reals.images(rows)).contiguous(memory_format=torch.channels_last)
    return int((network(images)[1].argmax(dim=1) == reals.labels(rows)).sum())
