import pytest
import torch

from gan_lab.data.captions import Captions
from gan_lab.data.scenes import ABOVE, ALONE
from gan_lab.metrics.attributes import SIZES, Attributes

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LAB_CACHE", str(tmp_path))


def test_every_shape_that_was_asked_for_must_be_right():
    asked = torch.tensor(
        [[ABOVE, 0, 1, 0, 2, 3, 1], [ABOVE, 0, 1, 0, 2, 3, 1], [ALONE, 4, 2, 1, -1, -1, -1]]
    )
    seen = torch.tensor(
        [[ABOVE, 0, 1, 0, 2, 3, 1], [ABOVE, 0, 1, 1, 2, 0, 1], [ABOVE, 4, 2, 1, 5, 3, 0]]
    )
    figure = Attributes()
    figure.read = lambda pictures: seen
    colour, shape, size, layout, both, every = figure(torch.zeros(3, 3, 4, 4), asked).T.tolist()
    assert colour == [1, 1, 1] and shape == [1, 0, 1] and size == [1, 0, 1]
    assert layout == [1, 1, 0]  # a second shape that nobody asked for
    assert both == [1, 0, 1] and every == [1, 0, 0]


def test_the_reader_learns_what_is_to_be_seen_and_chance_stays_below():
    data = Captions(num=120, resolution=16)
    figure = Attributes(num=400, num_images=6400)
    figure.prepare(data, CPU)
    colour = figure.names.index("colour_right")
    assert figure.known["real"][colour] > 0.5 > figure.known["chance"][colour] + 0.2
    again = Attributes(num=400, num_images=6400)
    again.prepare(data, CPU)
    assert again.fingerprint == figure.fingerprint and len(SIZES) == 7
