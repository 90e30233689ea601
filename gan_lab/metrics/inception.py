"""Inception-V3 with the TensorFlow weights of 2015-12-05: the extractor of published FID figures.

Network, resizing and weights are torch-fidelity's (Obukhov et al. 2020), which reproduces the
original TensorFlow program.
"""

import hashlib
import io
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from filelock import FileLock
from torch import Tensor

from gan_lab.errors import UserError
from gan_lab.media import holds_pictures
from gan_lab.metrics.extractor import Extractor

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule

FILE = "weights-inception-2015-12-05-6726825d.pth"
FILE_BYTES = 95_628_359
FILE_HASH = "6726825d"  # the file's sha256 begins so
PATIENCE_SECONDS = 20  # without a byte from the network


class Inception(Extractor):
    """2,048 features of the last pooling layer, and the logits without bias (as TensorFlow's IS).

    Any other weights file makes another extractor: its name is `inception_<hash>`, its figures
    `fd_inception_<hash>_50k`, for `fid` means the original weights and nothing else.

    Args:
        path: the weights file; else $GAN_LAB_INCEPTION, else torch-fidelity's place in
            $TORCH_HOME, else its download.
    """

    dim = 2048
    num_logits = 1008
    resize = "bilinear to 299 x 299 as TensorFlow 1, not antialiased; grey repeated, alpha dropped"

    def __init__(self, *, path: str | None = None) -> None:
        self.path = path
        self.name = "inception"

    def unsuited(self, data: "DataModule") -> str | None:
        if not holds_pictures(data):
            return f"{data.name} holds no pictures: choose metrics=auto, which takes what suits"
        if data.shape[0] == 2:
            return f"{data.name} has 2 channels; metrics=inception takes 1, 3 or more"
        return None

    def at_hand(self) -> bool:
        return (self.given() or downloaded()).is_file()

    def given(self) -> Path | None:
        """The file that the user named, if any."""
        path = self.path or os.environ.get("GAN_LAB_INCEPTION")
        return None if path is None else Path(path).expanduser()

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        path = self.given()
        if path is None:
            path = downloaded()
            if not path.is_file():
                download(path)
        elif not path.is_file():
            raise UserError(how_to_get(f"{path} does not exist"))
        content = path.read_bytes()
        self.fingerprint = hashlib.sha256(content).hexdigest()[:16]
        if not self.fingerprint.startswith(FILE_HASH):
            self.name = f"inception_{self.fingerprint[:8]}"
        self.network = build(content, path).to(device)

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        C = images.shape[1]
        images = images[:, :3] if C >= 3 else images[:, :1].expand(-1, 3, -1, -1)
        return self.network(images)


def build(content: bytes, path: Path) -> torch.nn.Module:
    """torch-fidelity's network with the weights in a file's content.

    torch-fidelity would unpickle the file without restraint; it gets a copy of what a restrained
    reading found.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        clean = io.BytesIO()
        torch.save(state, clean)
        clean.seek(0)
        with torch.random.fork_rng(devices=[]):
            return FeatureExtractorInceptionV3(
                "inception-v3-compat",
                ["2048", "logits_unbiased"],
                feature_extractor_weights_path=clean,
            )
    except Exception as error:  # unpickling fails in a dozen ways
        reason = f"{path} ({len(content):,} bytes) is not such a file: {str(error).splitlines()[0]}"
        raise UserError(how_to_get(reason)) from error


def downloaded() -> Path:
    """Where torch-fidelity keeps the file."""
    return Path(torch.hub.get_dir()) / "checkpoints" / FILE


def download(path: Path) -> None:
    """Fetch the file as torch-fidelity does; one process at a time."""
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    before = socket.getdefaulttimeout()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if not path.is_file():
                socket.setdefaulttimeout(PATIENCE_SECONDS)
                torch.hub.download_url_to_file(URL_INCEPTION_V3, str(path), FILE_HASH)
    except (OSError, RuntimeError) as error:
        raise UserError(how_to_get(f"the download failed ({error})")) from error
    finally:
        socket.setdefaulttimeout(before)


def how_to_get(reason: str) -> str:
    """The message for missing weights."""
    return (
        f"metrics with Inception need the file {FILE} ({FILE_BYTES:,} bytes), and {reason}. Get it"
        " from torch-fidelity's release v0.2.0 and put it at"
        f" {downloaded()}, or name it in the environment variable GAN_LAB_INCEPTION or the option"
        " metrics.extractors.inception.path; or choose metrics=classifier or metrics=none"
    )
