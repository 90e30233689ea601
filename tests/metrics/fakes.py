"""Small stand-ins that the tests of metrics share."""

import torch
from torch import Tensor

from gan_lab.data.base import ArrayReals
from gan_lab.media import Pictures
from gan_lab.metrics import engine
from gan_lab.metrics.density_coverage import DensityCoverage
from gan_lab.metrics.extractor import Extractor
from gan_lab.metrics.frechet import FrechetDistance
from gan_lab.metrics.inception_score import InceptionScore
from gan_lab.metrics.kernel import KernelDistance
from gan_lab.metrics.precision_recall import PrecisionRecall
from gan_lab.metrics.suite import Suite

CPU = torch.device("cpu")


def shapes(num: int, *, size: int = 8, channels: int = 1, seed: int = 0) -> ArrayReals:
    """Noisy pictures of three classes: upper half, left half or middle bright."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (num,), generator=draw)
    masks = torch.zeros(3, channels, size, size)
    masks[0, :, : size // 2] = 1
    masks[1, :, :, : size // 2] = 1
    masks[2, :, size // 4 : -size // 4, size // 4 : -size // 4] = 1
    noise = torch.rand(num, channels, size, size, generator=draw)
    return ArrayReals((masks[labels] * 150 + noise * 100).to(torch.uint8), labels)


class Data:
    """A data module of `shapes`, without Lightning."""

    num_classes: int | None = 3
    splits: tuple[str, ...] = ("train",)
    judged_split, truth, alike = "train", None, True
    calibration_split: str | None = None
    medium = Pictures()
    gives: tuple[str, ...] = ("image", "label")

    def __init__(self, num: int = 300, *, size: int = 8, channels: int = 1) -> None:
        self.name, self.shape = "shapes", (channels, size, size)
        self.set = shapes(num, size=size, channels=channels)

    def reals(self, split: str = "train") -> ArrayReals:
        return self.set


class Echo:
    """A GAN whose samples are the reals, with noise; conditional if `num_classes` is given."""

    def __init__(self, reals: ArrayReals, noise: float, num_classes: int | None = None) -> None:
        self.reals, self.noise, self.num_classes = reals, noise, num_classes
        self.asked: list[Tensor | None] = []

    def sample(
        self, num: int, *, seed: int, label: Tensor | None = None, raw: bool = False
    ) -> Tensor:
        self.asked.append(label)
        draw = torch.Generator().manual_seed(seed)
        images = self.reals.images(torch.randint(len(self.reals), (num,), generator=draw))
        images = images.float() / 127.5 - 1
        noise = self.noise + 0.1 * raw
        return (images + noise * torch.randn(images.shape, generator=draw)).clamp(-1, 1)


class Pixels(Extractor):
    """Pixels as features, sums of rows as logits."""

    name, dim, num_logits, fingerprint = "pixels", 64, 8, "none"

    def __init__(self) -> None:
        self.num_seen = 0

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        self.num_seen += len(images)
        pixels = images[:, 0].float() / 255
        return pixels.flatten(1), pixels.sum(dim=2)


def suite(**options):
    """Formulas of several kinds on pixels, in blocks of 70."""
    formulas = {
        "frechet": FrechetDistance(),
        "kernel": KernelDistance(),
        "score": InceptionScore(),
        "precision_recall": PrecisionRecall(num=100),
        "density_coverage": DensityCoverage(),
    }
    return Suite({"pixels": Pixels()}, formulas, block=70, **options)


def figures(found, data, gan, *, seed=0, **options):
    """The records of a GAN."""
    extractors = found.prepare(data, CPU)
    fakes = engine.GeneratedFakes(gan, data.reals(), seed=seed, **options)
    return engine.evaluate(found, extractors, fakes, data, CPU)


def measured_by(rank, world, port, output):
    """One of several real processes: measures, and keeps what it found."""
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    torch.distributed.init_process_group("gloo", address, rank=rank, world_size=world)
    data = Data()
    records = figures(suite(), data, Echo(data.set, 0.1))
    torch.save([record.to_dict() for record in records], f"{output}/{rank}.pt")
    torch.distributed.destroy_process_group()
