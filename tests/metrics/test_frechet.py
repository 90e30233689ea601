import numpy as np
import pytest
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

from gan_lab.metrics.frechet import Moments, frechet_distance


def moments(features):
    found = Moments().update(features)
    return found.mean, found.covariance


def test_closed_form_for_diagonal_gaussians():
    mean1, mean2 = np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.0, 0.0])
    var1, var2 = np.array([1.0, 4.0, 9.0]), np.array([4.0, 4.0, 1.0])
    expected = ((mean1 - mean2) ** 2).sum() + ((np.sqrt(var1) - np.sqrt(var2)) ** 2).sum()
    found = frechet_distance(mean1, np.diag(var1), mean2, np.diag(var2))
    assert found == pytest.approx(expected, rel=1e-12)


def test_closed_form_for_a_scaled_covariance():
    root = np.random.default_rng(0).normal(size=(6, 6))
    cov, mean = root @ root.T, np.zeros(6)
    expected = (3 - 1) ** 2 * np.trace(cov)  # (9 C C)^(1/2) = 3 C
    assert frechet_distance(mean, cov, mean, 9 * cov) == pytest.approx(expected, rel=1e-9)


def test_symmetric_and_zero_for_equals():
    a, b = (moments(torch.randn(50, 8).mul(s)) for s in (1.0, 2.0))
    assert frechet_distance(*a, *b) == pytest.approx(frechet_distance(*b, *a), rel=1e-9)
    assert frechet_distance(*a, *a) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("num", [400, 40])  # 40 samples of 64 numbers: singular covariances
def test_agrees_with_torch_fidelity(num):
    draw = torch.Generator().manual_seed(0)
    real = torch.randn(num, 64, generator=draw).exp()
    fake = torch.randn(num, 64, generator=draw).mul(0.8).exp() + 0.1
    statistics = [fid_features_to_statistics(x) for x in (fake, real)]
    expected = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(*moments(real), *moments(fake)) == pytest.approx(expected, rel=1e-4)


def test_one_singular_covariance_is_taken_from_either_side():
    root = np.random.default_rng(0).normal(size=(5, 2))
    singular, full, mean = root @ root.T, np.eye(5), np.zeros(5)
    expected = np.trace(singular) + 5 - 2 * np.linalg.svd(root)[1].sum()
    for pair in [(singular, full), (full, singular)]:
        assert frechet_distance(mean, pair[0], mean, pair[1]) == pytest.approx(expected, rel=1e-6)


def test_moments_of_a_stream_equal_those_of_the_whole_far_from_zero():
    features = torch.randn(3000, 5, generator=torch.Generator().manual_seed(0)).double() + 1e6
    stream = Moments()
    for part in features.split([1, 700, 2299]):
        stream.update(part)
    assert np.allclose(stream.mean, features.numpy().mean(0), rtol=1e-12)
    assert np.allclose(stream.covariance, np.cov(features.numpy(), rowvar=False), rtol=1e-6)


def test_nan_stays_nan():
    mean, cov = np.zeros(2), np.eye(2)
    assert np.isnan(frechet_distance(mean, cov, np.array([np.nan, 0]), cov))
