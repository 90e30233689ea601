"""What files are decoded to is the same in memory and mapped, and is decoded once."""

import errno
import tarfile
import tracemalloc

import numpy as np
import pytest
import torch

from gan_lab.data import decoded
from gan_lab.data.base import cache_folder
from gan_lab.data.captions import Captions
from gan_lab.data.pairs import Pairs
from gan_lab.data.rows import RowReals
from gan_lab.data.unpaired import Styles, Unpaired
from gan_lab.errors import UserError

BAD = {
    Pairs: "train/A/2.png",
    Unpaired: "train/A/2.png",
    Styles: "train/B/2.png",
    Captions: "2.png",
}
OPTIONS = {"resolution": [8, 10], "batch_size": 5, "mirror": True}
JITTER = {"jitter": 2}
SETS = [(Pairs, JITTER), (Unpaired, JITTER), (Styles, JITTER), (Captions, {})]


@pytest.fixture
def folder(write, noise):
    """Write what a module reads, with one picture that is none, and give the folder."""

    def files(make):
        contents = {}
        for n in range(7):
            if make is Captions:
                contents[f"{n}.png"] = noise(n, (20, 16))
                contents[f"{n}.txt"] = f"number {n}\nor {n + 1}".encode()
            for seed, side in enumerate("AB") if make is not Captions else ():
                contents[f"train/{side}/{n}.png"] = noise(10 * seed + n, (20, 16))
                contents[f"test/{side}/{n}.png"] = noise(30 + 10 * seed + n, (20, 16))
        return write({**contents, BAD[make]: b"no picture"})

    return files


def packs():
    return sorted((cache_folder() / "packs").glob("*.pack"))


@pytest.mark.parametrize("make, more", SETS)
def test_mapped_batches_have_the_bits_of_memory(make, more, folder, caplog):
    root = str(folder(make))
    memory, mapped = (make(root=root, memory_gb=gb, **OPTIONS, **more) for gb in (1, 0))
    assert len(memory.reals()) == len(mapped.reals()) > 0
    assert caplog.text.count(f"{BAD[make]} ") >= 2
    for iteration in range(4):
        batches = [data.minibatches(1, 3)(iteration) for data in (memory, mapped)]
        for name, values in batches[0].items():
            assert torch.equal(values, batches[1][name])
    for split in memory.splits:
        rows = [data.rows(split, [0, 3]) for data in (memory, mapped)]
        for name, values in rows[0].items():
            assert torch.equal(values, rows[1][name])
        assert memory.reals(split).fingerprint() == mapped.reals(split).fingerprint()
    if make is Pairs:
        assert torch.equal(memory.mean_target, mapped.mean_target)


@pytest.mark.parametrize("make, more", SETS)
def test_a_second_start_decodes_nothing_and_names_what_was_left_out(
    make, more, folder, monkeypatch, caplog
):
    options = {"root": str(folder(make)), "memory_gb": 0, **OPTIONS, **more}
    first = make(**options).rows("train", [2])
    caplog.clear()
    monkeypatch.setattr(decoded, "read_all", None)
    second = make(**options).rows("train", [2])
    assert all(torch.equal(values, second[name]) for name, values in first.items())
    (line,) = [line for line in caplog.messages if "left out" in line]
    assert BAD[make] in line


def test_other_files_sizes_and_channels_are_decoded_anew(folder, noise):
    root = folder(Pairs)
    for options in ({}, {"resolution": 12}, {"source_channels": 1}, {"jitter": 3}):
        Pairs(root=str(root), memory_gb=0, **{**OPTIONS, **options}).reals()
    assert len(packs()) == 4
    Pairs(root=str(root), memory_gb=0, reverse=True, **OPTIONS).reals()
    assert len(packs()) == 4  # the same pictures
    (root / BAD[Pairs]).write_bytes(noise(2))
    assert len(Pairs(root=str(root), memory_gb=0, **OPTIONS).reals()) == 7
    assert len(packs()) == 5


def test_small_sets_leave_no_file(folder):
    Pairs(root=str(folder(Pairs)), **OPTIONS).reals()
    assert not packs()


def test_a_full_disk_and_a_folder_that_cannot_be_written_name_both_remedies(
    folder, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    options = {"root": str(folder(Pairs)), "memory_gb": 0, **OPTIONS}
    with monkeypatch.context() as patch:
        patch.setattr("os.posix_fallocate", full)
        with pytest.raises(UserError, match=r"No space left.*GAN_LAB_CACHE.*data\.memory_gb=0\.1"):
            Pairs(**options).reals()
    assert not list((cache_folder() / "packs").glob(".*.tmp"))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GAN_LAB_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match=r"GAN_LAB_CACHE.*data\.memory_gb=0\.1"):
        Pairs(**options).reals()


@pytest.mark.parametrize("memory_gb", [0, 1])
def test_a_set_without_a_readable_picture_is_an_error(memory_gb, write):
    root = write({f"{side}/0.png": b"text" for side in "AB"})
    data = Pairs(root=str(root), channels=3, source_channels=3, memory_gb=memory_gb)
    with pytest.raises(UserError, match=r"none of 1 pictures could be read.*A/0\.png"):
        data.reals()


def test_a_large_compressed_tar_is_refused(folder, tmp_path):
    path = tmp_path / "x.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder(Unpaired), "x")
    assert len(Unpaired(root=str(path), **OPTIONS).reals()) == 7
    with pytest.raises(UserError, match=r"data\.memory_gb=0.*unpack it"):
        Unpaired(root=str(path), memory_gb=0, **OPTIONS).reals()


def test_neither_batches_nor_fingerprints_copy_the_set(tmp_path):
    whole = np.memmap(tmp_path / "x", np.uint8, "w+", shape=(2000, 4, 128, 128))  # 131 MB of holes
    pictures = torch.from_numpy(whole)
    reals = RowReals({"source": pictures[:, :1], "target": pictures[:, 1:]}, "target")
    tracemalloc.start()
    try:
        reals.batch(range(8))
        assert tracemalloc.get_traced_memory()[1] < 4e6
        reals.fingerprint()
        assert tracemalloc.get_traced_memory()[1] < 40e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("memory_gb", [0, 1])
def test_rows_of_files_lie_in_one_piece(memory_gb, folder):
    reals = Pairs(root=str(folder(Pairs)), memory_gb=memory_gb, **OPTIONS).reals()
    assert all(row.flags.c_contiguous for column in reals.columns.values() for row in column)
