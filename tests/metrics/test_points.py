import pytest
import torch

from gan_lab.metrics.energy import energy_distance
from gan_lab.metrics.modes import mode_coverage

CENTRES = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])


def test_modes_and_share_are_counted():
    points = torch.tensor([[0.0, 0.02], [0.02, 0.0], [1.0, 0.029], [0.0, 0.95], [5.0, 5.0]])
    assert mode_coverage(points, CENTRES, 0.01) == (2, 3 / 5)
    assert mode_coverage(points, CENTRES, 0.01, min_points=2) == (1, 3 / 5)


def test_samples_of_the_mixture_reach_every_mode():
    draw = torch.Generator().manual_seed(0)
    points = CENTRES.repeat(1000, 1) + 0.01 * torch.randn(3000, 2, generator=draw)
    modes, share = mode_coverage(points, CENTRES, 0.01)
    assert modes == 3
    assert share == pytest.approx(1 - 0.0111, abs=0.01)  # exp(-9 / 2) of a 2-D Gaussian lies out


def test_energy_distance_equals_the_plain_means():
    draw = torch.Generator().manual_seed(0)
    x, y = torch.randn(40, 2, generator=draw), torch.randn(30, 2, generator=draw) + 1
    within = [torch.pdist(z.double()).mean() for z in (x, y)]
    expected = 2 * torch.cdist(x.double(), y.double()).mean() - sum(within)
    assert energy_distance(x, y) == pytest.approx(float(expected), rel=1e-9)


def test_energy_distance_sees_a_lost_mode():
    draw = torch.Generator().manual_seed(0)
    noise = 0.01 * torch.randn(2, 900, 2, generator=draw)
    real, whole = CENTRES.repeat(300, 1) + noise
    assert abs(energy_distance(real, whole)) < 0.01
    assert energy_distance(real, whole[::3]) > 0.1
