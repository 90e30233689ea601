"""The generator of StyleGAN3: "Alias-Free Generative Adversarial Networks" (Karras et al. 2021),
Section 3 and Appendix F.

Every layer treats its pixels as samples of a continuous signal whose frequencies they can hold.
Weights mean what they mean in the reference implementation. The discriminator is StyleGAN2's.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gan_lab.networks.stylegan2 import Mapping
from gan_lab.ops.equalized import EqualizedLinear
from gan_lab.ops.filtered import Kaiser, filtered_leaky_relu
from gan_lab.ops.modulated import modulated_conv2d

# (taps, cutoff, half width, sampling rate) -> filter
Lowpass = Callable[[int, float, float, float], Tensor]


@dataclass(frozen=True)
class Signal:
    """What one layer hands to the next; rates and frequencies in cycles per picture.

    Attributes:
        channels: C.
        size: pixels of a side, with the margin.
        sampling_rate: s, pixels of a side without the margin.
        cutoff: f_c.
        half_width: f_h, of the band in which the signal's spectrum falls.
    """

    channels: int
    size: int
    sampling_rate: int
    cutoff: float
    half_width: float


class StyleGAN3Generator(nn.Module):
    """Latents (B, Z), and labels (B,) if `num_classes` is given, to pictures (B, C, H, W).

    The defaults make configuration T. Configuration R has `width` 1024, `kernel` 1 and
    `lowpass` `Jinc()`.

    Args:
        shape: (C, H, W), a square with a power of two from 16 as its side.
        latent_dim: Z.
        w_dim: D, of the mapped latent.
        width: most channels of a layer.
        num_classes: K.
        full_cutoff: signals of larger f_c have only width * full_cutoff / f_c channels.
        num_layers: N, besides Fourier features and the layer to colours.
        num_critical: so many last layers use the whole band that their pixels can hold.
        kernel: of the convolutions.
        lowpass: filter before reducing the rate, other than in the critical layers.
        margin: pixels around the picture that layers compute too.
        num_taps: n, of each filter, relative to the lower of its two rates.
        oversampling: m, of the non-linearities.
        first_cutoff: f_c of the first layer.
        first_stopband: least f_t of the first layer.
        last_stopband: least f_t of the last layer, relative to its cutoff.
        mapping_depth: layers from z to w.
        w_avg_beta: decay of the mean w for each minibatch.
        magnitude_beta: decay of the mean square of each layer's input for each minibatch.
        clamp: largest magnitude inside, against overflow in half precision; None for no limit.
        output_scale: factor on the picture.
    """

    num_noise = 0

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent_dim: int = 512,
        w_dim: int = 512,
        width: int = 512,
        num_classes: int | None = None,
        *,
        full_cutoff: float = 32.0,
        num_layers: int = 14,
        num_critical: int = 2,
        kernel: int = 3,
        lowpass: Lowpass | None = None,
        margin: int = 10,
        num_taps: int = 6,
        oversampling: int = 2,
        first_cutoff: float = 2.0,
        first_stopband: float = 2**2.1,
        last_stopband: float = 2**0.3,
        mapping_depth: int = 2,
        w_avg_beta: float = 0.998,
        magnitude_beta: float = 0.999,
        clamp: float | None = 256.0,
        output_scale: float = 0.25,
    ) -> None:
        super().__init__()
        channels, height, width_px = shape
        if height != width_px or height < 16 or height & (height - 1):
            raise ValueError(
                f"data.resolution={height}x{width_px}: StyleGAN3 makes squares with a power of two"
                " from 16 as their side; choose such as 32 or 256"
            )
        if not 0 <= num_critical < num_layers:
            raise ValueError(
                f"num_layers={num_layers} must exceed num_critical={num_critical}, which must not"
                " be negative; give more layers or fewer critical ones"
            )
        self.shape, self.latent_dim, self.num_classes = tuple(shape), latent_dim, num_classes
        self.w_dim, self.num_ws = w_dim, num_layers + 2
        signals = plan(
            height,
            channels,
            width,
            full_cutoff,
            num_layers,
            num_critical,
            margin,
            first_cutoff,
            first_stopband,
            last_stopband,
        )
        input = FourierFeatures(w_dim, signals[0])
        befores = [signals[0], *signals[:-1]]
        lowpasses = [lowpass or Kaiser()] * (num_layers - num_critical) + [Kaiser()] * num_critical
        layers = [
            Layer(
                w_dim,
                before,
                after,
                lowpass=lowpass,
                kernel=kernel,
                num_taps=num_taps,
                oversampling=oversampling,
                clamp=clamp,
                magnitude_beta=magnitude_beta,
            )
            for before, after, lowpass in zip(befores[:-1], signals[:-1], lowpasses, strict=True)
        ]
        to_colours = ToColours(w_dim, signals[-2].channels, channels, clamp, magnitude_beta)
        self.synthesis = Synthesis(input, [*layers, to_colours], output_scale)
        self.mapping = Mapping(
            latent_dim, w_dim, self.num_ws, mapping_depth, num_classes, w_avg_beta=w_avg_beta
        )

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        *,
        truncation: float = 1.0,
        noise: None = None,
        transform: Tensor | None = None,
    ) -> Tensor:
        """See `Mapping` and `Synthesis`."""
        return self.synthesis(self.mapping(z, label, truncation), noise, transform=transform)


def plan(
    resolution: int,
    channels: int,
    width: int,
    full_cutoff: float,
    num_layers: int,
    num_critical: int,
    margin: int,
    first_cutoff: float,
    first_stopband: float,
    last_stopband: float,
) -> list[Signal]:
    """What the layers hand on, the picture last: Section 3.2, "Flexible layer specifications"."""
    last_cutoff = resolution / 2
    progress = np.minimum(np.arange(num_layers + 1) / (num_layers - num_critical), 1)
    cutoffs = first_cutoff * (last_cutoff / first_cutoff) ** progress
    stopbands = first_stopband * (last_cutoff * last_stopband / first_stopband) ** progress
    rates = np.exp2(np.ceil(np.log2(np.minimum(2 * stopbands, resolution))))
    half_widths = np.maximum(stopbands, rates / 2) - cutoffs
    sizes = rates + 2 * margin
    sizes[-2:] = resolution
    widths = np.rint(np.minimum(full_cutoff * width / cutoffs, width)).clip(min=1)
    widths[-1] = channels
    return [
        Signal(int(C), int(size), int(rate), float(cutoff), float(half_width))
        for C, size, rate, cutoff, half_width in zip(
            widths, sizes, rates, cutoffs, half_widths, strict=True
        )
    ]


class Synthesis(nn.Module):
    """Mapped latents ws (B, L, D) to pictures (B, C, H, W) float32.

    Args:
        input: w (B, D), and a transform, to the first signal.
        layers: each takes a signal and its own w.
        output_scale: factor on the picture.
    """

    def __init__(self, input: nn.Module, layers: list[nn.Module], output_scale: float) -> None:
        super().__init__()
        self.input, self.layers = input, nn.ModuleList(layers)
        self.output_scale = output_scale

    def forward(self, ws: Tensor, noise: None = None, *, transform: Tensor | None = None) -> Tensor:
        """Pictures.

        Args:
            ws: (B, L, D).
            noise: nothing: this generator has none.
            transform: inverse of what is to happen to the pictures, in units of their side around
                their middle: affine matrices (3, 3) or (B, 3, 3); none if None.
        """
        w, *rest = ws.unbind(1)
        x = self.input(w, transform)
        for layer, w in zip(self.layers, rest, strict=True):
            x = layer(x, w)
        return x.float() * self.output_scale


class FourierFeatures(nn.Module):
    """Waves of random frequencies, which w may rotate and shift: (B, D) to (B, C, H, W).

    Args:
        w_dim: D.
        signal: what it makes. Frequencies are drawn evenly from the disc within the cutoff.
    """

    def __init__(self, w_dim: int, signal: Signal) -> None:
        super().__init__()
        self.size, self.sampling_rate = signal.size, signal.sampling_rate
        self.cutoff, channels = signal.cutoff, signal.channels
        frequencies = torch.randn(channels, 2)
        radius = frequencies.norm(dim=1, keepdim=True)
        # To radius exp(-radius^2 / 4), the root of a uniform number: evenly over the disc.
        frequencies *= signal.cutoff / (radius * (radius.square() / 4).exp())
        self.register_buffer("frequencies", frequencies)  # (C, 2), x and y, cycles per picture
        self.register_buffer("phases", torch.rand(channels) - 0.5)  # cycles
        self.weight = nn.Parameter(torch.randn(channels, channels))
        self.affine = EqualizedLinear(w_dim, 4)
        nn.init.zeros_(self.affine.weight)
        with torch.no_grad():
            self.affine.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))

    def forward(self, w: Tensor, transform: Tensor | None = None) -> Tensor:
        with torch.autocast(w.device.type, enabled=False):
            linear, shift = self.transform(w.float())  # (B, 2, 2), (B, 2, 1)
            if transform is not None:
                shift = shift + linear @ transform[..., :2, 2:]
                linear = linear @ transform[..., :2, :2]
            phases = self.phases[:, None] + self.frequencies @ shift  # (B, C, 1)
            frequencies = self.frequencies @ linear  # (B, C, 2)
            # A transform may push frequencies beyond what the pixels hold: fade those out.
            excess = (frequencies.norm(dim=2) - self.cutoff) / (
                self.sampling_rate / 2 - self.cutoff
            )
            amplitudes = (1 - excess).clamp(0, 1)

            middles = torch.arange(self.size, device=w.device) - (self.size - 1) / 2
            place = middles / self.sampling_rate  # (H,) or (W,)
            along_x = frequencies[:, :, :1] * place + phases  # (B, C, W)
            along_y = frequencies[:, :, 1:] * place  # (B, C, H)
            cycles = along_x[:, :, None] + along_y[:, :, :, None]
            x = torch.sin(2 * math.pi * cycles) * amplitudes[:, :, None, None]
            weight = self.weight / math.sqrt(len(self.weight))
            return torch.nn.functional.conv2d(x, weight[:, :, None, None])

    def transform(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """The rotation (B, 2, 2) and the shift (B, 2, 1) that w asks for (Appendix F)."""
        t = self.affine(w)
        t = t / t[:, :2].norm(dim=1, keepdim=True)
        cosine, sine, shift = t[:, 0], t[:, 1], t[:, 2:, None]
        rotation = torch.stack([cosine, -sine, sine, cosine], 1).unflatten(1, (2, 2))
        return rotation, -rotation @ shift


class Modulated(nn.Module):
    """What all layers share: weights, a style from w, and the mean square of what comes in.

    Args:
        w_dim: D.
        inputs: channels that come in.
        outputs: channels that go out.
        kernel: of the convolution.
        magnitude_beta: decay of the mean square for each minibatch.
    """

    statistics = ("magnitude_ema",)  # moves with the minibatch's mean, while `keeps_statistics`

    def __init__(
        self, w_dim: int, inputs: int, outputs: int, kernel: int, magnitude_beta: float
    ) -> None:
        super().__init__()
        self.affine = EqualizedLinear(w_dim, inputs, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.magnitude_beta = magnitude_beta
        self.register_buffer("magnitude_ema", torch.ones([]))
        self.keeps_statistics = True

    def input_gain(self, x: Tensor) -> Tensor:
        """What brings inputs (B, C, H, W) to a mean square of about 1: a number.

        It is that of the minibatches before, so that a row's output depends on no other row.
        """
        gain = self.magnitude_ema.rsqrt()
        if self.training and self.keeps_statistics:
            magnitude = x.detach().float().square().mean()
            self.magnitude_ema.lerp_(magnitude, 1 - self.magnitude_beta)
        return gain


class Layer(Modulated):
    """Modulated convolution and filtered leaky ReLU, from one signal to the next (Figure 4b).

    Args:
        w_dim: D.
        before: the signal that comes in.
        after: the signal that goes out.
        lowpass: filter before reducing the rate.
        kernel: of the convolution.
        num_taps: of each filter, relative to the lower of its two rates.
        oversampling: of the non-linearity, relative to the higher of the two signals' rates.
        clamp: largest magnitude.
        magnitude_beta: see `Modulated`.
    """

    def __init__(
        self,
        w_dim: int,
        before: Signal,
        after: Signal,
        *,
        lowpass: Lowpass,
        kernel: int,
        num_taps: int,
        oversampling: int,
        clamp: float | None,
        magnitude_beta: float,
    ) -> None:
        super().__init__(w_dim, before.channels, after.channels, kernel, magnitude_beta)
        self.clamp = clamp
        rate = oversampling * max(before.sampling_rate, after.sampling_rate)
        self.up, self.down = rate // before.sampling_rate, rate // after.sampling_rate
        up_taps = num_taps * self.up if self.up > 1 else 1
        down_taps = num_taps * self.down if self.down > 1 else 1
        up_filter, down_filter = torch.ones(1), torch.ones(1)
        if self.up > 1:
            up_filter = Kaiser()(up_taps, before.cutoff, before.half_width, rate)
        if self.down > 1:
            down_filter = lowpass(down_taps, after.cutoff, after.half_width, rate)
        # They follow from the arguments: nothing to save.
        self.register_buffer("up_filter", up_filter, persistent=False)
        self.register_buffer("down_filter", down_filter, persistent=False)

        needed = (after.size - 1) * self.down + 1 + (down_taps - 1) + (up_taps - 1)
        total = needed - (before.size + kernel - 1) * self.up
        near = (total + self.up) // 2  # pixels are squares around their samples (Appendix C.3)
        self.padding = (near, total - near) * 2

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        gain = self.input_gain(x)
        with torch.autocast(x.device.type, enabled=False):
            weight = self.weight * self.weight.square().mean((1, 2, 3), keepdim=True).rsqrt()
            styles = self.affine(w.float())
            # Demodulation undoes both scales: they keep the products within half precision.
            styles = styles * styles.square().mean(1, keepdim=True).rsqrt()
            energy = styles.square() @ weight.square().sum((2, 3)).T + 1e-8  # (B, O)
        x = modulated_conv2d(
            x, weight, styles * gain, demodulate=False, padding=weight.shape[-1] - 1
        )
        return filtered_leaky_relu(
            x * energy.rsqrt().to(x.dtype)[:, :, None, None],
            self.bias,
            self.up_filter,
            self.down_filter,
            up=self.up,
            down=self.down,
            padding=self.padding,
            clamp=self.clamp,
        )


class ToColours(Modulated):
    """Modulated 1x1 convolution to the picture's channels.

    Args:
        w_dim: D.
        inputs: channels that come in.
        outputs: channels that go out.
        clamp: largest magnitude.
        magnitude_beta: see `Modulated`.
    """

    def __init__(
        self, w_dim: int, inputs: int, outputs: int, clamp: float | None, magnitude_beta: float
    ) -> None:
        super().__init__(w_dim, inputs, outputs, 1, magnitude_beta)
        self.clamp = clamp

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        gain = self.input_gain(x)
        with torch.autocast(x.device.type, enabled=False):
            styles = self.affine(w.float()) * (gain / math.sqrt(self.weight.shape[1]))
        x = modulated_conv2d(x, self.weight, styles, demodulate=False)
        x = x + self.bias.to(x.dtype)[:, None, None]
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)
