import pytest
import torch
from torch_fidelity.metric_isc import isc_features_to_metric

from gan_lab.metrics.inception_score import inception_score


@pytest.mark.parametrize("num_splits", [1, 10])
def test_agrees_with_torch_fidelity(num_splits):
    logits = 3 * torch.randn(517, 12, generator=torch.Generator().manual_seed(0))
    expected = isc_features_to_metric(logits, splits=num_splits)["inception_score_mean"]
    assert inception_score(logits, num_splits) == pytest.approx(expected, rel=1e-6)


def test_sure_and_diverse_predictions_score_the_number_of_classes():
    logits = 100 * torch.eye(10).repeat(20, 1)
    assert inception_score(logits, 1) == pytest.approx(10)


def test_collapse_scores_one():
    logits = torch.zeros(100, 10)
    logits[:, 3] = 100
    assert inception_score(logits) == pytest.approx(1)


def test_more_splits_than_samples_are_refused():
    with pytest.raises(ValueError, match="num_splits=10"):
        inception_score(torch.zeros(5, 3))
