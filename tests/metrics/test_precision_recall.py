import pytest
import torch
from torch_fidelity.metric_prc import prc_features_to_metric

from gan_lab.metrics import distances
from gan_lab.metrics.density_coverage import density_coverage
from gan_lab.metrics.precision_recall import precision_recall


def pair():
    draw = torch.Generator().manual_seed(0)
    real = torch.randn(300, 6, generator=draw)
    return real, 0.8 * torch.randn(250, 6, generator=draw) + 0.4


def slow_density_coverage(real, fake, k):
    real, fake = real.double(), fake.double()

    def distance(a, b):
        return float((a - b).square().sum().sqrt())

    radii = [sorted(distance(a, b) for b in real)[k] for a in real]  # the 0-th is itself
    inside = [[distance(a, b) < r for b in fake] for a, r in zip(real, radii, strict=True)]
    density = sum(sum(row) for row in inside) / (k * len(fake))
    return density, sum(any(row) for row in inside) / len(real)


def test_precision_and_recall_agree_with_torch_fidelity():
    real, fake = pair()
    reference = prc_features_to_metric(
        fake, real, prc_neighborhood=3, prc_batch_size=100, save_cpu_ram=False, verbose=False
    )
    precision, recall = precision_recall(real, fake, k=3)
    assert precision == pytest.approx(reference["precision"], rel=1e-4)
    assert recall == pytest.approx(reference["recall"], rel=1e-4)


def test_density_and_coverage_equal_the_double_loop():
    real, fake = (x[:120] for x in pair())
    assert density_coverage(real, fake, k=5) == pytest.approx(slow_density_coverage(real, fake, 5))


def test_blocks_do_not_change_the_figures(monkeypatch):
    real, fake = pair()
    whole = precision_recall(real, fake), density_coverage(real, fake)
    monkeypatch.setattr(distances, "BLOCK_NUMBERS", 1000)  # 3 or 4 rows at once
    assert (precision_recall(real, fake), density_coverage(real, fake)) == whole


def test_collapse_has_high_precision_and_low_recall():
    real, _ = pair()
    draw = torch.Generator().manual_seed(1)
    collapsed = real[real.norm(dim=1).argmin()] + 0.01 * torch.randn(300, 6, generator=draw)
    precision, recall = precision_recall(real, collapsed)
    density, coverage = density_coverage(real, collapsed)
    assert precision > 0.95 and density > 0.95
    assert recall < 0.05 and coverage < 0.05


def test_noise_has_low_precision():
    real, _ = pair()
    noise = 10 * torch.randn(300, 6, generator=torch.Generator().manual_seed(1))
    assert precision_recall(real, noise)[0] < 0.1
    assert density_coverage(real, noise)[0] < 0.1


def test_copies_of_the_reals_are_perfect():
    real, _ = pair()
    assert precision_recall(real, real.clone()) == (1.0, 1.0)
    assert density_coverage(real, real.clone())[1] == 1.0


def test_too_few_samples_for_k_are_refused():
    with pytest.raises(ValueError, match="k=3"):
        precision_recall(torch.randn(3, 2), torch.randn(9, 2), k=3)
