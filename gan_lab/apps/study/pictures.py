"""A small classifier of pictures, that learns from real ones, their augmentations, and samples."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lab.augment.base import Augmentation
from gan_lab.augment.diffaugment import DiffAugment
from gan_lab.augment.flip import Flip
from gan_lab.data.base import DataModule, Reals
from gan_lab.metrics.classifier import Classifier, shrunk
from gan_lab.models.base import GAN
from gan_lab.randomness import generator, key

STUDY = 0x737475  # first integer of the keys drawn here
Minibatch = Callable[[torch.Generator], tuple[Tensor, Tensor]]


class Shown:
    """Pictures (N, C, H, W) uint8 and labels (N,), to draw minibatches from.

    Args:
        images, labels: as above.
        steps: augmentations of what is drawn.
    """

    def __init__(self, images: Tensor, labels: Tensor, steps: list[Augmentation] = ()) -> None:
        self.images, self.labels, self.steps = images, labels, steps

    @classmethod
    def of(cls, reals: Reals) -> "Shown":
        rows = torch.arange(len(reals))
        images = torch.cat([reals.images(part) for part in rows.split(1000)])
        return cls(images, reals.labels(rows))

    def draw(self, num: int, draws: torch.Generator) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(self.labels), (num,), generator=draws)
        images = self.images[rows]
        for step in self.steps:
            images = step(images, torch.rand(num, step.num_draws, generator=draws))
        return images, self.labels[rows]


class PictureStudy:
    """How well one learns pictures' labels from this and that.

    Classic augmentation shifts by up to an eighth of a side, and flips where the data module does.

    Args:
        data: with the whole training split.
        gan: whose samples are tried.
        num_samples: that are drawn, with the labels' frequencies in the real part.
        steps: minibatches of each training.
        batch: their size.
    """

    noun, who, title = "pictures", "classifier", ""
    score = "accuracy on the real test split, %"

    def __init__(
        self, data: DataModule, gan: GAN, *, num_samples: int, steps: int = 600, batch: int = 128
    ) -> None:
        self.data, self.gan, self.num_samples = data, gan, num_samples
        self.steps, self.batch = steps, batch
        self.test = Shown.of(data.reals("test"))
        self.classic = [DiffAugment(["translation"]), *([Flip()] if data.mirror else [])]

    def settings(self) -> dict[str, int | str]:
        """How classifiers learn."""
        return {"steps": self.steps, "batch": self.batch}

    def accuracies(self, reals: Reals, seed: int) -> dict[str, float]:
        """Way -> accuracy on the real test split, of classifiers that learnt from the part `reals`.

        Args:
            seed: of the classifiers and of the samples.
        """
        real, B = Shown.of(reals), self.batch
        classic = Shown(real.images, real.labels, self.classic)
        samples = self.samples(real.labels, seed)

        def both(draws: torch.Generator) -> tuple[Tensor, Tensor]:
            halves = real.draw(B - B // 2, draws), samples.draw(B // 2, draws)
            return tuple(torch.cat(parts) for parts in zip(*halves, strict=True))

        ways: dict[str, Minibatch] = {
            "real": lambda draws: real.draw(B, draws),
            "classic": lambda draws: classic.draw(B, draws),
            "samples": both,
            "samples_only": lambda draws: samples.draw(B, draws),
        }
        return {way: self.accuracy(self.learn(draw, seed)) for way, draw in ways.items()}

    def samples(self, labels: Tensor, seed: int) -> Shown:
        """Samples asked for by labels that are drawn from those given."""
        rows = torch.randint(len(labels), (self.num_samples,), generator=generator(STUDY, seed, 1))
        asked = labels[rows]
        images = [
            self.gan.medium.stored(
                self.gan.sample(len(part), seed=key(STUDY, seed, 2, index), label=part)
            ).cpu()
            for index, part in enumerate(asked.split(500))
        ]
        return Shown(torch.cat(images), asked)

    def learn(self, minibatch: Minibatch, seed: int) -> nn.Module:
        """A classifier after so many minibatches: Adam, learning rate up and down again once."""
        draws = generator(STUDY, seed, 0)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            network = Classifier.make(self.data.shape, self.data.num_classes).train()
        optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-3, fused=True)
        for step in range(self.steps):
            progress = (step + 1) / self.steps
            rate = min(progress / 0.2, (1 - progress) / 0.8 + 1e-3)
            optimizer.param_groups[0]["lr"] = 4e-3 * rate
            images, labels = minibatch(draws)
            optimizer.zero_grad()
            F.cross_entropy(network(shrunk(images))[1], labels).backward()
            optimizer.step()
        return network.eval()

    @torch.no_grad()
    def accuracy(self, network: nn.Module) -> float:
        """Share of the test pictures that are named right."""
        parts = zip(self.test.images.split(1000), self.test.labels.split(1000), strict=True)
        right = sum(
            int((network(shrunk(images))[1].argmax(1) == labels).sum()) for images, labels in parts
        )
        return right / len(self.test.labels)
