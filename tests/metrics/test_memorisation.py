import pytest
import torch
from metrics.fakes import Data, Echo, Pixels, figures, shapes

from gan_lab.metrics.memorisation import Memorisation, nearest_distances, nearest_neighbour_ratio
from gan_lab.metrics.suite import Suite


def normal(num, seed):
    return torch.randn(num, 5, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("held_out", [normal(800, 1), None])
def test_copies_give_0_and_fresh_draws_1(held_out):
    train = normal(1000, 0)
    assert nearest_neighbour_ratio(train, train[:300], held_out) == pytest.approx(0, abs=1e-6)
    fresh = nearest_neighbour_ratio(train, normal(1000, 2), held_out)
    assert fresh == pytest.approx(1, abs=0.1)
    near = train[:500] + 0.1 * normal(500, 3)
    assert 0.1 < nearest_neighbour_ratio(train, near, held_out) < 0.7


def test_distances_are_those_of_the_plain_definition():
    queries, points = normal(30, 0), normal(50, 1)
    expected = torch.cdist(queries.double(), points.double()).amin(1)
    assert torch.allclose(nearest_distances(queries, points), expected, atol=1e-6)


class SplitData(Data):
    splits = ("train", "test")

    def reals(self, split="train"):
        return self.set if split == "train" else shapes(200, seed=9)


def test_suite_hands_it_the_held_out_split():
    data = SplitData()
    suite = Suite({"pixels": Pixels()}, {"m": Memorisation()}, block=70)
    (copies,) = figures(suite, data, Echo(data.set, 0.0))
    assert copies.name == "nn_ratio_pixels_300" and copies.value == pytest.approx(0, abs=1e-6)
    assert copies.protocol.parameters == {"held_out": "test"}
    (fresh,) = figures(suite, data, Echo(shapes(300, seed=4), 0.0))
    assert fresh.value == pytest.approx(1, abs=0.1)


def test_data_without_such_a_split_are_left_out_unless_told():
    extractor, data = Pixels(), Data()
    assert not Memorisation().applies(extractor, data)
    assert Memorisation(split=None).applies(extractor, data)
