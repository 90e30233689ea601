import numpy as np
import pytest
import torch
from PIL import Image

from gan_lab.data.superres import SuperResolution
from gan_lab.errors import UserError
from gan_lab.ops.bicubic import enlarged, reduced


def write(path, height, width, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(256, size=(height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path):
    for n in range(3):
        write(tmp_path / f"train/{n}.png", 40 + n, 50, seed=n)
    write(tmp_path / "test/Set/HR/a.png", 33, 42, seed=7)
    write(tmp_path / "test/Set/HR/b.png", 50, 38, seed=8)
    write(tmp_path / "test/Set/LR4/a.png", 8, 10, seed=9)
    return tmp_path


def crops(data, iteration=3):
    return data.minibatches(0, data.batch_size)(iteration)


def test_low_and_high_show_the_same_place():
    """Away from a crop's border its own reduction is the crop of the reduced photograph."""
    for scale in (2, 4):
        data = SuperResolution(scale=scale, crop=64, batch_size=8)
        batch = crops(data)
        assert batch["high"].shape == (8, 3, 64, 64)
        assert batch["low"].shape == (8, *data.source_shape)
        inside = (..., slice(3, -3), slice(3, -3))
        assert torch.equal(reduced(batch["high"], scale)[inside], batch["low"][inside])


def test_processes_and_time_do_not_change_a_minibatch():
    data = SuperResolution(batch_size=6)
    whole = data.minibatches(0, 6)(11)
    parts = [data.minibatches(first, 3)(11) for first in (0, 3)]
    for name in ("low", "high"):
        assert torch.equal(whole[name], torch.cat([part[name] for part in parts]))


def test_training_never_sees_what_is_kept_for_testing():
    data = SuperResolution()
    train, test = (data.reals(split).high for split in ("train", "test"))
    assert len(test) == 6 and all(p.shape == (3, 128, 128) for p in test)
    for pixels in train:  # each is a strip beside the one that is kept
        rows = {row.tobytes() for row in pixels[0]}
        kept = {p[0, top].tobytes() for p in test for top in range(128)}
        assert not any(row in long for row in kept for long in rows)


def test_pictures_for_testing_are_whole_alone_and_their_middles_together(folder):
    data = SuperResolution(root=str(folder), crop=16, shown=16)
    assert data.judged_split == "test" and len(data.reals("test")) == 2  # not those of LR4
    first, second = (data.rows("test", [n]) for n in (0, 1))
    assert first["high"].shape == (1, 3, 32, 40) and second["high"].shape == (1, 3, 48, 36)
    assert first["low"].shape == (1, 3, 8, 10)
    assert torch.equal(first["low"][0], reduced(first["high"], 4)[0])
    both = data.rows("test", [0, 1])
    assert torch.equal(both["high"][0], first["high"][0, :, 8:24, 12:28])
    assert both["low"].shape == (2, 3, 4, 4)


def test_the_baseline_is_the_low_resolution_enlarged():
    data = SuperResolution(batch_size=2)
    low = crops(data)["low"].float() / 127.5 - 1
    assert torch.equal(data.baselines({"low": low})["bicubic"], enlarged(low, 4))


def test_what_cannot_be_is_refused(folder):
    with pytest.raises(UserError, match="data.scale=3: choose 2 or 4"):
        SuperResolution(scale=3)
    with pytest.raises(UserError, match="data.crop=30.*such as 28 or 32"):
        SuperResolution(crop=30)
    with pytest.raises(UserError, match=r"data.crop=48: train/0.png has only 50x40.*and 2 more"):
        SuperResolution(root=str(folder), crop=48).reals("train")
    (folder / "empty").mkdir()
    with pytest.raises(UserError, match="no pictures in it"):
        SuperResolution(root=str(folder / "empty"))
