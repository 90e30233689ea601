"""Machine-learning efficacy: what is learnt from samples, tested on real rows (Xu et al. 2019,
Section 5.1): a generator that loses what foretells the target costs accuracy here."""

from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from gan_lab.media.tables import Rows
from gan_lab.metrics.features import Features
from gan_lab.metrics.rows import MOST_BESIDE, TableFormula, shuffled

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule
    from gan_lab.metrics.extractor import Extractor


NUM_SHUFFLED = 5  # by chance a single one foretells well or badly


class Efficacy(TableFormula):
    """A score on the rows kept out, the mean over learners that saw samples alone; and its ratio to
    that of the same learners on the training rows.

    Beside it stand the figures of learners on the training rows, and the mean of
    those on five shuffled tables.

    Args:
        num: at most this many rows to learn from, and to test on.
        seed: of the learners.
    """

    lower_is_better = False
    held_out = "test"
    kind: str  # of the target's column

    def __init__(self, *, num: int | None = MOST_BESIDE, seed: int = 0) -> None:
        super().__init__(num=num)
        self.seed = seed

    def applies(self, extractor: "Extractor", data: "DataModule") -> bool:
        if not super().applies(extractor, data) or data.medium.target is None:
            return False
        index = target_index(data.medium)
        return len(data.medium.columns) > 1 and data.medium.columns[index]["kind"] == self.kind

    def parameters(self) -> dict[str, int | float | str]:
        return {"learners": ", ".join(self.learners()), "learner_seed": self.seed}

    def learners(self) -> dict[str, object]:
        """Name -> scikit-learn's estimator."""
        raise NotImplementedError

    def scores(self, learnt: Tensor, test: Tensor, medium: Rows) -> dict[str, float]:
        """Learner -> its score on `test` (M, F), having learnt from features (N, F)."""
        (x, y), (test_x, test_y) = (split(rows, medium) for rows in (learnt, test))
        if len(x) == 0 or (self.kind == "word" and len(np.unique(y)) == 1):
            only = y[0] if len(y) else np.nan  # nothing to learn: always the same answer
            score = float((test_y == only).mean()) if self.kind == "word" else 0.0
            return dict.fromkeys(self.learners(), score)
        return {
            name: float(learner.fit(x, y).score(test_x, test_y))
            for name, learner in self.learners().items()
        }

    def score(self, learnt: Tensor, test: Tensor, medium: Rows) -> float:
        """The mean of these."""
        return float(np.mean(list(self.scores(learnt, test, medium).values())))

    def __call__(self, real: Features, fake: Features, data: "DataModule") -> tuple[float, float]:
        test, medium = real.held_out.values, data.medium
        reals = real.remember(
            ("efficacy", self.seed), lambda: self.score(real.values, test, medium)
        )
        score = self.score(fake.values, test, medium)
        return score, score / reals if reals else np.nan

    def beside(self, real: Features, data: "DataModule") -> dict[str, tuple[float, ...]]:
        others = [
            self(real, Features(shuffled(real.values, data.medium, seed)), data)
            for seed in range(NUM_SHUFFLED)
        ]
        return {
            "training": self(real, real, data),
            "shuffled": tuple(np.mean(others, 0).tolist()),
        }


class Accuracy(Efficacy):
    """Of classifiers of a target of words."""

    names = ("accuracy", "efficacy")
    kind = "word"

    def learners(self) -> dict[str, object]:
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.tree import DecisionTreeClassifier

        return {
            "logistic": LogisticRegression(max_iter=1000),
            "tree": DecisionTreeClassifier(max_depth=20, random_state=self.seed),
            "forest": RandomForestClassifier(max_depth=20, random_state=self.seed),
        }


class Determination(Efficacy):
    """R^2 of regressors of a target of numbers; 0 is what the mean gives."""

    names = ("r2", "efficacy")
    kind = "number"

    def learners(self) -> dict[str, object]:
        from sklearn.ensemble import RandomForestRegressor
        from sklearn.linear_model import Ridge
        from sklearn.tree import DecisionTreeRegressor

        return {
            "ridge": Ridge(),
            "tree": DecisionTreeRegressor(max_depth=5, random_state=self.seed),
            "forest": RandomForestRegressor(max_depth=20, random_state=self.seed),
        }


def target_index(medium: Rows) -> int:
    """Which column is the target."""
    return [column["name"] for column in medium.columns].index(medium.target)


def split(features: Tensor, medium: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, F) as the other columns (N, F') and the target (N,).

    Rows whose target is a missing number are left out; a missing word is a word of its own.
    """
    index = target_index(medium)
    start, end = medium.feature_spans()[index]
    rows = features.double().numpy()
    if medium.scales[index] is None:
        target = rows[:, start:end].argmax(1)
    else:
        if medium.columns[index]["missing"]:
            rows = rows[rows[:, end - 1] < 0.5]
        target = rows[:, start]
    return np.delete(rows, slice(start, end), axis=1), target
