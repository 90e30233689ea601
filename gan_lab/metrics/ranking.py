"""Figures of scores that are to be higher for anomalies than for normal rows, as pure functions."""

import numpy as np


def auroc(scores: np.ndarray, anomalous: np.ndarray) -> float:
    """The chance that an anomaly scores above a normal row, ties counting half; 0.5 is chance.

    Args:
        scores: (N,).
        anomalous: (N,) bool; both kinds occur.
    """
    from scipy.stats import rankdata

    anomalies = int(anomalous.sum())
    normals = len(anomalous) - anomalies
    above = rankdata(scores)[anomalous].sum() - anomalies * (anomalies + 1) / 2  # Mann-Whitney's U
    return float(above / (anomalies * normals))


def auprc(scores: np.ndarray, anomalous: np.ndarray) -> float:
    """Average precision of finding anomalies; chance is their share.

    The mean of the precision over the anomalies, each at the threshold that is its own score, so
    that rows of equal score are flagged together.

    Args:
        scores: (N,).
        anomalous: (N,) bool; both kinds occur.
    """
    order = np.argsort(-scores, kind="stable")
    hits, flagged = anomalous[order].cumsum(), np.arange(1, len(scores) + 1)
    ends = np.append(np.diff(scores[order]) != 0, True)  # the last of each run of equal scores
    precision, recall = hits[ends] / flagged[ends], hits[ends] / hits[-1]
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def f1(flagged: np.ndarray, anomalous: np.ndarray) -> float:
    """2 true / (2 true + false + missed), of anomalies; (N,) bool each."""
    true = (flagged & anomalous).sum()
    return float(2 * true / max(flagged.sum() + anomalous.sum(), 1))


def normal_percentile(scores: np.ndarray, percentile: float) -> float:
    """The threshold that this percentage of scores of normal rows does not exceed.

    The smallest such score, not a value between two: what is above it is flagged.
    """
    return float(np.percentile(scores, percentile, method="higher"))


def contamination_threshold(scores: np.ndarray, num_anomalies: int) -> float:
    """The threshold above which as many rows lie as are anomalous: an oracle knows how many."""
    return float(np.sort(scores)[::-1][num_anomalies]) if num_anomalies < len(scores) else -np.inf
