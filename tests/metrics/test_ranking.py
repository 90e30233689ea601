import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from gan_lab.metrics import ranking


@pytest.fixture(params=[0, 1, 2])
def scored(request):
    """Scores with ties, and who is anomalous."""
    draw = np.random.default_rng(request.param)
    anomalous = draw.random(200) < 0.3
    return np.round(draw.normal(size=200) + anomalous, 1), anomalous


def test_auroc_agrees_with_scikit_learn_with_ties(scored):
    assert ranking.auroc(*scored) == pytest.approx(roc_auc_score(scored[1], scored[0]))


def test_auprc_agrees_with_scikit_learn_with_ties(scored):
    assert ranking.auprc(*scored) == pytest.approx(average_precision_score(scored[1], scored[0]))


def test_f1_agrees_with_scikit_learn(scored):
    scores, anomalous = scored
    flagged = scores > 0.5
    assert ranking.f1(flagged, anomalous) == pytest.approx(f1_score(anomalous, flagged))


def test_chance_and_perfection():
    anomalous = np.array([False] * 6 + [True] * 2)
    assert ranking.auroc(np.zeros(8), anomalous) == 0.5
    assert ranking.auprc(np.zeros(8), anomalous) == 0.25
    assert ranking.auroc(anomalous.astype(float), anomalous) == 1
    assert ranking.auprc(anomalous.astype(float), anomalous) == 1
    assert ranking.auroc(-anomalous.astype(float), anomalous) == 0


def test_threshold_is_not_exceeded_by_the_percentage_of_normal_rows():
    scores = np.random.default_rng(0).normal(size=1000)
    threshold = ranking.normal_percentile(scores, 95)
    assert (scores > threshold).mean() == pytest.approx(0.05, abs=1.1e-3)
    assert threshold in scores


def test_as_many_lie_above_the_oracle_as_are_anomalous():
    scores = np.random.default_rng(0).normal(size=50)
    assert (scores > ranking.contamination_threshold(scores, 13)).sum() == 13
