"""The networks of Progressive GAN: "Progressive Growing of GANs for Improved Quality, Stability,
and Variation" (Karras et al. 2018), Sections 2 to 4 and Table 2."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu, pad

from gan_lab.networks.growth import Growing, doubled, halved
from gan_lab.ops.equalized import SLOPE, EqualizedConv2d, EqualizedLinear
from gan_lab.ops.minibatch import minibatch_deviation


class ProgressiveGenerator(Growing):
    """Latents (B, Z) to pictures (B, C, H, W), of which the smallest size is learned first.

    Args:
        shape: (C, H, W); a small rectangle times a power of two.
        latent_dim: Z (paper: 512).
        width: channels at the full size, doubled at each smaller one (paper: 16 at 1024 pixels,
            128 at CIFAR-10's 32).
        max_width: most channels of a layer (paper: 512; CIFAR-10: 128).
    """

    num_classes = None

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent_dim: int = 512,
        width: int = 16,
        max_width: int = 512,
    ) -> None:
        super().__init__(shape)
        self.latent_dim = latent_dim
        widths, (h, w) = self.channels(width, max_width), self.smallest
        self.start = nn.Sequential(
            PixelNorm(),
            rectified(EqualizedLinear(latent_dim, widths[0] * h * w, bias=False), 1 / 4),
            nn.Unflatten(1, (widths[0], h, w)),
            Bias(widths[0]),
            nn.LeakyReLU(SLOPE),
            PixelNorm(),
            *self.layer(EqualizedConv2d(widths[0], widths[0], 3)),
        )
        self.blocks = nn.ModuleList(  # blocks[n] leads from level n to level n + 1
            nn.Sequential(
                *self.layer(UpsamplingConv2d(inputs, outputs)),
                *self.layer(EqualizedConv2d(outputs, outputs, 3)),
            )
            for inputs, outputs in zip(widths, widths[1:], strict=False)
        )
        self.to_rgb = nn.ModuleList(EqualizedConv2d(n, shape[0], 1) for n in widths)

    @staticmethod
    def layer(convolution: EqualizedConv2d) -> tuple[nn.Module, ...]:
        return rectified(convolution), nn.LeakyReLU(SLOPE), PixelNorm()

    def forward(self, z: Tensor) -> Tensor:
        x = below = self.start(z)
        for block in self.blocks[: self.top]:
            x, below = block(x), x
        picture = self.to_rgb[self.top](x)
        if self.fading:
            picture = self.blend(doubled(self.to_rgb[self.top - 1](below)), picture)
        return self.enlarged(picture)


class ProgressiveDiscriminator(Growing):
    """Pictures (B, C, H, W) to logits (B,), judged at the size that has been reached.

    Rows of a minibatch see each other, in groups.

    Args:
        shape: (C, H, W).
        width: channels at the full size, doubled at each smaller one.
        max_width: most channels of a layer.
        group_size: neighbouring rows whose deviation from each other is a feature.
    """

    num_classes = None
    rows_meet = True

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 16,
        max_width: int = 512,
        group_size: int = 4,
    ) -> None:
        super().__init__(shape)
        self.group_size = group_size
        widths, (h, w) = self.channels(width, max_width), self.smallest
        self.from_rgb = nn.ModuleList(
            nn.Sequential(rectified(EqualizedConv2d(shape[0], n, 1)), nn.LeakyReLU(SLOPE))
            for n in widths
        )
        self.blocks = nn.ModuleList(  # blocks[n] leads from level n + 1 to level n
            self.block(inputs, outputs) for outputs, inputs in zip(widths, widths[1:], strict=False)
        )
        self.convolution = rectified(EqualizedConv2d(widths[0] + 1, widths[0], 3))
        self.dense = rectified(EqualizedLinear(widths[0] * h * w, widths[0]))
        self.end = EqualizedLinear(widths[0], 1)

    def block(self, inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(
            rectified(EqualizedConv2d(inputs, inputs, 3)),
            nn.LeakyReLU(SLOPE),
            rectified(DownsamplingConv2d(inputs, outputs)),
            nn.LeakyReLU(SLOPE),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.features(x)).squeeze(1).float()

    def features(self, images: Tensor) -> Tensor:
        """Pictures (B, C, H, W) to what the last layer sees, (B, D)."""
        images = self.reduced(images)
        x = self.from_rgb[self.top](images)
        if self.fading:
            below = self.from_rgb[self.top - 1](halved(images))
            x = self.blend(below, self.blocks[self.top - 1](x))
        for block in reversed(self.blocks[: self.top - self.fading]):
            x = block(x)
        x = minibatch_deviation(x, self.group_size)
        x = leaky_relu(self.convolution(x), SLOPE)
        return leaky_relu(self.dense(x.flatten(1)), SLOPE)


class UpsamplingConv2d(EqualizedConv2d):
    """A 3x3 convolution of the picture with each pixel doubled: (B, I, H, W) to (B, O, 2 H, 2 W).

    One transposed convolution of 4x4, as in the reference implementation: fewer products.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 3, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        kernel = two_by_two(self.weight * self.gain).flip(2, 3).transpose(0, 1)
        return conv_transpose2d(x, kernel, self.bias, stride=2, padding=1)


class DownsamplingConv2d(EqualizedConv2d):
    """A 3x3 convolution, of which the mean of 2x2 pixels is left: to (B, O, H / 2, W / 2).

    One convolution of 4x4. A non-linearity can only follow the mean, then, as in the reference
    implementation; Table 2 has it before.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 3, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        kernel = two_by_two(self.weight * (self.gain / 4))
        return conv2d(x, kernel, self.bias, stride=2, padding=1)


def two_by_two(weight: Tensor) -> Tensor:
    """Kernels (O, I, k, k) that add up what the given ones see at 2x2 neighbours: k + 1 wide."""
    w = pad(weight, (1, 1, 1, 1))
    w = w[..., 1:, :] + w[..., :-1, :]
    return w[..., 1:] + w[..., :-1]


def rectified(layer: nn.Module, factor: float = 1.0) -> nn.Module:
    """The equalised layer with He's gain for a (leaky) ReLU after it, times `factor`."""
    layer.gain *= math.sqrt(2) * factor
    return layer


def pixel_norm(x: Tensor) -> Tensor:
    """Features (B, C, ...) of each pixel scaled to mean square 1 (Section 4.2)."""
    mean_square = x.float().square().mean(1, keepdim=True)
    return x * (mean_square + 1e-8).rsqrt().to(x.dtype)


class PixelNorm(nn.Module):
    """See `pixel_norm`."""

    def forward(self, x: Tensor) -> Tensor:
        return pixel_norm(x)


class Bias(nn.Module):
    """Adds a number to each channel, 0 at first: (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias[:, None, None]
