"""Your own pictures: every container, every kind of picture, and what is wrong with some."""

import io
import json
import os
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lab.data import folder as folder_module
from gan_lab.data.folder import Folder
from gan_lab.data.picture import centre_box, decode
from gan_lab.errors import UserError


def container(kind, folder, tmp_path):
    """The files of a folder as a folder, zip, tar or compressed tar."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    path = tmp_path / f"archive.{kind}"
    if kind == "folder":
        return folder
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.write(folder / name, name)
    else:
        mode = {"tar": "w", "tar.gz": "w:gz", "tgz": "w:gz"}[kind]
        with tarfile.open(path, mode) as archive:
            for name in names:
                archive.add(folder / name, name)
    return path


def all_images(module, split="train"):
    reals = module.reals(split)
    return reals.images(range(len(reals)))


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "tar.gz", "tgz"])
def test_every_container_gives_the_same_pictures(kind, write, noise, tmp_path):
    pictures = {f"{c}/{i}.png": noise(i + 10 * j) for j, c in enumerate("ab") for i in range(3)}
    contents = {f"{part}/{n}": p for part in ("test", "train") for n, p in pictures.items()}
    root = write({**contents, "notes.txt": b"no picture", "train/a/._0.png": b"of macOS"})
    module = Folder(root=str(container(kind, root, tmp_path)), resolution=8)
    assert module.shape == (3, 8, 8) and module.num_classes == 2
    assert module.class_names == ["a", "b"] and set(module.splits) == {"train", "test"}
    expected = np.stack([decode(content, (3, 8, 8)) for content in pictures.values()])
    for split in module.splits:
        assert np.array_equal(all_images(module, split).numpy(), expected)
        assert module.reals(split).labels(range(6)).tolist() == [0, 0, 0, 1, 1, 1]


def test_second_start_reads_the_cache(write, noise, tmp_path, monkeypatch):
    root = container("tar.gz", write({f"{i}.png": noise(i) for i in range(5)}), tmp_path)
    first = Folder(root=str(root), resolution=8)
    images, name = all_images(first), first.fingerprint()

    def fail(*arguments):
        raise AssertionError("read again")

    monkeypatch.setattr(folder_module, "decode", fail)
    monkeypatch.setattr(folder_module, "open_source", fail)
    second = Folder(root=str(root), resolution=8)
    assert torch.equal(all_images(second), images) and second.fingerprint() == name


def test_changed_files_are_decoded_anew(write, noise):
    root = write({f"{i}.png": noise(i) for i in range(3)})
    before = Folder(root=str(root), resolution=8).fingerprint()
    write({"1.png": noise(9)})
    assert Folder(root=str(root), resolution=8).fingerprint() != before


def test_damaged_cache_is_made_anew(write, noise, tmp_path):
    root = write({f"{i}.png": noise(i) for i in range(3)})
    images = all_images(Folder(root=str(root), resolution=8))
    (pack,) = (tmp_path / "cache").rglob("*.pack")
    os.truncate(pack, pack.stat().st_size - 1)
    assert torch.equal(all_images(Folder(root=str(root), resolution=8)), images)


# What names mean


@pytest.mark.parametrize(
    "names, options, splits, classes",
    [
        (["x.png", "y.png"], {}, {"train": 2}, None),
        (["faces/x.png", "faces/y.png"], {}, {"train": 2}, None),
        (["a/x.png", "b/x.png", "b/deep/er/y.png"], {}, {"train": 3}, ["a", "b"]),
        (["set/a/x.png", "set/b/x.png"], {}, {"train": 2}, ["a", "b"]),
        (["a/x.png", "b/x.png"], {"labelled": False}, {"train": 2}, None),
        (["a/x.png", "b/x.png", "y.png"], {}, {"train": 3}, None),
        (["train/a/x.png", "train/b/x.png"], {}, {"train": 2}, ["a", "b"]),
        (["train/x.png", "test/x.png", "val/x.png"], {},
         {"train": 1, "val": 1, "test": 1}, None),
        (["top/train/x.png", "top/test/x.png"], {}, {"train": 1, "test": 1}, None),
        (["trainA/x.png", "trainB/x.png", "testA/x.png"], {"split_folder": "trainA"},
         {"train": 1}, None),
        (["trainA/x.png", "trainB/x.png", "testA/x.png"], {"split_folder": ["trainA", "trainB"]},
         {"train": 2}, ["trainA", "trainB"]),
    ],
)  # fmt: skip
def test_layout(names, options, splits, classes, write, noise):
    root = write({name: noise(i) for i, name in enumerate(names)})
    module = Folder(root=str(root), resolution=8, **options)
    assert {split: len(module.reals(split)) for split in module.splits} == splits
    assert module.class_names == classes
    assert module.num_classes == (None if classes is None else len(classes))


def test_labels_of_dataset_json_come_before_folders(write, noise):
    labels = {"labels": [["00/x.png", 2], ["00/y.png", 0], ["01/z.png", 2]]}
    files = {name: noise(i) for i, (name, _) in enumerate(labels["labels"])}
    root = write({**files, "dataset.json": json.dumps(labels).encode()})
    module = Folder(root=str(root), resolution=8)
    assert module.num_classes == 3
    assert module.reals().labels([0, 1, 2]).tolist() == [2, 0, 2]


@pytest.mark.parametrize(
    "table, message",
    [
        (b"{labels", "not JSON"),
        (b'{"labels": [["x.png", "cat"]]}', "class number"),
        (b'{"labels": [["x.png", -1]]}', "class number"),
        (b'{"labels": [["other.png", 1]]}', "x.png has no class"),
    ],
)
def test_wrong_dataset_json_is_named(table, message, write, noise):
    root = write({"x.png": noise(0), "dataset.json": table})
    with pytest.raises(UserError, match=message):
        Folder(root=str(root))
    assert Folder(root=str(root), labelled=False).num_classes is None


def test_dataset_json_of_another_kind_is_left_alone(write, noise):
    root = write({"x.png": noise(0), "dataset.json": b'{"labels": null, "people": 3000}'})
    assert Folder(root=str(root)).num_classes is None


# What a picture may be


def test_modes_become_the_channels_asked_for(picture):
    alpha = picture((255, 0, 0, 128), mode="RGBA")
    assert decode(alpha, (4, 8, 8))[:, 0, 0].tolist() == [255, 0, 0, 128]
    assert decode(alpha, (3, 8, 8))[:, 0, 0].tolist() == [255, 127, 127]  # laid on white
    assert decode(picture(7, mode="L"), (3, 8, 8))[:, 0, 0].tolist() == [7, 7, 7]
    assert decode(picture((9, 9, 9)), (1, 8, 8))[:, 0, 0].tolist() == [9]
    assert decode(picture(True, mode="1"), (1, 8, 8)).max() == 255
    assert decode(picture((0, 255, 0), mode="CMYK", format="JPEG"), (3, 8, 8)).shape == (3, 8, 8)


def test_sixteen_bits_are_scaled_not_clipped():
    pixels = np.array([[0, 128 * 257, 65535, 257]], dtype=np.uint16)
    for format in ("PNG", "TIFF"):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format)
        assert decode(buffer.getvalue(), (1, 1, 4)).flatten().tolist() == [0, 128, 255, 1]


def test_palette_and_its_transparency():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 200, 30])
    for options, expected in (({}, [10, 200, 30]), ({"transparency": 1}, [255, 255, 255])):
        buffer = io.BytesIO()
        image.save(buffer, "PNG", **options)
        assert decode(buffer.getvalue(), (3, 4, 4))[:, 0, 0].tolist() == expected


def test_exif_orientation_is_honoured():
    image = Image.new("RGB", (8, 4), "black")
    image.paste("white", (0, 0, 4, 4))  # left half
    exif = Image.Exif()
    exif[274] = 6  # turn by 90 degrees clockwise: left becomes top
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    upright = decode(buffer.getvalue(), (1, 8, 4))[0]
    assert (upright[:4] == 255).all() and (upright[4:] == 0).all()


def test_centre_is_cut_to_the_target_aspect():
    assert centre_box(200, 100, 64, 64, None) == (50, 0, 150, 100)
    assert centre_box(178, 218, 64, 64, 178) == (0, 20, 178, 198)
    assert centre_box(100, 100, 32, 64, None) == (0, 25, 100, 75)
    assert centre_box(100, 60, 64, 64, 500) == (20, 0, 80, 60)


def test_reduction_is_antialiased():
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    buffer = io.BytesIO()
    Image.fromarray(stripes).save(buffer, "PNG")
    assert np.abs(decode(buffer.getvalue(), (1, 8, 8)).astype(int) - 127).max() < 8


def test_rectangles(write, noise):
    root = write({"a.png": noise(0, (40, 30)), "b.jpg": noise(1, (9, 50), "JPEG")})
    module = Folder(root=str(root), resolution=[16, 24])
    assert all_images(module).shape == (2, *module.shape) == (2, 3, 16, 24)


@pytest.mark.parametrize(
    "mode, value, channels", [("L", 3, 1), ("RGB", 3, 3), ("RGBA", (1, 2, 3, 4), 4),
                              ("RGBA", (1, 2, 3, 255), 3), ("LA", (5, 6), 4)],
)  # fmt: skip
def test_channels_are_detected(mode, value, channels, write, picture):
    root = write({f"{i}.png": picture(value, mode=mode) for i in range(3)})
    assert Folder(root=str(root), resolution=8).shape == (channels, 8, 8)


# What is wrong


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz"])
def test_corrupt_pictures_are_left_out_and_counted(kind, write, noise, tmp_path, caplog):
    good = {f"{i}.png": noise(i) for i in (0, 2, 4, 6)}
    jpeg = noise(3, (64, 64), "JPEG")
    bad = {"1.png": b"this is text", "3.jpg": jpeg[: len(jpeg) // 2], "5.png": b""}
    module = Folder(root=str(container(kind, write({**good, **bad}), tmp_path)), resolution=8)
    images = all_images(module)
    expected = [decode(content, (3, 8, 8)) for content in good.values()]
    assert np.array_equal(images.numpy(), np.stack(expected))
    (line,) = [r.getMessage() for r in caplog.records if "left out" in r.getMessage()]
    assert line.startswith("3 of 7 pictures could not be read") and all(n in line for n in bad)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_decompression_bomb_is_one_unreadable_picture(write, noise, picture, monkeypatch, caplog):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    root = write({"bomb.png": picture(size=(40, 30)), "good.png": noise(0)})
    assert len(Folder(root=str(root), resolution=8).reals()) == 1
    assert "bomb.png" in caplog.text


def test_all_corrupt_is_an_error(write):
    root = write({"a.png": b"text", "b.png": b"text"})
    with pytest.raises(UserError, match=r"none of 2 pictures .*a\.png"):
        Folder(root=str(root)).reals()


def test_hostile_names_reach_no_file(noise, tmp_path, caplog):
    path = tmp_path / "in" / "x.zip"
    path.parent.mkdir()
    names = ["../evil.png", "/etc/evil.png", "a/../../evil.png", "good.png"]
    with zipfile.ZipFile(path, "w") as archive:
        for i, name in enumerate(names):
            archive.writestr(name, noise(i))
    assert len(Folder(root=str(path), resolution=8).reals()) == 1
    assert "3 entries with names that point outside" in caplog.text
    assert not list(tmp_path.rglob("evil.png"))


def test_links_in_a_tar_are_not_followed(noise, tmp_path):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        info = tarfile.TarInfo("good.png")
        info.size = len(noise(0))
        archive.addfile(info, io.BytesIO(noise(0)))
    assert len(Folder(root=str(path), resolution=8).reals()) == 1


def test_missing_folder_names_the_nearest(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(UserError) as error:
        Folder(root=str(tmp_path / "photo" / "cats"))
    assert str(tmp_path) in str(error.value) and "photos" in str(error.value)


def test_empty_folder_and_wrong_files(tmp_path, write):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no pictures in it"):
        Folder(root=str(tmp_path / "empty"))
    with pytest.raises(UserError, match="no pictures in it"):
        Folder(root=str(write({"a.txt": b"text"})))
    with pytest.raises(UserError, match="give a folder"):
        Folder(root=str(write({"a.txt": b"text"}) / "a.txt"))
    with pytest.raises(UserError, match="data.root is missing"):
        Folder(root=None)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_archive_cut_short_is_an_error(kind, write, noise, tmp_path):
    path = container(kind, write({f"{i}.png": noise(i, (32, 32)) for i in range(9)}), tmp_path)
    os.truncate(path, path.stat().st_size // 2 - 100)
    with pytest.raises(UserError, match="archive.*cut short"):
        Folder(root=str(path))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"resolution": 0}, "data.resolution=0"),
        ({"resolution": [8]}, r"data.resolution=\[8\]"),
        ({"channels": 2}, "data.channels=2"),
        ({"split_folder": "trian"}, "data.split_folder=trian.*a, b"),
        ({"batch_size": 0}, "data.batch_size=0"),
    ],
)
def test_wrong_options_are_named(options, message, write, noise):
    root = write({"a/x.png": noise(0), "b/x.png": noise(1)})
    with pytest.raises(UserError, match=message):
        Folder(root=str(root), **options)


def test_cache_that_cannot_be_written_names_its_variable(write, noise, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GAN_LAB_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match="GAN_LAB_CACHE"):
        Folder(root=str(write({"x.png": noise(0)}))).reals()


# Large sets


@pytest.mark.parametrize("kind, workers", [("folder", 0), ("zip", 2), ("tar", 0)])
def test_streaming_gives_the_batches_of_memory(kind, workers, write, noise, tmp_path):
    root = write({f"{c}/{i}.png": noise(i + 10 * j) for j, c in enumerate("ab") for i in range(6)})
    root = str(container(kind, root, tmp_path))
    options = {"root": root, "resolution": 8, "batch_size": 5, "mirror": True}
    streaming = Folder(**options, memory_gb=0, workers=workers)
    streamed = iter(streaming.train_dataloader())
    streamed = [next(streamed) for _ in range(6)]
    memory = iter(Folder(**options).train_dataloader())
    for batch in streamed:
        other = next(memory)
        assert torch.equal(batch["image"], other["image"])
        assert torch.equal(batch["label"], other["label"])


def test_streaming_replaces_a_corrupt_picture_once_told(write, noise, caplog):
    contents = {f"{c}/{i}.png": noise(i + 10 * j) for j, c in enumerate("ab") for i in range(2)}
    root = write({**contents, "a/1.png": b"text"})
    module = Folder(root=str(root), resolution=8, memory_gb=0, workers=0, batch_size=4)
    batches = iter(module.train_dataloader())
    for _ in range(3):
        batch = next(batches)
        assert sorted(batch["label"].tolist()) == [0, 1, 1, 1]  # the next one is of class b
    assert sum("a/1.png" in record.getMessage() for record in caplog.records) == 1
    assert torch.equal(module.reals().images([1]), module.reals().images([2]))
    assert len(module.reals()) == 4 and len(module.fingerprint()) == 16


def test_compressed_tar_that_is_too_large_says_to_pack(write, noise, tmp_path):
    root = container("tar.gz", write({"x.png": noise(0)}), tmp_path)
    with pytest.raises(UserError, match="gan_lab.apps.pack"):
        Folder(root=str(root), memory_gb=0).reals()
