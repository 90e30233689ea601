import math

import pytest
import torch
from metrics.fakes import Data, Echo, Pixels, figures

from gan_lab.metrics.features import Features
from gan_lab.metrics.frechet import FrechetDistance
from gan_lab.metrics.intra_class import IntraClassDistance
from gan_lab.metrics.suite import Suite


def classes(means, num=2000, seed=0):
    """Gaussians of unit variance around a mean for each class."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(len(means)).repeat(num)
    values = torch.tensor(means)[labels] + torch.randn(len(labels), 2, generator=draw)
    return Features(values, labels=labels)


def test_distance_of_shifted_classes_is_their_squared_shift():
    real = classes([[0.0, 0.0], [5.0, 0.0]])
    fake = classes([[0.0, 0.0], [5.0, 2.0]], seed=1)
    (found,) = IntraClassDistance()(real, fake, None)
    facts = IntraClassDistance().facts(real, fake)
    assert facts["fd_of_class_0"] == pytest.approx(0, abs=0.02)
    assert facts["fd_of_class_1"] == pytest.approx(4, rel=0.05)
    assert found == pytest.approx(sum(facts.values()) / 2)


def test_exchanged_labels_are_seen_where_fd_is_blind():
    real = classes([[0.0, 0.0], [5.0, 0.0]])
    fake = classes([[5.0, 0.0], [0.0, 0.0]], seed=1)
    assert FrechetDistance()(real, fake, None)[0] < 0.02
    assert IntraClassDistance()(real, fake, None)[0] == pytest.approx(25, rel=0.05)


def test_a_class_without_fakes_gives_nan():
    real, fake = classes([[0.0, 0.0], [5.0, 0.0]]), classes([[0.0, 0.0]])
    assert math.isnan(IntraClassDistance()(real, fake, None)[0])


def measured(gan, data):
    suite = Suite(
        {"pixels": Pixels()}, {"fd": FrechetDistance(), "intra": IntraClassDistance()}, block=70
    )
    return figures(suite, data, gan)


def test_generators_with_labels_are_judged_by_class():
    data = Data()
    records = measured(Echo(data.set, 0.1, num_classes=3), data)
    assert [r.name for r in records] == ["fd_pixels_300", "intra_fd_pixels_300"]
    assert set(records[1].facts) == {"fd_of_class_0", "fd_of_class_1", "fd_of_class_2"}
    assert records[1].value > records[0].value  # Echo takes no notice of the label


def test_generators_without_labels_are_left_out():
    data = Data()
    assert [r.name for r in measured(Echo(data.set, 0.1), data)] == ["fd_pixels_300"]
