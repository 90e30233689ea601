"""Our FID, KID and IS against torch-fidelity's, from the same picture files.

    python benchmarks/fid_agreement.py [--num 2000] [--weights FILE]

Without a weights file the network is random (seeded): agreement does not need the real ones.
Real and fake are digits as they are, and blurred with noise; both sides read PNG files. IS and KID
split or draw from files in another order, so those two agree to their own noise only (the formulas
agree exactly: tests/metrics).
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch_fidelity import calculate_metrics
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from gan_lab.data.digits import Digits
from gan_lab.data.folder import Folder
from gan_lab.metrics import engine
from gan_lab.metrics.frechet import FrechetDistance
from gan_lab.metrics.inception import Inception
from gan_lab.metrics.inception_score import InceptionScore
from gan_lab.metrics.kernel import KernelDistanceOfSubsets
from gan_lab.metrics.suite import Suite

NAMES = {
    "fd": "frechet_inception_distance",
    "kid": "kernel_inception_distance_mean",
    "is": "inception_score_mean",
}


class Initial(FeatureExtractorInceptionV3):
    """The network as it is initialised: it loads nothing."""

    def load_state_dict(self, state: dict) -> None:
        pass


def random_weights(path: Path) -> Path:
    """A file of seeded random weights in the original's format."""
    torch.save({}, path)
    torch.manual_seed(0)
    network = Initial("x", ["2048"], feature_extractor_weights_path=str(path))
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)  # or the features would all but vanish
    torch.save(network.state_dict(), path)
    return path


def write_pictures(folder: Path, images: torch.Tensor) -> Path:
    """(N, 1, H, W) uint8 -> PNG files in colour."""
    folder.mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image[0].numpy()).convert("RGB").save(folder / f"{i:05}.png")
    return folder


def pictures(num: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Digits at 16x16, repeated to `num` with noise, and a spoiled version: (num, 1, 16, 16)."""
    reals = Digits(resolution=16).reals()
    images = reals.images(torch.arange(num) % len(reals)).float()
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(2, *images.shape, generator=draw)
    blurred = F.avg_pool2d(images, 3, 1, 1)
    both = images + 4 * noise[0], blurred.flip(0) + 12 * noise[1]
    return tuple(x.clamp(0, 255).round().to(torch.uint8) for x in both)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num", type=int, default=2000)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    subset = min(1000, options.num)
    with tempfile.TemporaryDirectory() as place:
        weights = options.weights or random_weights(Path(place, "random.pth"))
        real, fake = pictures(options.num)
        real, fake = (
            write_pictures(Path(place, "real"), real),
            write_pictures(Path(place, "fake"), fake),
        )

        start = time.perf_counter()
        theirs = calculate_metrics(
            input1=str(fake), input2=str(real), fid=True, kid=True, isc=True,
            kid_subsets=20, kid_subset_size=subset, cuda=device.type == "cuda", cache=False,
            verbose=False, feature_extractor_weights_path=str(weights),
        )  # fmt: skip
        middle = time.perf_counter()
        formulas = {
            "frechet": FrechetDistance(),
            "kernel": KernelDistanceOfSubsets(num_subsets=20, subset_size=subset),
            "score": InceptionScore(),
        }
        suite = Suite({"inception": Inception(path=str(weights))}, formulas, block=50)
        data = Folder(root=str(real), resolution=16, labelled=False)
        stored = engine.StoredFakes(Folder(root=str(fake), resolution=16).reals())
        extractors = suite.prepare(data, device)
        ours = engine.evaluate(suite, extractors, stored, data, device, num_fake=options.num)
        end = time.perf_counter()

    table = Table(title=f"{options.num} against {options.num} pictures on {device.type}")
    for heading in ("metric", "gan_lab", "torch-fidelity", "relative difference"):
        table.add_column(heading, justify="left" if heading == "metric" else "right", no_wrap=True)
    for record in ours:
        value, expected = record.value, theirs[NAMES[record.protocol.metric]]
        apart = abs(value - expected) / max(abs(expected), np.finfo(float).tiny)
        table.add_row(record.name, f"{value:.8g}", f"{expected:.8g}", f"{apart:.1e}")
    Console().print(table)
    print(f"torch-fidelity {middle - start:.0f} s, gan_lab {end - middle:.0f} s")


if __name__ == "__main__":
    main()
