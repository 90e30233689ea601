"""ESRGAN's generator: "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks" (Wang et
al. 2018), Section 3.1; and the discriminator of "Real-ESRGAN: Training Real-World Blind
Super-Resolution with Pure Synthetic Data" (Wang et al. 2021), Section 3.3.

As in SRResNet here, what is learnt is added to the low resolution, enlarged bicubically.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu
from torch.nn.utils.parametrizations import spectral_norm

from gan_lab.networks.srgan import doublings, start_near_nothing, widened

SHARE = 0.2  # of a block's output that is added to its input (beta, Section 3.1)


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees the outputs of all before it.

    Args:
        width: channels in and out.
        growth: channels that each convolution but the last adds.
    """

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(width + n * growth, growth if n < 4 else width, 3, 1, 1) for n in range(5)
        )
        with torch.no_grad():
            for layer in self.layers:  # residual blocks learn better from small weights
                nn.init.kaiming_normal_(layer.weight).mul_(0.1)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        seen = x
        for layer in self.layers[:-1]:
            seen = torch.cat([seen, leaky_relu(layer(seen), 0.2)], 1)
        return x + SHARE * self.layers[-1](seen)


class ResidualInResidual(nn.Module):
    """RRDB, Figure 4: three dense blocks, and a way around them."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(DenseBlock(width, growth) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        return x + SHARE * self.blocks(x)


class RRDBNet(nn.Module):
    """Low resolutions (B, C, h, w) in [-1, 1] of any size to high ones (B, C, h * s, w * s).

    Args:
        source_shape: (C, h, w) that it is trained on.
        shape: (C, H, W) of what it then makes.
        scale: s, a power of 2.
        width: channels inside (paper: 64).
        num_blocks: RRDBs (paper: 23).
        growth: channels that a convolution adds in a dense block (paper: 32); null means half of
            `width`.
    """

    def __init__(
        self,
        source_shape: Sequence[int],
        shape: Sequence[int],
        scale: int = 4,
        width: int = 64,
        num_blocks: int = 23,
        growth: int | None = None,
    ) -> None:
        super().__init__()
        self.source_shape, self.shape, self.scale = tuple(source_shape), tuple(shape), scale
        growth = max(1, width // 2) if growth is None else growth
        times = doublings(scale)
        self.reach = 15 * num_blocks + 2 + times + 1  # pixels to each side, of low resolution
        self.first = nn.Conv2d(source_shape[0], width, 3, 1, 1)
        self.body = nn.Sequential(
            *(ResidualInResidual(width, growth) for _ in range(num_blocks)),
            nn.Conv2d(width, width, 3, 1, 1),
        )
        self.grow = nn.ModuleList(nn.Conv2d(width, width, 3, 1, 1) for _ in range(times))
        self.fine = nn.Conv2d(width, width, 3, 1, 1)
        self.last = start_near_nothing(nn.Conv2d(width, shape[0], 3, 1, 1))

    def forward(self, low: Tensor) -> Tensor:
        x = self.first(low)
        x = x + self.body(x)
        for layer in self.grow:
            x = leaky_relu(layer(interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        x = self.last(leaky_relu(self.fine(x), 0.2))
        return x.float() + widened(low.float(), self.scale)


class UNetDiscriminator(nn.Module):
    """Pictures (B, C, H, W) to logits (B, H, W), one for each pixel; spectral norm throughout.

    Args:
        shape: (C, H, W) of the pictures; 8 divides both sides.
        width: channels after the first layer (paper: 64); they double with each of 3 halvings.
    """

    def __init__(self, shape: Sequence[int], width: int = 64) -> None:
        super().__init__()
        if shape[1] % 8 or shape[2] % 8:
            raise ValueError(
                f"pictures of {shape[1]}x{shape[2]} pixels: this discriminator halves them three"
                " times; take a data.crop that is a multiple of 8"
            )
        widths = [width * 2**level for level in range(4)]

        def layer(inputs: int, outputs: int, side: int, stride: int) -> nn.Module:
            return spectral_norm(nn.Conv2d(inputs, outputs, side, stride, 1, bias=False))

        self.first = nn.Conv2d(shape[0], width, 3, 1, 1)
        self.down = nn.ModuleList(layer(widths[n], widths[n + 1], 4, 2) for n in range(3))
        self.up = nn.ModuleList(layer(widths[n + 1], widths[n], 3, 1) for n in reversed(range(3)))
        self.fine = nn.ModuleList(layer(width, width, 3, 1) for _ in range(2))
        self.last = nn.Conv2d(width, 1, 3, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        x = leaky_relu(self.first(images), 0.2)
        passed = []
        for down in self.down:
            passed.append(x)
            x = leaky_relu(down(x), 0.2)
        for up in self.up:
            x = interpolate(x, scale_factor=2, mode="bilinear")
            x = leaky_relu(up(x), 0.2) + passed.pop()
        for fine in self.fine:
            x = leaky_relu(fine(x), 0.2)
        return self.last(x).float().squeeze(1)
