import pytest
import torch

from gan_lab.data.captions import Captions
from gan_lab.metrics.r_precision import RPrecision

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LAB_CACHE", str(tmp_path))


def test_own_captions_win_where_the_matcher_tells_them_apart():
    """Sentences that are unit vectors: a picture of the own one wins, of another one loses."""
    data = Captions(num=80, pairs=0.25, resolution=16)
    figure = RPrecision(num_others=9, num_images=64)
    figure.prepare(data, CPU)
    assert figure.num_others == 9 and figure.known["chance"] == (0.1,)
    figure.sentences = torch.eye(len(figure.pool))
    own = torch.tensor([3, 5, 7])
    likes = torch.eye(len(figure.pool))[[3, 5, 8]]
    figure.matcher.pictures.forward = lambda images: likes
    right = figure(torch.zeros(3, 3, 16, 16, dtype=torch.uint8), figure.pool[own])
    assert right.flatten().tolist() == [1, 1, 0]


def test_r_precision_of_real_pictures_is_above_chance():
    data = Captions(num=200, resolution=16, pairs=0.0)
    figure = RPrecision(num_others=3, num_images=3200)
    figure.prepare(data, CPU)
    assert figure.known["real"][0] > 2 * figure.known["chance"][0]
