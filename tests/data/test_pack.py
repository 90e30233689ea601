import json
import multiprocessing
import os

import numpy as np
import pytest
import torch

from gan_lab.data.folder import Folder
from gan_lab.data.pack import Plan, cached_pack, open_pack, write_pack
from gan_lab.data.packed import Packed
from gan_lab.errors import UserError


def make(path, count=6, faults=(), labels=True):
    """Write a pack of random pictures, in reverse order, and give the pictures."""
    images = np.random.default_rng(0).integers(0, 256, (count, 3, 4, 5), np.uint8)
    plan = Plan(
        shape=(3, 4, 5),
        names=[f"{i}.png" for i in range(count)],
        splits={"train": (0, count - 2), "test": (count - 2, count)},
        labels=[i % 3 for i in range(count)] if labels else None,
        num_classes=3 if labels else None,
        class_names=["a", "b", "c"] if labels else None,
    )
    pictures = [(i, OSError("bad") if i in faults else images[i]) for i in reversed(range(count))]
    write_pack(path, plan, pictures)
    return images


def test_round_trip(tmp_path):
    path = tmp_path / "x.pack"
    images = make(path)
    pack = open_pack(path)
    assert np.array_equal(pack.images.numpy(), images)
    assert pack.labels.tolist() == [0, 1, 2, 0, 1, 2] and pack.class_names == ["a", "b", "c"]
    test = pack.reals("test")
    assert np.array_equal(test.images([0, 1]).numpy(), images[4:])
    assert test.labels([0, 1]).tolist() == [1, 2]
    assert test.fingerprint() != pack.reals("train").fingerprint()
    assert [p.name for p in tmp_path.iterdir()] == ["x.pack"]  # no temporary file is left


def test_documented_layout_reads_without_our_module(tmp_path):
    path = tmp_path / "x.pack"
    images = make(path)
    content = path.read_bytes()
    assert content[:8] == b"GANLABP1"
    header = json.loads(content[16 : 16 + int.from_bytes(content[8:16], "little")])
    mapped = np.memmap(path, "uint8", "r", header["images_at"], tuple(header["shape"]))
    assert np.array_equal(mapped, images)


def test_unreadable_slots_are_closed_and_counted(tmp_path):
    path = tmp_path / "x.pack"
    images = make(path, faults=(1, 4))
    pack = open_pack(path)
    assert np.array_equal(pack.images.numpy(), images[[0, 2, 3, 5]])
    assert pack.labels.tolist() == [0, 2, 0, 2]
    assert pack.splits == {"train": (0, 3), "test": (3, 4)}
    assert pack.left_out == 2 and pack.left_out_names == ["1.png", "4.png"]


def test_content_names_pictures_and_labels(tmp_path):
    paths = [tmp_path / f"{i}.pack" for i in range(4)]
    make(paths[0])
    make(paths[1])
    make(paths[2], labels=False)
    make(paths[3], faults=(0,))
    names = [open_pack(path).content for path in paths]
    assert names[0] == names[1] and len(set(names)) == 3


def test_mapped_memory_is_never_written_back(tmp_path):
    path = tmp_path / "x.pack"
    images = make(path)
    open_pack(path).images.zero_()
    assert np.array_equal(open_pack(path).images.numpy(), images)


def test_a_pack_may_be_larger_than_the_memory(tmp_path):
    path = tmp_path / "x.pack"
    make(path, labels=False)
    content = path.read_bytes()
    header = json.loads(content[16 : 16 + int.from_bytes(content[8:16], "little")])
    N = (1 << 42) // 60  # 4 TB of holes
    header["shape"][0], header["splits"] = N, {"train": [0, N]}
    text = json.dumps(header).encode()
    path.write_bytes(content[:8] + len(text).to_bytes(8, "little") + text)
    try:
        os.truncate(path, header["images_at"] + 60 * N)
    except OSError:
        pytest.skip("files of 4 TB have no place here")
    assert open_pack(path).reals("train").images([N - 1]).sum() == 0


@pytest.mark.parametrize("missing", [1, 8 * 6 + 1, 300])
def test_truncated_pack_is_an_error(missing, tmp_path):
    path = tmp_path / "x.pack"
    make(path)
    os.truncate(path, path.stat().st_size - missing)
    with pytest.raises(UserError, match="x.pack: the pack is cut short"):
        open_pack(path)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "not a pack"),
        (b"\x80\x04 pickle, never loaded", "not a pack"),
        (b"GANLABP1" + (99).to_bytes(8, "little") + b"{", "header is damaged"),
        (b"GANLABP1" + (2).to_bytes(8, "little") + b"[]", "header is damaged"),
        (b"GANLABP1" + (1 << 63).to_bytes(8, "little") + b"{}", "header is damaged"),
    ],
)
def test_what_is_no_pack_is_an_error(content, message, tmp_path):
    path = tmp_path / "x.pack"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        open_pack(path)


def test_failure_while_writing_leaves_nothing(tmp_path):
    def pictures():
        yield 0, np.zeros((1, 2, 2), np.uint8)
        raise OSError(28, "No space left on device")

    plan = Plan(shape=(1, 2, 2), names=["a", "b"], splits={"train": (0, 2)})
    with pytest.raises(UserError, match="No space left"):
        write_pack(tmp_path / "x.pack", plan, pictures())
    assert not list(tmp_path.iterdir())


def put(path, log):
    def write(target):
        with open(log, "a") as file:
            file.write("made\n")
        make(target)

    assert len(cached_pack(path, write).images) == 6


def test_only_one_process_packs(tmp_path):
    path, log = tmp_path / "x.pack", tmp_path / "log"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=put, args=(path, log)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert log.read_text() == "made\n"


def test_what_a_killed_process_left_is_removed(tmp_path):
    stale = tmp_path / ".x[1].pack.123.tmp"
    stale.write_bytes(b"half of it")
    cached_pack(tmp_path / "x[1].pack", make)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x[1].lock", "x[1].pack"]


def test_data_modules_on_a_pack(tmp_path):
    path = tmp_path / "x.pack"
    images = make(path)
    packed = Packed(root=str(path), batch_size=4)
    assert packed.shape == (3, 4, 5) and packed.num_classes == 3
    assert packed.splits == ("train", "test") and len(packed.reals("test")) == 2
    batch = next(iter(packed.train_dataloader()))
    assert sorted(batch["image"].sum((1, 2, 3)).tolist()) == sorted(images[:4].sum((1, 2, 3)))
    folder = Folder(root=str(path), resolution=[4, 5], batch_size=4)
    assert torch.equal(next(iter(folder.train_dataloader()))["image"], batch["image"])
    assert folder.fingerprint() == packed.fingerprint()
    with pytest.raises(UserError, match="data=pack"):
        Folder(root=str(path), resolution=64)
    assert Packed(root=str(path), labelled=False).reals().labels([0]) is None
    with pytest.raises(UserError, match="nearest"):
        Packed(root=str(tmp_path / "y.pack"))
