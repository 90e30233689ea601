"""Learners of rows of a table, that learn from real ones, their augmentations, and samples."""

import numpy as np
import torch

from gan_lab.apps.study.smote import smote
from gan_lab.data.base import DataModule, Reals
from gan_lab.data.table_files import Table
from gan_lab.media.tables import Rows
from gan_lab.metrics.efficacy import Accuracy, Determination, target_index
from gan_lab.models.base import GAN
from gan_lab.randomness import generator, key

STUDY = 0x737472  # first integer of the keys drawn here


class TableStudy:
    """How well one learns a column from the others: the mean over the learners of the efficacy.

    Numbers have mean 0 and deviation 1 in the real part, whichever rows a learner sees. To real
    rows as many others are added. Classic augmentation is SMOTE.

    Args:
        data: with the whole training split; names a target.
        gan: whose samples are tried; the target is one of their columns.
        num_samples: for learning from samples alone.
    """

    noun, who = "rows", "learners"

    def __init__(self, data: DataModule, gan: GAN, *, num_samples: int) -> None:
        self.data, self.gan, self.num_samples = data, gan, num_samples
        self.medium: Rows = data.medium
        self.index = target_index(self.medium)
        words = self.medium.scales[self.index] is None
        self.formula = Accuracy if words else Determination
        self.score = f"{'accuracy' if words else 'R²'} on the real test split, %"
        self.learners = ", ".join(self.formula().learners())
        self.title = f"{self.score}; mean of {self.learners}"
        self.test = self.table(data.reals("test"))

    def settings(self) -> dict[str, int | str]:
        """What is measured, and of whom."""
        return {"score": self.score, "learners": self.learners}

    def table(self, reals: Reals) -> Table:
        return self.medium.decode(reals.images(range(len(reals))))

    def accuracies(self, reals: Reals, seed: int) -> dict[str, float]:
        """Way -> score on the real test split, having learnt from the part `reals`.

        Args:
            seed: of the learners, the samples and SMOTE.
        """
        table, formula = self.table(reals), self.formula(seed=seed)
        medium = self.medium.measuring_by(table)
        real = medium.measured(table)  # (N, F)
        classic = medium.measured(self.augmented(table, medium, seed))
        N = len(real)
        samples = medium.measured(self.samples(max(N, self.num_samples), seed))
        ways = {
            "real": real,
            "classic": torch.cat([real, classic]),
            "samples": torch.cat([real, samples[:N]]),
            "samples_only": samples[: self.num_samples],
        }
        test = medium.measured(self.test)
        return {way: formula.score(rows, test, medium) for way, rows in ways.items()}

    def samples(self, num: int, seed: int) -> Table:
        rows = self.gan.sample(num, seed=key(STUDY, seed, 0))
        return self.gan.medium.decode(rows)

    def augmented(self, table: Table, medium: Rows, seed: int) -> Table:
        """As many rows by SMOTE, the neighbours by all columns but the target."""
        start, end = medium.feature_spans()[self.index]
        features = np.delete(medium.measured(table).numpy(), slice(start, end), axis=1)
        groups = np.zeros(len(table))
        if medium.scales[self.index] is None:
            groups = table.values[medium.target]
        return smote(table, features, groups, generator(STUDY, seed, 1))
