import pytest
import torch
from support import build

from gan_lab.metrics.features import Features
from gan_lab.metrics.frechet import FrechetDistance
from gan_lab.metrics.motion import Motion, faulty

SIZE = [
    *("model=next_frame", "data=moving_digits", "data.resolution=16", "data.side=8"),
    *("data.context=2", "data.horizon=4"),
]


def test_faults_are_what_they_are_called():
    films = torch.randn(400, 4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    made, kinds = faulty(films, torch.Generator().manual_seed(0))
    assert kinds.unique().tolist() == [0, 1, 2, 3, 4, 5]
    assert torch.equal(made[kinds == 0], films[kinds == 0])
    shuffled, sound = made[kinds == 1], films[kinds == 1]
    assert (shuffled != sound).flatten(1).any(1).all()
    torch.testing.assert_close(shuffled.sum(1), sound.sum(1))
    assert torch.equal(made[kinds == 2], films[kinds == 2][:, :1].expand(-1, 4, -1, -1, -1))
    assert torch.equal(made[kinds == 3], films[kinds == 3][:, [0, 0, 1, 1]])
    differ = 2 * made[kinds == 5] - films[kinds == 5]  # leaves the other film, whatever it is
    assert (differ - films[kinds == 5]).abs().flatten(1).mean(1).min() > 0.1


@pytest.fixture(scope="module")
def motion(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_LAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        data, _ = build(*SIZE)
        extractor = Motion(num_films=1500)
        extractor.prepare(data, torch.device("cpu"))
        again = Motion(num_films=1500)
        again.prepare(data, torch.device("cpu"))
    assert again.fingerprint == extractor.fingerprint
    return data, extractor


def test_worse_films_are_farther(motion):
    data, extractor = motion
    films = data.reals("test").images(range(300))
    rest = films[:, :1].expand_as(films)
    blurred = films.float().flatten(0, 1)
    blurred = torch.nn.functional.avg_pool2d(blurred, 3, 1, 1).view_as(films).byte()
    half = (films.float() / 2 + blurred.float() / 2).byte()

    def distance(other):
        real, fake = (Features(extractor(x)[0]) for x in (films, other))
        return FrechetDistance()(real, fake, data)[0]

    same, slight, strong, still = (distance(x) for x in (films, half, blurred, rest))
    assert same < 1e-3 < slight < strong and still > 1


def test_what_has_no_motion_is_refused(motion):
    data, extractor = motion
    pairs, _ = build("model=pix2pix", "data=pairs", "data.resolution=16", "data.num=64")
    assert "no films" in extractor.unsuited(pairs)
    short, _ = build(*SIZE[:-1], "data.horizon=2")
    assert "horizon=2" in extractor.unsuited(short)
    few, _ = build(*SIZE, "data.num=100")
    assert "5 windows" in extractor.unsuited(few)
