"""AdaIN's networks: "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization"
(Huang & Belongie 2017), Sections 5 and 6, on an encoder that learns along with the decoder.

The paper adapts the coarsest map alone. Here a map of each size is adapted, so that edges need not
come back from a coarse one; without halvings there is one map, of the picture's own size.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from gan_lab.networks.pix2pix import PatchDiscriminator


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation over the places of a map: (B, C, H, W) -> (B, C, 1, 1) each."""
    variance, mean = torch.var_mean(x.float(), (2, 3), correction=0, keepdim=True)
    return mean, (variance + 1e-5).sqrt()  # finite slope where a channel is flat


def adapt(content: Tensor, style: Tensor) -> Tensor:
    """sigma(s) (c - mu(c)) / sigma(c) + mu(s), over each channel: Equation 8."""
    (mean_c, deviation_c), (mean_s, deviation_s) = moments(content), moments(style)
    return deviation_s * (content - mean_c) / deviation_c + mean_s


def reflected(inputs: int, outputs: int, side: int = 3) -> nn.Conv2d:
    """A convolution, mirrored at the rim: zeros there would count in the moments."""
    return nn.Conv2d(inputs, outputs, side, padding=side // 2, padding_mode="reflect")


class Joined(nn.Module):
    """A coarse map, doubled, and a fine one, to a fine one, which keeps its edges."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.coarse, self.fine = reflected(coarse, fine), reflected(fine, fine)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        x = interpolate(self.coarse(coarse), scale_factor=2, mode="bilinear")
        return (fine + relu(x + self.fine(fine))) / 2**0.5


class StyleTransferGenerator(nn.Module):
    """Content and style pictures (B, C, H, W) to the content in that style, (B, C, H, W).

    The encoder goes down to the coarsest size and back up, so that fine maps, too, know what lies
    around; the decoder joins the adapted maps. Without norms in either: they would take away the
    moments that are the style. Sides are multiples of 2 ** halvings; content and style may differ
    in size.

    Args:
        shape: (C, H, W) of the pictures.
        width: channels of the finest map; each halving doubles them.
        halvings: of the size, down to the coarsest map (paper: 3); 0 for pictures without texture.
        num_blocks: convolutions at the coarsest size, on either side.
        side: of these convolutions, the first and the last two (paper: 3). With side=1 and
            halvings=0 colours change pixel by pixel: edges stay as sharp as they are.
    """

    def __init__(
        self,
        shape: Sequence[int],
        width: int = 64,
        halvings: int = 2,
        num_blocks: int = 2,
        side: int = 3,
    ) -> None:
        super().__init__()
        if any(pixels % 2**halvings or pixels < 16 for pixels in shape[1:]):
            raise ValueError(
                f"shape={list(shape)}: sides must be multiples of {2**halvings}, 16 at least;"
                " choose another data.resolution, or fewer halvings"
            )
        if side % 2 == 0:
            raise ValueError(f"side={side}: give an odd number of pixels, such as 3")
        self.source_shape = self.shape = tuple(shape)
        self.multiple = 2**halvings  # of the sides that it takes
        widths = [width * 2**level for level in range(halvings + 1)]
        steps, coarsest = list(zip(widths, widths[1:], strict=False)), widths[-1]
        inside = [reflected(coarsest, coarsest, side) for _ in range(2 * num_blocks)]
        self.first = reflected(shape[0], width, side)
        self.down = nn.ModuleList(reflected(fine, coarse) for fine, coarse in steps)
        self.inside = nn.ModuleList(inside[:num_blocks])
        self.rise = nn.ModuleList(Joined(coarse, fine) for fine, coarse in steps)
        self.outside = nn.ModuleList(inside[num_blocks:])
        self.up = nn.ModuleList(Joined(coarse, fine) for fine, coarse in steps)
        self.finish = reflected(width, width, side)
        self.last = reflected(width, shape[0], side)
        for layer in self.modules():  # nothing rescales what passes: it must keep its size
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.last.weight.mul_(0.1)  # grey at first: where tanh is flat nothing is learnt

    def encode(self, images: Tensor) -> list[Tensor]:
        """A map of each size, the finest first."""
        maps = [relu(self.first(images))]
        for layer in self.down:
            maps.append(relu(layer(avg_pool2d(maps[-1], 2))))
        for layer in self.inside:
            maps[-1] = relu(layer(maps[-1]))
        for level in reversed(range(len(self.rise))):
            maps[level] = self.rise[level](maps[level + 1], maps[level])
        return maps

    def decode(self, maps: Sequence[Tensor]) -> Tensor:
        """A map of each size to pictures in [-1, 1]."""
        x = maps[-1]
        for layer in self.outside:
            x = relu(layer(x))
        for level in reversed(range(len(self.up))):
            x = self.up[level](x, maps[level])
        return self.last(relu(self.finish(x))).float().tanh()

    def forward(self, content: Tensor, style: Tensor, strength: float = 1.0) -> Tensor:
        """`strength` 0 gives the content as it is, 1 the whole style (Equation 14)."""
        pairs = zip(self.encode(content), self.encode(style), strict=True)
        return self.decode([torch.lerp(c, adapt(c, s).to(c.dtype), strength) for c, s in pairs])


class StyleDiscriminator(nn.Module):
    """A picture and the style that it should have, (B, C + C, H, W), to logits of patches
    (B, h, w).

    Each patch is told the style as the moments of maps that learn, too: more than the two moments
    of its colours, which leave open which colours there are.

    Args:
        shape: (C, H, W) of the pictures.
        width, halvings: see `PatchDiscriminator`.
        told: maps of the style.
    """

    def __init__(
        self, shape: Sequence[int], width: int = 64, halvings: int = 3, told: int = 16
    ) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(shape[0], told, 3),
            nn.LeakyReLU(0.2),
            nn.Conv2d(told, told, 1),
            nn.LeakyReLU(0.2),
        )
        self.patches = PatchDiscriminator(shape[0] + 2 * told, width, halvings, num_groups=4)

    def forward(self, pair: Tensor) -> Tensor:
        images, style = pair.chunk(2, 1)
        H, W = images.shape[2:]
        told = [m.to(images).expand(-1, -1, H, W) for m in moments(self.look(style))]
        return self.patches(torch.cat([images, *told], 1))
