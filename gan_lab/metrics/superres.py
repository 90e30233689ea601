"""Figures of super-resolution as its papers have them: PSNR and SSIM of the brightness, without the
border; and a perceptual distance, which sees what those two do not.

"The Perception-Distortion Tradeoff" (Blau & Michaeli 2018): one is bought with the other.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torchmetrics
from torch import Tensor

from gan_lab.errors import UserError
from gan_lab.losses.perceptual import FeatureDistance, WeightedFeatureDistance
from gan_lab.metrics.extractor import weights_fingerprint
from gan_lab.metrics.fidelity import psnr, ssim
from gan_lab.metrics.paired import PairedFormula
from gan_lab.networks.squeezenet import (
    MAPS,
    is_torchvisions,
    pretrained,
    read_tensors,
    weights_file,
)

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule

# LPIPS's linear layers for SqueezeNet, version 0.1: torchmetrics brings them along.
LINEAR = Path(torchmetrics.__file__).parent / "functional/image/lpips_models/squeeze.pth"
LUMA = (65.481, 128.553, 24.966)  # of red, green and blue in [0, 1]; black is 16


def luma(pictures: Tensor) -> Tensor:
    """Y of ITU-R BT.601 in 16..235 like MATLAB's rgb2ycbcr, unrounded: (B, 1, H, W) float64.

    Args:
        pictures: uint8 (B, C, H, W); grey counts as three equal channels.
    """
    pictures = pictures.double().expand(-1, 3, -1, -1) / 255
    weights = torch.tensor(LUMA, dtype=torch.double, device=pictures.device)
    return 16 + torch.einsum("bchw,c->bhw", pictures, weights)[:, None]


class Luma(PairedFormula):
    """A figure of brightness, `scale` pixels of the border left out, as is the habit."""

    lower_is_better = False
    border = 0

    def applies(self, data: "DataModule") -> bool:
        return data.truth == "high"

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        self.border = data.scale

    def parameters(self) -> dict[str, int | float | str]:
        return {"channel": "Y of BT.601, unrounded", "border": self.border}

    def seen(self, pictures: Tensor) -> Tensor:
        """uint8 (B, C, H, W) -> (B, 1, h, w) in 16..235."""
        inside = slice(self.border, -self.border or None)
        return luma(pictures[..., inside, inside])


class LumaPSNR(Luma):
    """Peak signal to noise ratio of the brightness."""

    names = ("psnr_y",)

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        return psnr(self.seen(output), self.seen(truth))[:, None]


class LumaSSIM(Luma):
    """Structural similarity of the brightness."""

    names = ("ssim_y",)

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        return ssim(self.seen(output), self.seen(truth))[:, None]


class PerceptualDistance(PairedFormula):
    """Distance of SqueezeNet's features, all channels alike: not LPIPS, see `FeatureDistance`.

    Args:
        path: the weights; see `gan_lab.networks.squeezenet.pretrained`. Without them the figure is
            left out.
    """

    names = ("perceptual",)
    extractor = "squeezenet"

    def __init__(self, *, path: str | None = None) -> None:
        self.path = path

    def applies(self, data: "DataModule") -> bool:
        return data.truth == "high" and weights_file(self.path).is_file()

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        network = pretrained(self.path)
        self.fingerprint = weights_fingerprint(network.state_dict())
        self.distance = self.make(network).to(device)

    def make(self, network: Callable[[Tensor], list[Tensor]]) -> FeatureDistance:
        """The distance by these features."""
        return FeatureDistance(network)

    @torch.no_grad()
    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        x, y = (pictures.float() / 127.5 - 1 for pictures in (output, truth))
        return self.distance(x, y).double()[:, None]


class FittedPerceptualDistance(PerceptualDistance):
    """The same with a weight for each channel, such as the linear layers of LPIPS.

    Args:
        path: of the network.
        linear: of the linear layers (`lpips_v0.1_squeeze.pth`); null takes torchmetrics' copy.
    """

    names = ("perceptual_fitted",)

    def __init__(self, *, path: str | None = None, linear: str | None = None) -> None:
        super().__init__(path=path)
        self.linear = linear

    def make(self, network: Callable[[Tensor], list[Tensor]]) -> FeatureDistance:
        return WeightedFeatureDistance(network, linear_layers(self.linear))

    def parameters(self) -> dict[str, int | float | str]:
        fitted = {str(level): w for level, w in enumerate(linear_layers(self.linear))}
        return {"linear": weights_fingerprint(fitted)}


class LPIPS(FittedPerceptualDistance):
    """Version 0.1 of Zhang et al. 2018, on SqueezeNet.

    It is left out unless the network is the very one that the linear layers were fitted to,
    torchvision's, which the file's SHA-256 tells.

    Args:
        path: of the network.
    """

    names = ("lpips",)

    def __init__(self, *, path: str | None = None) -> None:
        super().__init__(path=path)

    def applies(self, data: "DataModule") -> bool:
        return super().applies(data) and is_torchvisions(weights_file(self.path))


def linear_layers(path: str | None) -> list[Tensor]:
    """The weights (D,) of each layer in a file of LPIPS: `lin0.model.1.weight` (1, D, 1, 1), ..."""
    file = LINEAR if path is None else Path(path).expanduser()
    if not file.is_file():
        raise UserError(
            f"linear={path}: there is no such file; give LPIPS's lpips_v0.1_squeeze.pth"
        )
    try:
        state = read_tensors(file)
        return [state[f"lin{level}.model.1.weight"].flatten().float() for level in range(len(MAPS))]
    except Exception as error:  # a damaged file fails in a dozen ways
        raise UserError(f"linear={path}: not LPIPS's layers for SqueezeNet ({error})") from error
