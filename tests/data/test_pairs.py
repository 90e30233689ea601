import numpy as np
import pytest
import torch
from PIL import Image

from gan_lab.data.base import as_floats
from gan_lab.data.pairs import Pairs
from gan_lab.data.rows import cropped
from gan_lab.data.unpaired import Unpaired
from gan_lab.errors import UserError


def write(path, level, size=(20, 16)):
    """A grey picture of one level; `size` is width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level,) * 3).save(path)


def folders(root, splits=("train", "test"), num=3):
    for split in splits:
        for n in range(num):
            write(root / split / "A" / f"{n}.png", 10 * n + 5, (20 + n, 16))
            write(root / split / "B" / f"{n}.jpg", 10 * n + 100, (40, 30 + n))
    return root


def test_partners_have_equal_names_whatever_their_sizes(tmp_path):
    data = Pairs(root=str(folders(tmp_path)), resolution=[8, 16])
    assert (data.shape, data.source_shape, data.splits) == ((3, 8, 16),) * 2 + (("train", "test"),)
    batch = data.rows("test", range(3))
    for n in range(3):
        assert batch["source"][n].unique().tolist() == [10 * n + 5]
        assert batch["target"][n].float().mean() == pytest.approx(10 * n + 100, abs=2)


def test_sides_may_stand_above_the_splits_and_have_other_names(tmp_path):
    for split in ("train", "val"):
        write(tmp_path / "labels" / split / "x.png", 7)
        write(tmp_path / "photos" / split / "x.png", 70)
    data = Pairs(root=str(tmp_path), source="labels", target="photos", resolution=8)
    assert data.splits == ("train", "val") and data.judged_split == "val"
    batch = data.rows("val", [0])
    assert (batch["source"].max(), batch["target"].max()) == (7, 70)
    other = Pairs(root=str(tmp_path), source="labels", target="photos", resolution=8, reverse=True)
    assert other.rows("val", [0])["source"].max() == 70


def test_side_by_side_pictures_are_cut_in_the_middle(tmp_path):
    picture = np.zeros((16, 40, 3), np.uint8)
    picture[:, :20], picture[:, 20:] = 30, 200
    Image.fromarray(picture).save(tmp_path / "0.png")
    batch = Pairs(root=str(tmp_path), side_by_side=True, resolution=8).rows("train", [0])
    assert batch["source"].unique().tolist() == [30] and batch["target"].unique().tolist() == [200]


def test_pictures_without_partners_are_named(tmp_path):
    write(folders(tmp_path) / "train" / "A" / "alone.png", 1)
    with pytest.raises(UserError, match=r"without a partner.*train/A/alone\.png \(1 in all\)"):
        Pairs(root=str(tmp_path), resolution=8)


def test_folders_without_sides_and_folders_without_pictures_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no pictures"):
        Pairs(root=str(tmp_path / "empty"))
    write(tmp_path / "others" / "C" / "1.png", 1)
    with pytest.raises(UserError, match="no folders A and B.*side_by_side"):
        Pairs(root=str(tmp_path / "others"))
    folders(tmp_path / "tests", ["test"])
    with pytest.raises(UserError, match="no training pairs"):
        Pairs(root=str(tmp_path / "tests"))


def test_an_unreadable_pair_is_left_out_and_reported(tmp_path, caplog):
    folders(tmp_path)
    (tmp_path / "train" / "B" / "1.jpg").write_bytes(b"no picture")
    data = Pairs(root=str(tmp_path), resolution=8, channels=1, source_channels=1)
    assert len(data.reals("train")) == 2 and "1.jpg" in caplog.text
    assert data.rows("train", [1])["source"].max() == 25  # the third pair is still a pair


def test_both_sides_are_cut_and_flipped_alike():
    data = Pairs(resolution=16, num=40, jitter=6, batch_size=8)
    reals = data.reals("train")
    x = torch.arange(22 * 22, dtype=torch.float32).view(1, 22, 22) % 251
    reals.columns = {
        "source": x.byte().expand(40, 1, 22, 22).numpy().copy(),
        "target": x.byte().expand(40, 3, 22, 22).numpy().copy(),
    }
    minibatches, corners = data.minibatches(0, 8), set()
    for iteration in range(4):
        batch = minibatches(iteration)
        for source, target in zip(batch["source"], batch["target"], strict=True):
            assert source.shape == (1, 16, 16) and torch.equal(source.expand(3, -1, -1), target)
            corners.add((int(source[0, 0, 0]), bool(source[0, 0, 0] > source[0, 0, 1])))
    assert len(corners) > 16  # many places, both ways round


@pytest.mark.parametrize("make", [Pairs, Unpaired])
def test_two_processes_make_the_rows_of_one(make):
    data = make(resolution=16, num=40, jitter=4, batch_size=6)
    whole = data.minibatches(0, 6)(3)
    parts = [data.minibatches(first, 3)(3) for first in (0, 3)]
    for name, pictures in whole.items():
        assert torch.equal(pictures, torch.cat([part[name] for part in parts]))


def test_crops_reach_every_corner():
    picture = torch.arange(9).view(1, 1, 3, 3)
    places = {
        int(cropped(picture, (2, 2), torch.tensor([[y, x]]))[0, 0, 0, 0])
        for y in (0, 0.999)
        for x in (0, 0.999)
    }
    assert places == {0, 1, 3, 4}


def test_baselines_are_the_source_and_the_mean_target():
    data = Pairs(resolution=16, num=40)
    baselines = data.baselines(as_floats(data.rows("test", range(4))))
    assert {name: tuple(b.shape) for name, b in baselines.items()} == {
        "identity": (4, 3, 16, 16),
        "mean": (4, 3, 16, 16),
    }
    targets = as_floats(data.rows("train", range(40)))["target"]
    torch.testing.assert_close(baselines["mean"][0], targets.mean(0))


def test_drawn_targets_fill_their_outlines():
    data = Pairs(resolution=32, num=40)
    batch = data.rows("train", range(40))
    paper = torch.tensor([247, 244, 236]).view(3, 1, 1)
    coloured = ((batch["target"].int() - paper).abs() > 60).any(1)
    inked = batch["source"][:, 0] < 60
    for n in range(40):  # each filled row begins and ends near ink
        rows = coloured[n].any(1) & inked[n].any(1)
        first = coloured[n][rows].float().argmax(1)
        assert ((first - inked[n][rows].float().argmax(1)).abs() <= 2).float().mean() > 0.8


def test_domains_have_own_walks_and_lengths(tmp_path):
    for name, num in (("trainA", 3), ("trainB", 5), ("testA", 2), ("testB", 1)):
        for n in range(num):
            write(tmp_path / name / f"{n}.png", 10 * n + (100 if name[-1] == "B" else 0))
    data = Unpaired(root=str(tmp_path), resolution=8, batch_size=15, mirror=False)
    assert len(data.reals("train")) == 5 and len(data.reals("test")) == 2
    batch = data.minibatches(0, 15)(0)
    for name, num in (("domain_a", 3), ("domain_b", 5)):  # whole epochs: each as often
        levels = batch[name][:, 0, 0, 0].unique(return_counts=True)[1]
        assert levels.tolist() == [15 // num] * num
    assert data.rows("test", [0, 1])["domain_b"][:, 0, 0, 0].tolist() == [100, 100]
    swapped = Unpaired(root=str(tmp_path), resolution=8, swap=True)
    assert swapped.rows("train", [0])["domain_a"].max() == 100


def test_an_empty_domain_is_named(tmp_path):
    write(tmp_path / "trainA" / "0.png", 1)
    (tmp_path / "trainB").mkdir()
    with pytest.raises(UserError, match="domain B"):
        Unpaired(root=str(tmp_path))
    write(tmp_path / "trainB" / "0.png", 1)
    write(tmp_path / "testA" / "0.png", 1)
    with pytest.raises(UserError, match="test has no pictures of domain B"):
        Unpaired(root=str(tmp_path))
