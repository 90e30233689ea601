"""SqueezeNet 1.1: "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model
size" (Iandola et al. 2016), its features without the classifier: a perceptual network of 722,496
weights, in torchvision's names.

Weights come from a file: torchvision's, or any with the same names, as .pth, .npz or .safetensors.
"""

import hashlib
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from gan_lab.errors import UserError

FILE = "squeezenet1_1-b8a52dc0.pth"  # torchvision's
VARIABLE = "GAN_LAB_SQUEEZENET"
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of [0, 1]
SMALLEST = 32  # pixels of a side that are left 1 after all the halvings
MAPS = (1, 4, 7, 9, 10, 11, 12)  # the layers that are looked at, as LPIPS does


class Fire(nn.Module):
    """Squeeze by a 1x1 convolution, expand by a 1x1 and a 3x3 side by side (Figure 1)."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = relu(self.squeeze(x))
        return relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], 1))


class SqueezeNet(nn.Module):
    """Pictures (B, 3, H, W) in [-1, 1] to seven maps of features, the finest first.

    Of 64, 128, 256, 384, 384, 512 and 512 channels, at 1/2, 1/4, 1/8 and four times at 1/16 of the
    size. Sides below 32 pixels are enlarged first. Random weights until a state is loaded.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(64, 16, 64),
            Fire(128, 16, 64),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(128, 32, 128),
            Fire(256, 32, 128),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            Fire(512, 64, 256),
        )
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        side = min(images.shape[-2:])
        if side < SMALLEST:
            images = interpolate(images, scale_factor=-(-SMALLEST // side), mode="bilinear")
        x = ((images + 1) / 2 - self.mean) / self.deviation
        maps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in MAPS:
                maps.append(x)
        return maps


def pretrained(path: str | None = None) -> SqueezeNet:
    """The network with weights from a file, frozen.

    Args:
        path: .pth, .npz or .safetensors in torchvision's names; null looks in the environment
            variable GAN_LAB_SQUEEZENET, then for torchvision's file in torch's cache.
    """
    with torch.random.fork_rng(devices=[]):  # first weights must not move the caller's draws
        network = SqueezeNet()
    network.load_state_dict(read_weights(weights_file(path)))
    return network.requires_grad_(False).eval()


def weights_file(path: str | None) -> Path:
    """The file of weights that `path` (or its absence) means; it may not exist."""
    given = path or os.environ.get(VARIABLE)
    if given is not None:
        return Path(given).expanduser()
    return Path(torch.hub.get_dir()) / "checkpoints" / FILE


def is_torchvisions(path: Path) -> bool:
    """Whether a file is torchvision's own, whose name ends with the beginning of its SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(FILE[-12:-4])


def read_weights(path: Path) -> dict[str, Tensor]:
    """The 50 tensors of the features in a file of weights; a classifier's are left aside.

    Raises:
        UserError: there is no such file, or not such weights in it.
    """
    if not path.is_file():
        raise UserError(how_to_get(f"{path} does not exist"))
    try:
        state = read_tensors(path)
    except Exception as error:  # a damaged file fails in a dozen ways
        raise UserError(how_to_get(f"{path} cannot be read ({error})")) from error
    with torch.device("meta"):
        expected = {name: w.shape for name, w in SqueezeNet().state_dict().items()}
    wrong = [
        name for name, shape in expected.items() if getattr(state.get(name), "shape", 0) != shape
    ]
    if wrong:
        raise UserError(
            how_to_get(f"{path} has no {wrong[0]} of shape {tuple(expected[wrong[0]])}")
        )
    return {name: state[name].float() for name in expected}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Name -> tensor of a .npz, .safetensors or PyTorch file; nothing in it is executed."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays}
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def how_to_get(reason: str) -> str:
    """The message for missing weights."""
    return (
        f"SqueezeNet's weights are needed, and {reason}. Get torchvision's {FILE} (5 MB), or a .npz"
        f" or .safetensors with its names, and give its path: option `path`, or the environment"
        f" variable {VARIABLE}"
    )
