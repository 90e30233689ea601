"""SqueezeNet's last features as an extractor: small weights, for pictures without labels.

Its figures are not FID, and their names say so (`fd_squeezenet_10k`).
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gan_lab.media import holds_pictures
from gan_lab.metrics.extractor import Extractor, weights_fingerprint
from gan_lab.networks.squeezenet import pretrained, weights_file

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule


class SqueezeNetFeatures(Extractor):
    """512 features: the mean of the last map of SqueezeNet 1.1.

    Args:
        path: the weights; see `gan_lab.networks.squeezenet.pretrained`.
        side: pixels that pictures are brought to before.
    """

    name = "squeezenet"
    dim = 512

    def __init__(self, *, path: str | None = None, side: int = 128) -> None:
        if side < 32:
            raise ValueError(f"side={side}: SqueezeNet needs at least 32 pixels")
        self.path, self.side = path, side
        self.resize = f"bilinear to {side} x {side}, antialiased; grey repeated, alpha dropped"

    def unsuited(self, data: "DataModule") -> str | None:
        if not holds_pictures(data):
            return f"{data.name} holds no pictures: choose metrics=auto, which takes what suits"
        if data.shape[0] == 2:
            return f"{data.name} has 2 channels; metrics=squeezenet takes 1, 3 or more"
        return None

    def at_hand(self) -> bool:
        return weights_file(self.path).is_file()

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        network = pretrained(self.path)
        self.fingerprint = weights_fingerprint(network.state_dict())
        self.network = network.to(device, memory_format=torch.channels_last)

    def __call__(self, images: Tensor) -> tuple[Tensor, None]:
        C = images.shape[1]
        images = images[:, :3] if C >= 3 else images[:, :1].expand(-1, 3, -1, -1)
        size = (self.side, self.side)
        images = images.float() / 127.5 - 1
        if images.shape[-2:] != size:
            images = interpolate(images, size, mode="bilinear", antialias=True)
        images = images.contiguous(memory_format=torch.channels_last)
        return self.network(images)[-1].mean((2, 3)), None
