"""AdaIN's networks: "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization"
(Huang & Belongie 2017), Sections 5 and 6, on an encoder that learns along with the decoder."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from gan_lab.networks.cut import Double, Halve
from gan_lab.networks.pix2pix import PatchDiscriminator


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation over the places of a map: (B, C, H, W) -> (B, C, 1, 1) each."""
    variance, mean = torch.var_mean(x.float(), (2, 3), correction=0, keepdim=True)
    return mean, (variance + 1e-5).sqrt()  # finite slope where a channel is flat


def adapt(content: Tensor, style: Tensor) -> Tensor:
    """sigma(s) (c - mu(c)) / sigma(c) + mu(s), over each channel: Equation 8."""
    (mean_c, deviation_c), (mean_s, deviation_s) = moments(content), moments(style)
    return deviation_s * (content - mean_c) / deviation_c + mean_s


def reflected(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution; a rim of zeros would count in the moments."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


class StyleTransferGenerator(nn.Module):
    """Content and style pictures (B, C, H, W) to the content in that style, (B, C, H, W).

    Without norms in encoder and decoder: they would take away the moments that are the style. Sides
    are multiples of 2 ** halvings; content and style may differ in size.

    Args:
        shape: (C, H, W) of the pictures.
        width: channels after the first layer; each halving doubles them.
        halvings: of the size, on the way to the map whose moments are the style (paper: 3).
        num_blocks: 3x3 convolutions at the coarsest size, on either side.
    """

    def __init__(
        self, shape: Sequence[int], width: int = 64, halvings: int = 2, num_blocks: int = 2
    ) -> None:
        super().__init__()
        if any(side % 2**halvings or side < 16 for side in shape[1:]):
            raise ValueError(
                f"shape={list(shape)}: sides must be multiples of {2**halvings}, 16 at least;"
                " choose another data.resolution, or fewer halvings"
            )
        self.source_shape = self.shape = tuple(shape)
        widths = [width * 2**level for level in range(halvings + 1)]
        steps = list(zip(widths, widths[1:], strict=False))
        inside = [reflected(widths[-1], widths[-1]) for _ in range(2 * num_blocks)]
        down = [Halve(inputs, outputs) for inputs, outputs in steps]
        up = [Double(outputs, inputs) for inputs, outputs in reversed(steps)]
        self.encoder = nn.ModuleList([reflected(shape[0], width), *down, *inside[:num_blocks]])
        self.decoder = nn.ModuleList([*inside[num_blocks:], *up])
        self.last = reflected(width, shape[0])
        for layer in self.modules():  # nothing rescales what passes: it must keep its size
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def encode(self, images: Tensor) -> list[Tensor]:
        """Every map of the encoder, the finest first."""
        maps = []
        for layer in self.encoder:
            images = relu(layer(images))
            maps.append(images)
        return maps

    def decode(self, x: Tensor) -> Tensor:
        """A map of the coarsest size to pictures in [-1, 1]."""
        for layer in self.decoder:
            x = relu(layer(x))
        return self.last(x).float().tanh()

    def forward(self, content: Tensor, style: Tensor, strength: float = 1.0) -> Tensor:
        """`strength` 0 gives the content as it is, 1 the whole style (Equation 14)."""
        c = self.encode(content)[-1]
        return self.decode(torch.lerp(c, adapt(c, self.encode(style)[-1]).to(c.dtype), strength))


def style_discriminator(
    shape: Sequence[int], width: int = 64, halvings: int = 3
) -> PatchDiscriminator:
    """A discriminator of patches that sees a style's two moments, too: (B, 3 C, H, W)."""
    return PatchDiscriminator(3 * shape[0], width, halvings, num_groups=4)
