import pytest
import torch
from torch_fidelity.metric_kid import kid_features_to_metric

from gan_lab.metrics.kernel import kernel_distance, kernel_distance_of_subsets


def pair(num_real=400, num_fake=300):
    draw = torch.Generator().manual_seed(0)
    real = torch.randn(num_real, 16, generator=draw)
    return real, 1.3 * torch.randn(num_fake, 16, generator=draw) + 0.2


def slow_mmd(x, y):
    def kernel(a, b):
        return float((a @ b / len(a) + 1) ** 3)

    N, M = len(x), len(y)
    xx = sum(kernel(x[i], x[j]) for i in range(N) for j in range(N) if i != j) / (N * (N - 1))
    yy = sum(kernel(y[i], y[j]) for i in range(M) for j in range(M) if i != j) / (M * (M - 1))
    return xx + yy - 2 * sum(kernel(a, b) for a in x for b in y) / (N * M)


def test_equals_the_double_loop():
    real, fake = pair(30, 20)
    expected = slow_mmd(real.double(), fake.double())
    assert kernel_distance(real, fake) == pytest.approx(expected, rel=1e-9)


def test_agrees_with_torch_fidelity_on_the_same_subsets():
    real, fake = pair()
    reference = kid_features_to_metric(
        fake, real, kid_subsets=20, kid_subset_size=100, rng_seed=2020, verbose=False
    )
    found = kernel_distance_of_subsets(real, fake, 20, 100, seed=2020)
    assert found == pytest.approx(reference["kernel_inception_distance_mean"], rel=1e-3)


def test_agrees_with_torch_fidelity_on_the_whole_sets():
    real, fake = pair(300, 300)
    reference = kid_features_to_metric(
        fake, real, kid_subsets=1, kid_subset_size=300, rng_seed=0, verbose=False
    )
    expected = reference["kernel_inception_distance_mean"]
    assert kernel_distance(real, fake) == pytest.approx(expected, rel=1e-4)


def test_unbiased_for_equal_distributions():
    draw = torch.Generator().manual_seed(0)
    values = [kernel_distance(*torch.randn(2, 50, 4, generator=draw).unbind()) for _ in range(200)]
    mean, spread = torch.tensor(values).mean(), torch.tensor(values).std() / 200**0.5
    assert abs(mean) < 4 * spread


def test_subset_larger_than_a_set_is_refused():
    with pytest.raises(ValueError, match="subset_size=1000"):
        kernel_distance_of_subsets(*pair())
