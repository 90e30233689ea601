"""pix2pix's players: "Image-to-Image Translation with Conditional Adversarial Networks" (Isola et
al. 2017), Section 6.1: a U-Net and a discriminator of patches.

Normalisation is over each picture by itself, as the paper's batch norm does with its minibatches of
one. Over each channel by itself, as there, it takes away what a whole picture has in common, such
as the colour that a form calls for; over groups of channels that stays.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu


def start_small(network: nn.Module) -> None:
    """Draw a convolution's first weights from N(0, 0.02^2), biases 0 (Section 6.2)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def halvings(size: Sequence[int], most: int) -> int:
    """How often both sides can be halved, at most `most` times."""
    count = 0
    while count < most and all(side % 2 ** (count + 1) == 0 for side in size):
        count += 1
    return count


def norm(channels: int, num_groups: int | None) -> nn.Module:
    """A norm over each picture and `num_groups` groups of channels; None for each by itself."""
    return nn.InstanceNorm2d(channels) if num_groups is None else nn.GroupNorm(num_groups, channels)


class UNet(nn.Module):
    """Pictures (B, C, H, W) to pictures (B, *shape) in [-1, 1], each size joined to its mirror.

    C64-C128-C256-C512-..., each halving the size, and back; dropout in the innermost three layers
    of the way back is the paper's only noise, and rests when samples are drawn.

    Args:
        source_shape: (C, H, W) of the inputs.
        shape: (C, H, W) of the outputs.
        width: channels after the first layer (paper: 64); at most 8 times as many inside.
        depth: halvings (paper: 8, down to one pixel); null takes as many as the sides allow.
        dropout: share of the numbers that are left out (paper: 0.5).
        num_groups: of channels that are normalised together; None for each by itself (paper).
    """

    def __init__(
        self,
        source_shape: Sequence[int],
        shape: Sequence[int],
        width: int = 64,
        depth: int | None = None,
        dropout: float = 0.5,
        num_groups: int | None = None,
    ) -> None:
        super().__init__()
        self.source_shape, self.shape = tuple(source_shape), tuple(shape)
        possible = halvings(shape[1:], 8)
        depth = possible if depth is None else depth
        if not 2 <= depth <= possible:
            raise ValueError(
                f"depth={depth}: sides of {shape[1]} and {shape[2]} pixels can be halved {possible}"
                " times; take a data.resolution that is a multiple of 2 ** depth, 4 at least"
            )
        widths = [min(2**level, 8) * width for level in range(depth)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, (inputs, outputs) in enumerate(
            zip([source_shape[0], *widths], widths, strict=False)
        ):
            # A picture of one pixel has no spread to divide by, the first layer none to lose.
            innermost = all(side >> (level + 1) == 1 for side in shape[1:])
            convolution = nn.Conv2d(inputs, outputs, 4, 2, 1)
            if level == 0 or innermost:
                self.down.append(convolution)
            else:
                self.down.append(nn.Sequential(convolution, norm(outputs, num_groups)))
        for level in reversed(range(depth)):
            inputs = widths[level] * (1 if level == depth - 1 else 2)
            outputs = widths[level - 1] if level > 0 else shape[0]
            layers: list[nn.Module] = [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)]
            if level > 0:
                layers.append(nn.InstanceNorm2d(outputs))
            if level > 0 and depth - 4 <= level < depth - 1:
                layers.append(nn.Dropout(dropout))
            self.up.append(nn.Sequential(*layers))
        start_small(self)

    def forward(self, source: Tensor) -> Tensor:
        x, passed = source, []
        for level, layer in enumerate(self.down):
            x = layer(x if level == 0 else leaky_relu(x, 0.2))
            passed.append(x)
        x = passed.pop()
        for level, layer in enumerate(self.up):
            x = layer(relu(x if level == 0 else torch.cat([x, passed.pop()], 1)))
        return x.float().tanh()


class PatchDiscriminator(nn.Module):
    """Pictures (B, C, H, W) to logits (B, h, w), each of which sees one patch.

    With three halvings, C64-C128-C256-C512 and a last layer, a patch has 70x70 pixels; with two
    34x34, with one 16x16.

    Args:
        channels: C of what it sees.
        width: channels after the first layer (paper: 64).
        halvings: layers of stride 2 (paper: 3).
        num_groups: see `UNet`.
    """

    def __init__(
        self, channels: int, width: int = 64, halvings: int = 3, num_groups: int | None = None
    ) -> None:
        super().__init__()
        widths = [width * min(2**level, 8) for level in range(halvings + 1)]
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for level, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
            stride = 2 if level < halvings - 1 else 1
            layers += [
                nn.Conv2d(inputs, outputs, 4, stride, 1),
                norm(outputs, num_groups),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1))
        start_small(self)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).float().squeeze(1)


def pair_discriminator(
    source_shape: Sequence[int],
    shape: Sequence[int],
    width: int = 64,
    halvings: int = 3,
    num_groups: int | None = None,
) -> PatchDiscriminator:
    """A discriminator of source and target, one upon the other: (B, C + C, H, W)."""
    return PatchDiscriminator(source_shape[0] + shape[0], width, halvings, num_groups)
