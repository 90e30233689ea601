import numpy as np
import pytest
import torch
from support import compose

from gan_lab.data.digits import Digits, read_digits
from gan_lab.data.npz import NpzPictures
from gan_lab.data.one_class import OneClass
from gan_lab.errors import UserError
from gan_lab.training import build_data


def items(reals):
    """The pictures of a split as a list of bytes."""
    return [picture.numpy().tobytes() for picture in reals.images(range(len(reals)))]


def test_half_of_each_class_is_kept_for_testing_and_training_sees_normal_ones_alone():
    data = OneClass(Digits(), normal=3)
    counts = np.bincount(read_digits()[1])
    train, val, test = (data.reals(split) for split in ("train", "val", "test"))
    assert len(test) == sum(round(n / 2) for n in counts.tolist())
    assert data.anomalous("test").sum() == len(test) - round(counts[3] / 2)
    assert len(train) + len(val) == counts[3] - round(counts[3] / 2)
    assert not data.anomalous("val").any() and train.labels([0]) is None
    assert set(items(train)) | set(items(val)) <= {p.tobytes() for p in items_of_class(3)}


def items_of_class(digit):
    digits = Digits().reals("train")
    chosen = (digits.labels(range(len(digits))) == digit).nonzero().squeeze(1)
    return digits.images(chosen).numpy()


def test_parts_share_no_picture_and_depend_on_their_seed_alone():
    first, again, other = (
        OneClass(Digits(), normal=0, split_seed=s, seed=n) for s, n in [(0, 0), (0, 1), (1, 0)]
    )
    parts = [set(items(first.reals(split))) for split in ("train", "val", "test")]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert items(first.reals("train")) == items(again.reals("train"))
    assert items(first.reals("train")) != items(other.reals("train"))


def test_all_but_one_class_may_be_normal():
    data = OneClass(Digits(), anomalous=[7, 9])
    assert data.normal == [0, 1, 2, 3, 4, 5, 6, 8]
    assert OneClass(Digits(), normal="4").normal == [4]
    share = data.anomalous("test").float().mean()
    assert share == pytest.approx(0.2, abs=0.01)


def test_validation_holds_anomalies_where_it_is_asked_to():
    assert OneClass(Digits(), normal=0, val_anomalies=True).anomalous("val").any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "data.normal=null"),
        ({"normal": 10}, "data.normal=10"),
        ({"normal": "ten"}, "choose from 0, 1, 2"),
        ({"normal": 1, "anomalous": 1}, "none both"),
        ({"normal": 1, "val_share": 1.0}, "data.val_share=1.0"),
    ],
)
def test_impossible_choices_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        OneClass(Digits(), **options)


def test_an_npz_file_keeps_its_own_parts(tmp_path):
    draw = np.random.default_rng(0)
    arrays = {}
    for split, num in [("train", 40), ("val", 12), ("test", 20)]:
        arrays[f"{split}_images"] = draw.integers(0, 256, (num, 8, 8), np.uint8)
        arrays[f"{split}_labels"] = (np.arange(num)[:, None] % 2).astype(np.uint8)
    np.savez(tmp_path / "set.npz", **arrays)
    data = build_data(compose("data=one_class_npz", f"data.of.root={tmp_path / 'set.npz'}"))
    assert [len(data.reals(s)) for s in ("train", "val", "test")] == [20, 12, 20]
    assert data.anomalous("val").sum() == 6  # the file's own
    expected = torch.from_numpy(arrays["train_images"][::2])[:, None]
    assert torch.equal(data.reals("train").images(range(20)), expected)


def test_no_npz_file_runs_code_or_passes_for_pictures(tmp_path):
    np.savez(tmp_path / "a.npz", train_images=np.array([{}], dtype=object))
    (tmp_path / "b.npz").write_bytes(b"nothing")
    for name in ("a", "b"):
        with pytest.raises(UserError, match=r"data\.root="):
            NpzPictures(root=str(tmp_path / f"{name}.npz"))
