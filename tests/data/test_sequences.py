import io
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lab.data.base import as_floats
from gan_lab.data.moving_digits import MovingDigits, reflected
from gan_lab.data.video import Video
from gan_lab.errors import UserError
from gan_lab.pictures import film

SIZE = {"context": 3, "horizon": 2, "resolution": 16, "batch_size": 4}


def moving(**options):
    return MovingDigits(**{**SIZE, "side": 8, "num": 40, **options})


def test_reflection_follows_the_path_step_by_step():
    draws = np.random.default_rng(0)
    for _ in range(20):
        room, place, velocity = 7.0, draws.uniform(0, 7), draws.uniform(-3, 3)
        start, direction = place, velocity
        for step in range(30):
            assert abs(reflected(np.array(start + velocity * step), room) - place) < 1e-9
            place += direction
            if not 0 <= place <= room:
                place = -place if place < 0 else 2 * room - place
                direction = -direction


def test_digits_lie_where_their_places_say():
    data = moving(num_digits=1, side=8)
    reals = data.reals("train")
    reals.start[0], reals.velocity[0] = [[2.0, 3.0]], [[1.0, -2.0]]
    film = data.rows("train", [0])["video"][0, :, 0].numpy()
    digit = reals.digits[reals.chosen[0, 0]]
    for frame, (top, left) in zip(film, [(2, 3), (3, 1), (4, 1), (5, 3), (6, 5)], strict=True):
        expected = np.zeros((16, 16), np.uint8)
        expected[top : top + 8, left : left + 8] = digit
        assert np.array_equal(frame, expected)


def test_between_pixels_a_digit_is_interpolated():
    data = moving(num_digits=1)
    reals = data.reals("train")
    reals.start[0], reals.velocity[0] = [[2.0, 3.5]], [[0.0, 0.0]]
    frame = data.rows("train", [0])["video"][0, 0, 0].numpy()
    digit = np.pad(reals.digits[reals.chosen[0, 0]].astype(float), ((0, 0), (1, 1)))
    assert np.array_equal(frame[2:10, 3:12], np.rint((digit[:, :-1] + digit[:, 1:]) / 2))


def test_splits_of_digits_share_neither_digits_nor_ways():
    data = moving(num=400)
    train, test = data.reals("train"), data.reals("test")
    assert (len(train), len(test)) == (400, 20)
    assert len(train.digits) + len(test.digits) == 1797
    assert not set(train.start.ravel()) & set(test.start.ravel())
    assert moving(num=400, seed=5).reals("test").fingerprint() == test.fingerprint()
    assert moving(num=400, speed=[1, 2]).reals("test").fingerprint() != test.fingerprint()


def test_baseline_is_the_last_given_frame_and_truth_what_follows():
    data = moving()
    batch = as_floats(data.rows("test", range(2)))
    assert torch.equal(data.truth_of(batch), batch["video"][:, 3:])
    copies = data.baselines(batch)["copy_last"]
    assert copies.shape == (2, *data.shape)
    assert all(torch.equal(copies[:, step], batch["video"][:, 2]) for step in range(2))
    assert torch.equal(
        data.reals("test").images([0, 1]), data.rows("test", range(2))["video"][:, 3:]
    )


# Clips in files -----------------------------------------------------------------------------------


def write_clip(folder, number, num, size=(20, 16)):
    """Frame t of clip c is of the grey 60 c + 2 t, its left half darker by 1."""
    folder.mkdir(parents=True)
    for t in range(num):
        pixels = np.full((size[1], size[0]), 60 * number + 2 * t, np.uint8)
        pixels[:, : size[0] // 2] -= 1
        Image.fromarray(pixels).save(folder / f"frame{t}.png")  # frame10 comes after frame9
    return folder


def clips(tmp_path, **options):
    for number, num in [(1, 14), (2, 21), (3, 10)]:
        write_clip(tmp_path / "clips" / f"clip{number}", number, num)
    return Video(root=str(tmp_path / "clips"), **{**SIZE, "resolution": [16, 20], **options})


def test_windows_never_cross_clips_or_splits(tmp_path):
    data = clips(tmp_path, mirror=False)
    seen = {"train": set(), "test": set()}
    for split in data.splits:
        for row in data.rows(split, range(len(data.reals(split))))["video"]:
            greys = row[:, 0, 0, -1].tolist()
            assert greys == list(range(greys[0], greys[0] + 10, 2))
            assert len({grey // 60 for grey in greys}) == 1
            seen[split] |= set(greys)
    assert not seen["train"] & seen["test"]
    assert {grey // 60 for grey in seen["train"]} == {grey // 60 for grey in seen["test"]}
    assert len(data.reals("train")) == 5 + 12 + 1 and len(data.reals("test")) == 1 + 1 + 1
    assert max(g for g in seen["train"] if g // 60 == 1) < min(g for g in seen["test"])


def test_all_frames_of_a_row_are_cropped_and_flipped_alike(tmp_path):
    data = clips(tmp_path, jitter=6, batch_size=32)
    batch = data.minibatches(0, 32)(0)["video"]
    assert batch.shape == (32, 5, 1, 16, 20)
    steps = batch[:, 1:].int() - batch[:, :-1].int()
    assert ((steps - 2).abs() <= 1).all()  # the edge lies at one place in all frames of a row
    edges = {tuple((row[0, 0, 8].int().diff() != 0).nonzero().ravel().tolist()) for row in batch}
    darker_left = {bool(row[0, 0, 8, 0] < row[0, 0, 8, -1]) for row in batch}
    assert len(edges) > 1 and darker_left == {True, False}
    part = data.minibatches(8, 4)(0)["video"]
    assert torch.equal(part, batch[8:12])


def test_a_folder_named_test_is_kept_out(tmp_path):
    write_clip(tmp_path / "train" / "a", 1, 8)
    write_clip(tmp_path / "test" / "b", 2, 6)
    data = Video(root=str(tmp_path), **SIZE)
    assert len(data.reals("train")) == 4 and len(data.reals("test")) == 2
    assert data.rows("test", [0])["video"].min() >= 118


def test_videos_and_zips_and_one_clip_alone_are_read(tmp_path):
    frames = [Image.new("RGB", (32, 32), (8 * t, 200 - 8 * t, 60)) for t in range(12)]
    for suffix in (".gif", ".mp4"):
        film(frames, tmp_path / f"film{suffix}")
        data = Video(root=str(tmp_path / f"film{suffix}"), **SIZE)
        assert data.source_shape == (3, 3, 16, 16)
        video = data.parts["train"][0]
        expected = np.stack([np.asarray(f.resize((16, 16))).transpose(2, 0, 1) for f in frames])
        assert abs(video.astype(int) - expected[: len(video)]).max() < 12
    folder = write_clip(tmp_path / "alone", 1, 11)
    assert len(Video(root=str(folder), **SIZE).reals("train")) == 2
    with zipfile.ZipFile(tmp_path / "clips.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"some/clip/{file.name}")
    assert len(Video(root=str(tmp_path / "clips.zip"), **SIZE).reals("train")) == 2
    assert len(Video(root=str(folder), every=2, **{**SIZE, "context": 1}).reals("train")) == 1


def test_what_cannot_be_used_is_named(tmp_path):
    with pytest.raises(UserError, match="root=null.*moving_digits"):
        Video()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no clips"):
        Video(root=str(tmp_path / "empty"))
    write_clip(tmp_path / "short" / "brief", 1, 9)
    with pytest.raises(UserError, match=r"brief has 9 frames.*10"):
        Video(root=str(tmp_path / "short"), **SIZE).reals("train")
    folder = write_clip(tmp_path / "broken" / "clip", 1, 12)
    (folder / "frame7.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"frame7.png cannot be read"):
        Video(root=str(tmp_path / "broken"), **SIZE).reals("train")
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(UserError, match=r"bad.mp4 cannot be read"):
        Video(root=str(tmp_path / "bad.mp4"), **SIZE).reals("train")
    content = io.BytesIO()
    Image.new("L", (20, 20)).save(content, "GIF")
    (tmp_path / "one.gif").write_bytes(content.getvalue())
    with pytest.raises(UserError, match=r"one.gif has 1 frames"):
        Video(root=str(tmp_path / "one.gif"), **SIZE).reals("train")
    for options in ({"context": 0}, {"horizon": 0}, {"side": 16}, {"speed": [3, 1]}, {"num": 3}):
        with pytest.raises(UserError, match=f"data.{next(iter(options))}="):
            moving(**options)
