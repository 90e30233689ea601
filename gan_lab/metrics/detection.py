"""How well a detector finds anomalies, and how well one does without a GAN on the same rows."""

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gan_lab.data.base import as_float, as_floats
from gan_lab.errors import UserError
from gan_lab.metrics import ranking
from gan_lab.metrics.protocol import Protocol, Record, short_name
from gan_lab.metrics.sharing import gather, is_first, join, processes

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule
    from gan_lab.engine.scoring import Scoring
    from gan_lab.metrics.engine import Fakes
    from gan_lab.metrics.suite import Suite

Scores = dict[str, np.ndarray]  # split -> (N,), higher is more anomalous


class Detection:
    """AUROC and average precision of the test part, and F1 at two thresholds.

    `f1` is at the percentile of the scores of the normal validation rows: what one has in use.
    `f1_contamination` is at the threshold above which as many test rows lie as are anomalous, which
    nobody knows in use. `false_alarms` is the share of normal test rows above the first threshold.
    `val_auroc`, where the validation part holds anomalies, is the only figure that may choose
    `best.ckpt`: without it the last checkpoint stands. A baseline has its threshold by the same
    rule.

    Args:
        percentile: of the scores of normal validation rows.
        num_trees: of the isolation forest.
        nu: of the one-class SVM: at most this share of training rows lies outside.
        variance: share that the principal components keep.
        baseline_seed: of the isolation forest.
    """

    def __init__(
        self,
        *,
        percentile: float = 95.0,
        num_trees: int = 200,
        nu: float = 0.1,
        variance: float = 0.9,
        baseline_seed: int = 0,
    ) -> None:
        if not 0 < percentile < 100:
            raise UserError(f"metrics.detection.percentile={percentile}: give one from 0 to 100")
        self.percentile, self.num_trees, self.nu = percentile, num_trees, nu
        self.variance, self.baseline_seed = variance, baseline_seed
        self.beside: dict[str, dict[str, float]] | None = None  # kept between evaluations

    def applies(self, data: "DataModule") -> bool:
        """Whether the set holds anomalies to be found."""
        return data.calibration_split is not None

    def judge(
        self, suite: "Suite", fakes: "Fakes", data: "DataModule", device: torch.device
    ) -> list[Record]:
        """All figures of the fakes' model. Every process takes part; the first gets them."""
        if not hasattr(fakes.gan, "anomaly_score"):
            raise UserError(
                f"{data.name} is judged by anomaly scores, which {type(fakes.gan).__name__} does"
                " not give: choose model=f_anogan or another detector, other data, or metrics=none"
            )
        if fakes.generator == "raw":
            raise UserError("raw=true: scores are of the averaged generator; leave raw out")
        splits = (data.calibration_split, data.judged_split)
        scores = {
            split: model_scores(fakes.gan, data, split, suite.block, device) for split in splits
        }
        if not is_first():
            return []
        known = {split: data.anomalous(split).numpy() for split in splits}
        if self.beside is None:
            found = self.baselines(data)
            self.beside = {who: self.figures(rows, known, splits)[0] for who, rows in found.items()}
        values, threshold = self.figures(scores, known, splits)
        return [
            self.record(name, value, threshold, known, fakes, data)
            for name, value in values.items()
        ]

    def figures(
        self, scores: Scores, known: Scores, splits: tuple[str, str]
    ) -> tuple[dict[str, float], float]:
        """Name -> figure, and the threshold."""
        val, test = splits
        finite = all(np.isfinite(rows).all() for rows in scores.values())
        if not finite:
            return dict.fromkeys(("auroc", "auprc", "f1", "f1_contamination"), math.nan), math.nan
        threshold = ranking.normal_percentile(scores[val][~known[val]], self.percentile)
        oracle = ranking.contamination_threshold(scores[test], int(known[test].sum()))
        figures = {
            "auroc": ranking.auroc(scores[test], known[test]),
            "auprc": ranking.auprc(scores[test], known[test]),
            "f1": ranking.f1(scores[test] > threshold, known[test]),
            "false_alarms": float((scores[test][~known[test]] > threshold).mean()),
            "f1_contamination": ranking.f1(scores[test] > oracle, known[test]),
        }
        if known[val].any():
            figures["val_auroc"] = ranking.auroc(scores[val], known[val])
        return figures, threshold

    def record(
        self,
        name: str,
        value: float,
        threshold: float,
        known: Scores,
        fakes: "Fakes",
        data: "DataModule",
    ) -> Record:
        """A figure with its protocol."""
        split = data.calibration_split if name == "val_auroc" else data.judged_split
        parameters: dict[str, int | float | str] = {"anomalous": int(known[split].sum())}
        facts: dict[str, float | str] = {}
        if name in ("f1", "false_alarms"):
            rule = f"percentile {self.percentile:g} of normal {data.calibration_split} rows"
            parameters["threshold"] = rule
            facts["threshold"] = threshold
        if name == "f1_contamination":
            parameters["threshold"] = "as many as are anomalous"
        num = len(known[split])
        protocol = Protocol(
            metric=name,
            extractor="none",
            extractor_weights="none",
            resize="none",
            num_real=len(data.reals("train")),
            num_fake=num,
            data=data.name,
            split=split,
            data_fingerprint=data.reals(split).fingerprint(),
            generator=fakes.generator,
            parameters=parameters,
            seed=fakes.seed,
        )
        beside = {who: rows[name] for who, rows in self.beside.items()}
        return Record(
            short_name(name, "none", num),
            value,
            name == "false_alarms",
            protocol,
            facts,
            beside,
            decides=name == "val_auroc",
        )

    def baselines(self, data: "DataModule") -> dict[str, Scores]:
        """Name -> scores of scikit-learn's detectors, fitted to the same training rows."""
        from sklearn.decomposition import PCA
        from sklearn.ensemble import IsolationForest
        from sklearn.svm import OneClassSVM

        train = features(data, "train")
        rows = {
            split: features(data, split) for split in (data.calibration_split, data.judged_split)
        }
        forest = IsolationForest(n_estimators=self.num_trees, random_state=self.baseline_seed).fit(
            train
        )
        svm = OneClassSVM(nu=self.nu, gamma="scale").fit(train)
        pca = PCA(self.variance, svd_solver="full").fit(train)

        def residual(x: np.ndarray) -> np.ndarray:
            return np.square(x - pca.inverse_transform(pca.transform(x))).sum(1)

        return {
            "isolation_forest": {s: -forest.score_samples(x) for s, x in rows.items()},
            "one_class_svm": {s: -svm.score_samples(x) for s, x in rows.items()},
            "pca": {s: residual(x) for s, x in rows.items()},
        }


def features(data: "DataModule", split: str) -> np.ndarray:
    """What a model sees of a split, one row for each sample: (N, D) float64."""
    reals = data.reals(split)
    return as_float(reals.images(range(len(reals)))).flatten(1).double().numpy()


def model_scores(
    gan: "Scoring", data: "DataModule", split: str, block: int, device: torch.device
) -> np.ndarray | None:
    """(N,) scores of a split's rows, which the processes share; None but on the first."""
    rank, world = processes()
    num = len(data.reals(split))
    blocks: list[Tensor] = []
    for index in range(rank, math.ceil(num / block), world):
        rows = range(index * block, min((index + 1) * block, num))
        batch = as_floats({"image": data.reals(split).images(rows)})
        blocks.append(gan.anomaly_score(batch)[:, None].to(device))
    scores = gather(join(blocks, 1, device), num, block, device)
    return None if scores is None else scores[:, 0].double().numpy()
