"""The networks of StyleGAN2: "Analyzing and Improving the Image Quality of StyleGAN" (Karras et al.
2020), with the parameters of its PyTorch implementation, stylegan2-ada-pytorch, one to one."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gan_lab.networks.sizes import halvings
from gan_lab.ops.equalized import SLOPE, EqualizedConv2d, EqualizedLinear, scaled_leaky_relu
from gan_lab.ops.labels import class_weights
from gan_lab.ops.minibatch import minibatch_deviation
from gan_lab.ops.modulated import modulated_conv2d
from gan_lab.ops.resample import downsampling_conv2d, fir, upsample

TAPS = (1.0, 3.0, 3.0, 1.0)


class StyleGAN2Generator(nn.Module):
    """Latents (B, Z), and labels (B,) if `num_classes` is given, to pictures (B, C, H, W).

    Args:
        shape: (C, H, W); a small rectangle times a power of two.
        latent_dim: Z (paper: 512).
        w_dim: features of a mapped latent w (paper: 512).
        width: channels at the full size, doubled at each smaller one (paper: 32 at 1024 pixels).
        max_width: most channels of a layer (paper: 512).
        mapping_depth: layers from z to w (paper: 8).
        num_classes: K.
        w_avg_beta: decay of the average w that truncation draws towards.
        clamp: layers' outputs stay within +-clamp, against overflow in half precision; no bound if
            None. Official weights were trained with 256.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent_dim: int = 512,
        w_dim: int = 512,
        width: int = 32,
        max_width: int = 512,
        mapping_depth: int = 8,
        num_classes: int | None = None,
        w_avg_beta: float = 0.995,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.num_classes = tuple(shape), latent_dim, num_classes
        self.w_dim = w_dim
        self.synthesis = Synthesis(shape, w_dim, width, max_width, clamp)
        self.num_ws, self.num_noise = self.synthesis.num_ws, self.synthesis.num_noise
        self.mapping = Mapping(
            latent_dim, w_dim, self.num_ws, mapping_depth, num_classes, w_avg_beta=w_avg_beta
        )

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        *,
        truncation: float = 1.0,
        noise: Tensor | None = None,
    ) -> Tensor:
        return self.synthesis(self.mapping(z, label, truncation), noise)


class Mapping(nn.Module):
    """z (B, Z) to w, once for each layer that takes one: (B, num_ws, w_dim). Figure 2 of the paper.

    In training it keeps an average w, while `keeps_statistics`.

    Args:
        latent_dim: Z.
        w_dim: features of w, of the layers on the way, and of the embedded label.
        num_ws: how many layers take a w.
        depth: layers.
        num_classes: K.
        lr_multiplier: the mapping learns at this multiple of the optimizer's rate.
        w_avg_beta: decay of the average w, per training step.
    """

    statistics = ("w_avg",)  # moves with the minibatch's mean, while `keeps_statistics`

    def __init__(
        self,
        latent_dim: int,
        w_dim: int,
        num_ws: int,
        depth: int = 8,
        num_classes: int | None = None,
        *,
        lr_multiplier: float = 0.01,
        w_avg_beta: float = 0.995,
    ) -> None:
        super().__init__()
        self.num_ws, self.num_classes, self.w_avg_beta = num_ws, num_classes, w_avg_beta
        self.keeps_statistics = True
        inputs = latent_dim if num_classes is None else latent_dim + w_dim
        if num_classes is not None:
            self.embed = EqualizedLinear(num_classes, w_dim)
        self.layers = perceptron(inputs, w_dim, depth, lr_multiplier)
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor, label: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        with torch.autocast(z.device.type, enabled=False):
            x = normalise(z)
            if self.num_classes is not None:
                embedded = self.embed(class_weights(label, self.num_classes))
                x = torch.cat([x, normalise(embedded)], 1)
            for layer in self.layers:
                x = scaled_leaky_relu(layer(x))
        if self.training and self.keeps_statistics:
            self.w_avg.lerp_(x.detach().mean(0), 1 - self.w_avg_beta)
        if truncation != 1:
            x = self.w_avg.lerp(x, truncation)
        return x[:, None].expand(-1, self.num_ws, -1)


class Synthesis(nn.Module):
    """ws (B, num_ws, w_dim), and noise (B, num_noise), to pictures (B, C, H, W). Figure 7b.

    Without noise each layer takes its constant one. The pictures of all sizes are summed.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        w_dim: int,
        width: int,
        max_width: int = 512,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = [min(width * 2**level, max_width) for level in reversed(range(levels + 1))]
        self.const = nn.Parameter(torch.randn(widths[0], h, w))
        self.blocks = nn.ModuleList(
            SynthesisBlock(
                widths[level - 1] if level else None,
                widths[level],
                (channels, h * 2**level, w * 2**level),
                w_dim,
                clamp,
            )
            for level in range(levels + 1)
        )
        self.num_ws = sum(block.num_layers for block in self.blocks) + 1
        self.noise_sizes = [n for block in self.blocks for n in block.noise_sizes]
        self.num_noise = sum(self.noise_sizes)

    def forward(self, ws: Tensor, noise: Tensor | None = None) -> Tensor:
        maps = None if noise is None else list(noise.split(self.noise_sizes, 1))
        x = self.const.expand(ws.shape[0], -1, -1, -1)
        picture, layer = None, 0
        for block in self.blocks:
            n = block.num_layers
            x, picture = block(
                x, picture, ws[:, layer : layer + n + 1], maps and maps[layer : layer + n]
            )
            layer += n
        return picture


class SynthesisBlock(nn.Module):
    """The layers of one size: features (B, I, H/2, W/2) and a picture of that size to twice both.

    Args:
        inputs: I; None for the first block, which starts at its own size.
        outputs: channels of its layers.
        shape: (C, H, W) of its picture.
        w_dim: features of w.
        clamp: see `StyleGAN2Generator`.
    """

    def __init__(
        self,
        inputs: int | None,
        outputs: int,
        shape: tuple[int, int, int],
        w_dim: int,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        channels, *size = shape
        if inputs is not None:
            self.conv0 = SynthesisLayer(inputs, outputs, size, w_dim, up=2, clamp=clamp)
        self.conv1 = SynthesisLayer(outputs, outputs, size, w_dim, clamp=clamp)
        self.torgb = ToRGB(outputs, channels, w_dim, clamp)
        self.register_buffer("filter", fir(TAPS), persistent=False)
        self.num_layers = 1 if inputs is None else 2
        self.noise_sizes = [math.prod(size)] * self.num_layers

    def forward(
        self, x: Tensor, picture: Tensor | None, ws: Tensor, noise: list[Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        noise = [None] * self.num_layers if noise is None else noise
        if self.num_layers == 2:
            x = self.conv0(x, ws[:, 0], noise[0])
        x = self.conv1(x, ws[:, -2], noise[-1])
        addition = self.torgb(x, ws[:, -1])
        if picture is None:
            return x, addition
        with torch.autocast(x.device.type, enabled=False):  # the sum of all sizes stays float32
            return x, upsample(picture, self.filter) + addition


class SynthesisLayer(nn.Module):
    """A modulated convolution, noise, a bias and leaky ReLU: (B, I, H/up, W/up) to (B, O, H, W)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: tuple[int, int],
        w_dim: int,
        *,
        up: int = 1,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.up, self.clamp = up, clamp
        self.affine = EqualizedLinear(w_dim, inputs, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise", torch.randn(*size))
        self.register_buffer("filter", fir(TAPS), persistent=False)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None = None) -> Tensor:
        noise = self.noise if noise is None else noise.view(-1, 1, *self.noise.shape)
        with torch.autocast(x.device.type, enabled=False):
            styles = self.affine(w)
        x = modulated_conv2d(x, self.weight, styles, up=self.up, filter=self.filter)
        x = x + (noise * self.noise_strength).to(x.dtype)
        x = scaled_leaky_relu(x + self.bias.to(x.dtype)[:, None, None])
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


class ToRGB(nn.Module):
    """Features (B, I, H, W) to an addition to the picture (B, C, H, W) in float32."""

    def __init__(self, inputs: int, channels: int, w_dim: int, clamp: float | None = None) -> None:
        super().__init__()
        self.clamp = clamp
        self.affine = EqualizedLinear(w_dim, inputs, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.gain = 1 / math.sqrt(inputs)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            styles = self.affine(w) * self.gain
        x = modulated_conv2d(x, self.weight, styles, demodulate=False).float()
        x = x + self.bias[:, None, None]
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


class StyleGAN2Discriminator(nn.Module):
    """Pictures (B, C, H, W), and labels (B,) if `num_classes` is given, to logits (B,). Figure 7c.

    Rows see others of their group of the minibatch. A label is mapped to a vector on which the last
    features are projected.

    Args:
        shape: (C, H, W).
        width: channels at the full size, doubled at each smaller one (paper: 32 at 1024 pixels).
        max_width: most channels of a layer (paper: 512).
        num_classes: K.
        mapping_depth: layers from the embedded label to its vector.
        group_size: rows of the minibatch that see each other.
        residual: whether each block has a way around it (not so in the paper's CIFAR-10 setting).
        clamp: as in `StyleGAN2Generator`.
    """

    rows_meet = True

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 32,
        max_width: int = 512,
        num_classes: int | None = None,
        mapping_depth: int = 8,
        group_size: int = 4,
        residual: bool = True,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.num_classes, self.group_size, self.clamp = num_classes, group_size, clamp
        channels, height, width_px = shape
        levels, h, w = halvings(height, width_px)
        widths = [min(width * 2**level, max_width) for level in range(levels + 1)]
        last = widths[-1]
        self.fromrgb = EqualizedConv2d(channels, widths[0], 1)
        self.blocks = nn.ModuleList(
            DiscriminatorBlock(widths[level], widths[level + 1], residual, clamp)
            for level in range(levels)
        )
        self.conv = EqualizedConv2d(last + 1, last, 3)
        self.linear = EqualizedLinear(last * h * w, last)
        self.out = EqualizedLinear(last, 1 if num_classes is None else last)
        if num_classes is not None:
            self.embed = EqualizedLinear(num_classes, last)
            self.mapping = perceptron(last, last, mapping_depth, 0.01)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        x = clamped(scaled_leaky_relu(self.fromrgb(x)), self.clamp)
        for block in self.blocks:
            x = block(x)
        x = minibatch_deviation(x, self.group_size)
        x = clamped(scaled_leaky_relu(self.conv(x)), self.clamp)
        x = self.out(scaled_leaky_relu(self.linear(x.flatten(1)))).float()
        if self.num_classes is None:
            return x.squeeze(1)
        return (x * self.direction(label)).sum(1) / math.sqrt(x.shape[1])

    def direction(self, label: Tensor) -> Tensor:
        """What the last features are projected on for labels (B,): (B, D), float32."""
        with torch.autocast(label.device.type, enabled=False):
            x = normalise(self.embed(class_weights(label, self.num_classes)))
            for layer in self.mapping:
                x = scaled_leaky_relu(layer(x))
        return x


class DiscriminatorBlock(nn.Module):
    """Two convolutions and a way around them: (B, I, H, W) to (B, O, H/2, W/2)."""

    def __init__(
        self, inputs: int, outputs: int, residual: bool = True, clamp: float | None = None
    ) -> None:
        super().__init__()
        self.clamp = clamp
        self.conv0 = EqualizedConv2d(inputs, inputs, 3)
        self.conv1 = DownsamplingConv2d(inputs, outputs, 3)
        self.skip = DownsamplingConv2d(inputs, outputs, 1, bias=False) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(clamped(scaled_leaky_relu(self.conv0(x)), self.clamp))
        if self.skip is None:
            return clamped(scaled_leaky_relu(y), self.clamp)
        gain = math.sqrt(0.5)  # keeps the sum's variance; undoes the activation's sqrt(2)
        return clamped(leaky_relu(y, SLOPE), self.clamp, gain) + gain * self.skip(x)


class DownsamplingConv2d(EqualizedConv2d):
    """An equalised convolution that halves the sides, behind a low-pass filter."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, kernel, bias=bias)
        self.register_buffer("filter", fir(TAPS), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = downsampling_conv2d(x, self.weight * self.gain, self.filter)
        return x if self.bias is None else x + self.bias.to(x.dtype)[:, None, None]


def perceptron(inputs: int, width: int, depth: int, lr_multiplier: float) -> nn.ModuleList:
    """Linear layers, each to be followed by leaky ReLU."""
    return nn.ModuleList(
        EqualizedLinear(width if level else inputs, width, lr_multiplier=lr_multiplier)
        for level in range(depth)
    )


def normalise(x: Tensor) -> Tensor:
    """(B, D) to mean square 1 in each row."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def clamped(x: Tensor, clamp: float | None, gain: float = 1.0) -> Tensor:
    return x if clamp is None else x.clamp(-clamp * gain, clamp * gain)
