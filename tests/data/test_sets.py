"""Sets that are read into memory: digits, Gaussians, idx files, downloads."""

import gzip

import numpy as np
import pytest
import torch
from torchvision import datasets

from gan_lab.data.celeba import CelebA
from gan_lab.data.cifar10 import CIFAR10
from gan_lab.data.digits import Digits
from gan_lab.data.gaussians import Gaussians
from gan_lab.data.mnist import MNIST, FashionMNIST
from gan_lab.errors import UserError


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    reals, theirs = Digits().reals(), load_digits()
    images = reals.images(range(len(reals)))
    assert images.shape == (1797, 1, 8, 8) and images.dtype == torch.uint8
    assert np.array_equal(images[:, 0].numpy(), np.rint(theirs.images * 255 / 16))
    assert np.array_equal(reals.labels(range(1797)).numpy(), theirs.target)


@pytest.mark.parametrize("resolution", [16, 4])
def test_digits_resize(resolution):
    module = Digits(resolution=resolution, labelled=False)
    batch = next(iter(module.train_dataloader()))
    assert batch.keys() == {"image"} and module.num_classes is None
    assert batch["image"].shape == (64, 1, resolution, resolution) == (64, *module.shape)
    assert 50 < batch["image"].float().mean() < 110  # 78 at 8x8


@pytest.mark.parametrize("layout, count", [("ring", 8), ("grid", 25), ("spiral", 100)])
def test_gaussians_have_the_means_and_spread_they_tell(layout, count):
    module = Gaussians(layout=layout, num_points=60_000)
    centres, sigma = module.modes()
    reals = module.reals()
    points, mode = reals.images(range(len(reals))), reals.labels(range(len(reals)))
    assert centres.shape == (count, 2) and module.num_classes == count
    share = 60_000 / count
    assert (torch.bincount(mode, minlength=count) - share).abs().max() < 5 * share**0.5
    offset = (points - centres[mode]) / sigma
    means = torch.zeros(count, 2).index_add_(0, mode, offset) / share
    assert means.abs().max() < 5 / share**0.5
    assert offset.std() == pytest.approx(1, abs=0.02)
    assert centres.abs().max() == pytest.approx(0.8, abs=1e-3) and points.abs().max() < 1


def test_ring_and_grid_keep_the_published_ratios():
    centres, sigma = Gaussians(layout="ring").modes()
    assert torch.allclose(centres.norm(dim=1) / sigma, torch.tensor(2 / 0.02))
    centres, sigma = Gaussians(layout="grid").modes()
    assert torch.pdist(centres).min() / sigma == pytest.approx(2 / 0.05)


def test_spiral_is_evenly_spaced_along_one_arm():
    centres, _ = Gaussians(layout="spiral").modes()
    steps = (centres[1:] - centres[:-1]).norm(dim=1)
    assert steps.max() / steps.min() < 1.05


def test_gaussians_draw_fresh_keyed_points():
    def walk(seed):
        batches = iter(Gaussians(seed=seed).train_dataloader())
        return torch.stack([next(batches)["image"] for _ in range(3)])

    assert torch.equal(walk(1), walk(1)) and not torch.equal(walk(1), walk(2))
    assert not torch.equal(walk(1)[0], walk(1)[1])
    a, b = Gaussians(seed=1), Gaussians(seed=2)
    assert a.fingerprint() == b.fingerprint() != Gaussians(layout="grid").fingerprint()
    assert not torch.equal(a.reals("train").images([0]), a.reals("test").images([0]))
    assert "label" not in next(iter(Gaussians(labelled=False).train_dataloader()))


def test_unknown_layout_names_the_known():
    with pytest.raises(UserError, match="data.layout=rign.*ring, grid, spiral"):
        Gaussians(layout="rign")


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return b"\0\0\x08" + bytes([array.ndim]) + sizes + array.astype(np.uint8).tobytes()


@pytest.fixture
def idx_folder(tmp_path):
    random = np.random.default_rng(0)
    for part, count in (("train", 12), ("t10k", 5)):
        pixels = random.integers(0, 256, (count, 28, 28))
        raw = tmp_path / "FashionMNIST" / "raw"
        raw.mkdir(parents=True, exist_ok=True)
        (raw / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pixels)))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count) % 10))
    return tmp_path


def test_idx_files_are_read_packed_or_not_and_padded(idx_folder):
    module = FashionMNIST(root=str(idx_folder))
    reals = module.reals()
    pixels = np.random.default_rng(0).integers(0, 256, (12, 28, 28))
    images = reals.images(range(12))
    assert images.shape == (12, *module.shape) == (12, 1, 32, 32)
    assert np.array_equal(images[:, 0, 2:30, 2:30].numpy(), pixels)
    assert images.int().sum() == pixels.sum()  # the frame is background
    assert reals.labels([3, 11]).tolist() == [3, 1] and len(module.reals("test")) == 5
    raw = idx_folder / "FashionMNIST" / "raw"
    assert len(list(raw.iterdir())) == 4  # nothing was unpacked beside them


@pytest.mark.parametrize("resolution", [28, 16, 64])
def test_idx_sizes(idx_folder, resolution):
    reals = FashionMNIST(root=str(idx_folder), resolution=resolution).reals()
    assert reals.images([0, 1]).shape == (2, 1, resolution, resolution)


@pytest.mark.parametrize("content", [b"<html>quota</html>", b"", b"\0\0\x08\x03\0\0\0\x09"])
def test_damaged_idx_file_is_named(idx_folder, content):
    path = idx_folder / "FashionMNIST" / "raw" / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(UserError, match="train-images-idx3-ubyte.gz is damaged"):
        FashionMNIST(root=str(idx_folder)).reals()
    path.write_bytes(content or b"x")
    with pytest.raises(UserError, match="cannot be read"):
        FashionMNIST(root=str(idx_folder)).reals()


@pytest.mark.parametrize(
    "name, module", [("mnist", MNIST), ("fashion_mnist", FashionMNIST), ("cifar10", CIFAR10),
                     ("celeba", CelebA)],
)  # fmt: skip
def test_failed_download_names_set_reason_and_folder(name, module, tmp_path, monkeypatch):
    def fail(self, root, *arguments, download=False, **options):
        raise RuntimeError("Google Drive: too many users\nhave viewed this file" * 99)

    for cls in ("MNIST", "FashionMNIST", "CIFAR10", "CelebA"):
        monkeypatch.setattr(getattr(datasets, cls), "__init__", fail)
    root = tmp_path / "nothing here"
    with pytest.raises(UserError) as error:
        module(root=str(root)).reals()  # the constructor does not touch the network
    message = str(error.value)
    for part in (f"data={name}", "too many users have viewed", str(root), "data.root=", "by hand"):
        assert part in message
    assert len(message) < 900 and "\n" not in message


@pytest.fixture
def celeba(tmp_path, picture):
    folder = tmp_path / "celeba" / "img_align_celeba"
    folder.mkdir(parents=True)
    numbers = (1, 2, 162_770, 162_771, 182_638)
    for number in numbers:
        (folder / f"{number:06}.jpg").write_bytes(picture(size=(178, 218), format="JPEG"))
    rows = [f"{n:06}.jpg  {(-1) ** n} -1" for n in numbers]
    table = "\n".join([str(len(rows)), "Smiling Young", *rows])
    (folder.parent / "list_attr_celeba.txt").write_text(table)
    return tmp_path


def test_celeba_splits_and_attributes(celeba):
    module = CelebA(root=str(celeba), resolution=16, attribute="Smiling")
    assert [len(module.reals(split)) for split in ("train", "val", "test")] == [3, 1, 1]
    assert module.reals().labels(range(3)).tolist() == [0, 1, 1]
    assert module.reals().images([0]).shape == (1, 3, 16, 16)
    assert module.class_names == ["not Smiling", "Smiling"] and module.num_classes == 2
    assert CelebA(root=str(celeba)).reals().labels([0]) is None


def test_celeba_unknown_attribute_lists_the_known(celeba):
    with pytest.raises(UserError, match="data.attribute=Smling.*Smiling, Young"):
        CelebA(root=str(celeba), attribute="Smling").reals()
