"""VGG-19: "Very Deep Convolutional Networks for Large-Scale Image Recognition" (Simonyan and
Zisserman 2015), its features without the classifier, in torchvision's names.

Weights come from a file: torchvision's, or any with the same names, as .pth, .npz or .safetensors.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from gan_lab.errors import UserError
from gan_lab.networks.squeezenet import DEVIATION, MEAN, read_tensors

FILE = "vgg19-dcbb9e9d.pth"  # torchvision's
VARIABLE = "GAN_LAB_VGG19"
LEVELS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # channels and convolutions
# phi_{5,4} of Ledig et al. 2017, the fourth convolution of the fifth level; the last of all.
LAST = "5_4"


def layer_names() -> list[str | None]:
    """Which convolution each layer of `features` is, such as 5_4; None for the others."""
    names: list[str | None] = []
    for level, (_, count) in enumerate(LEVELS, 1):
        for number in range(1, count + 1):
            names += [f"{level}_{number}", None]  # and ReLU
        names.append(None)  # pooling
    return names


class VGG19(nn.Module):
    """Pictures (B, 3, H, W) in [-1, 1] to maps of features, before activation.

    Random weights until a state is loaded.

    Args:
        layers: convolutions to look at, such as 5_4 (Ledig et al. 2017, Wang et al. 2018), or 1_2,
            2_2, 3_4, 4_4 and 5_4 (Wang et al. 2021).
    """

    def __init__(self, layers: Sequence[str] = (LAST,)) -> None:
        super().__init__()
        names = layer_names()
        unknown = sorted(set(layers) - set(names))
        if unknown or not layers:
            raise ValueError(
                f"layers={', '.join(layers) or 'none'}: choose of "
                + ", ".join(name for name in names if name)
            )
        modules: list[nn.Module] = []
        inputs = 3
        for channels, count in LEVELS:
            for _ in range(count):
                modules += [nn.Conv2d(inputs, channels, 3, padding=1), nn.ReLU()]
                inputs = channels
            modules.append(nn.MaxPool2d(2))
        self.wanted = [index for index, name in enumerate(names) if name in layers]
        self.features = nn.Sequential(*modules[: self.wanted[-1] + 1])
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        x = ((images + 1) / 2 - self.mean) / self.deviation
        maps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.wanted:
                maps.append(x)
        return maps


def pretrained(path: str | None = None, layers: Sequence[str] = (LAST,)) -> VGG19:
    """The network with weights from a file, frozen; nothing in the file is executed.

    Args:
        path: .pth, .npz or .safetensors in torchvision's names; null looks in the environment
            variable GAN_LAB_VGG19, then for torchvision's file in torch's cache.
        layers: see `VGG19`.
    """
    with torch.random.fork_rng(devices=[]):  # first weights must not move the caller's draws
        network = VGG19(layers)
    file = weights_file(path)
    if not file.is_file():
        raise UserError(how_to_get(f"{file} does not exist"))
    try:
        state = read_tensors(file)
    except Exception as error:  # a damaged file fails in a dozen ways
        raise UserError(how_to_get(f"{file} cannot be read ({error})")) from error
    expected = network.state_dict()
    for name, weight in expected.items():
        if getattr(state.get(name), "shape", None) != weight.shape:
            raise UserError(how_to_get(f"{file} has no {name} of shape {tuple(weight.shape)}"))
    network.load_state_dict({name: state[name].float() for name in expected})
    return network.requires_grad_(False).eval()


def weights_file(path: str | None) -> Path:
    """The file of weights that `path` (or its absence) means; it may not exist."""
    given = path or os.environ.get(VARIABLE)
    if given is not None:
        return Path(given).expanduser()
    return Path(torch.hub.get_dir()) / "checkpoints" / FILE


def how_to_get(reason: str) -> str:
    """The message for missing weights."""
    return (
        f"VGG-19's weights are needed, and {reason}. Get torchvision's {FILE} (575 MB), or a .npz"
        " or .safetensors with its names, and give its path: option `path`, or the environment"
        f" variable {VARIABLE}"
    )
