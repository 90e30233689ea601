"""The networks of StyleGAN: "A Style-Based Generator Architecture for Generative Adversarial
Networks" (Karras et al. 2019), Figure 1b and Appendix C."""

import torch
from torch import Tensor, nn
from torch.nn.functional import instance_norm, leaky_relu

from gan_lab.networks.growth import Growing, doubled
from gan_lab.networks.progressive import (
    DownsamplingConv2d,
    ProgressiveDiscriminator,
    UpsamplingConv2d,
    pixel_norm,
    rectified,
)
from gan_lab.ops.equalized import SLOPE, EqualizedConv2d, EqualizedLinear
from gan_lab.ops.labels import LabelEmbedding, class_weights
from gan_lab.ops.resample import blur, fir

BINOMIAL = (1.0, 2.0, 1.0)  # low-pass filter on whatever changes size


class StyleGANGenerator(nn.Module):
    """Latents z (B, Z) to styles w to pictures (B, C, H, W): `synthesis(mapping(z, label))`.

    Args:
        shape: (C, H, W); a small rectangle times a power of two.
        latent_dim: Z (paper: 512).
        w_dim: D, features of w and of the mapping's layers (paper: 512).
        width: channels at the full size, doubled at each smaller one (paper: 16 at 1024 pixels).
        max_width: most channels of a layer (paper: 512).
        num_classes: K; the label's learned vector is appended to z.
        mapping_depth: layers from z to w (paper: 8).
        truncated_layers: how many layers, from the coarsest, truncation acts on (Appendix B; the
            reference implementation: 8, thus up to 32x32).
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent_dim: int = 512,
        w_dim: int = 512,
        width: int = 16,
        max_width: int = 512,
        num_classes: int | None = None,
        mapping_depth: int = 8,
        truncated_layers: int = 8,
    ) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.num_classes = tuple(shape), latent_dim, num_classes
        self.w_dim = w_dim
        self.synthesis = Synthesis(shape, w_dim, width, max_width)
        self.num_ws = len(self.synthesis.layers)
        self.mapping = Mapping(
            latent_dim, w_dim, self.num_ws, num_classes, mapping_depth, truncated_layers
        )

    @property
    def num_noise(self) -> int:
        """Pixels of all noise maps that the layers at the present level use."""
        return sum(self.synthesis.noise_sizes)

    @property
    def num_ws_used(self) -> int:
        """How many layers run at the present level."""
        return len(self.synthesis.noise_sizes)

    def grow(self, level: float) -> None:
        """Run at `level` from now on; see `Growing`."""
        self.synthesis.grow(level)

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
    """z (B, Z), and labels (B,) if `num_classes` is given, to one w for each layer (B, L, D).

    Args:
        latent_dim: Z.
        w_dim: D.
        num_ws: L.
        num_classes: K.
        depth: linear layers.
        truncated_layers: truncation acts on the first so many of the L.
        lr_multiplier: learning rate relative to that of the other layers (paper: 0.01).
        w_avg_beta: decay of the mean w with each step in which the mapping learns (0.995 in the
            reference implementation).
    """

    statistics = ("w_avg",)  # moves with the minibatch's mean, while `keeps_statistics`

    def __init__(
        self,
        latent_dim: int,
        w_dim: int,
        num_ws: int,
        num_classes: int | None = None,
        depth: int = 8,
        truncated_layers: int = 8,
        lr_multiplier: float = 0.01,
        w_avg_beta: float = 0.995,
    ) -> None:
        super().__init__()
        self.num_ws, self.truncated_layers, self.w_avg_beta = num_ws, truncated_layers, w_avg_beta
        self.embedding = None if num_classes is None else LabelEmbedding(num_classes, latent_dim)
        inputs = latent_dim if num_classes is None else 2 * latent_dim
        self.layers = nn.ModuleList(
            rectified(EqualizedLinear(n, w_dim, lr_multiplier=lr_multiplier))
            for n in [inputs] + [w_dim] * (depth - 1)
        )
        self.register_buffer("w_avg", torch.zeros(w_dim))
        self.keeps_statistics = True

    def forward(self, z: Tensor, label: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        with torch.autocast(z.device.type, enabled=False):
            if self.embedding is not None:
                z = torch.cat([z, self.embedding(label)], 1)
            w = pixel_norm(z)
            for layer in self.layers:
                w = leaky_relu(layer(w), SLOPE)
        if self.training and self.keeps_statistics:
            self.w_avg.lerp_(w.detach().mean(0), 1 - self.w_avg_beta)
        ws = w[:, None].expand(-1, self.num_ws, -1)  # (B, L, D)
        if truncation == 1:
            return ws
        coarse, fine = ws[:, : self.truncated_layers], ws[:, self.truncated_layers :]
        return torch.cat([self.w_avg.lerp(coarse, truncation), fine], 1)


class Synthesis(Growing):
    """Styles ws (B, L, D) to pictures (B, C, H, W), from a learned constant; two layers a size.

    Args:
        shape: (C, H, W).
        w_dim: D.
        width: channels at the full size, doubled at each smaller one.
        max_width: most channels of a layer.
    """

    def __init__(self, shape: tuple[int, int, int], w_dim: int, width: int, max_width: int) -> None:
        super().__init__(shape)
        widths, (h, w) = self.channels(width, max_width), self.smallest
        self.constant = nn.Parameter(torch.ones(1, widths[0], h, w))
        convolutions: list[nn.Module] = [
            nn.Identity(),
            rectified(EqualizedConv2d(widths[0], widths[0], 3, bias=False)),
        ]
        for inputs, outputs in zip(widths, widths[1:], strict=False):
            up = rectified(UpsamplingConv2d(inputs, outputs, bias=False))
            convolutions += [
                nn.Sequential(up, Blur()),
                rectified(EqualizedConv2d(outputs, outputs, 3, bias=False)),
            ]
        self.layers = nn.ModuleList(
            StyledLayer(convolution, widths[n // 2], w_dim)
            for n, convolution in enumerate(convolutions)
        )
        self.to_rgb = nn.ModuleList(EqualizedConv2d(n, shape[0], 1) for n in widths)
        self.register_buffer("noise", torch.randn(1, sum(self.noise_sizes)))

    @property
    def noise_sizes(self) -> list[int]:
        """Pixels of each layer's noise map, of the layers that run at this level."""
        h, w = self.smallest
        return [(h << n) * (w << n) for n in range(self.top + 1) for _ in range(2)]

    def forward(self, ws: Tensor, noise: Tensor | None = None) -> Tensor:
        """The pictures of ws.

        Args:
            ws: (B, L, D).
            noise: standard normal numbers (B, N), the maps of the layers one after the other, at
                least as many as `noise_sizes`; the same ones for all pictures and times if None.
        """
        noise = self.noise if noise is None else noise
        sizes, (h, w) = self.noise_sizes, self.smallest
        maps = noise[:, : sum(sizes)].split(sizes, 1)
        x = self.constant.expand(len(ws), -1, -1, -1)
        for n in range(self.top + 1):
            below = x
            for layer in (2 * n, 2 * n + 1):
                drawn = maps[layer].unflatten(1, (1, h << n, w << n))
                x = self.layers[layer](x, ws[:, layer], drawn)
        picture = self.to_rgb[self.top](x)
        if self.fading:
            picture = self.blend(doubled(self.to_rgb[self.top - 1](below)), picture)
        return self.enlarged(picture)


class StyledLayer(nn.Module):
    """A convolution, noise, bias, leaky ReLU, and the style by adaptive instance norm.

    Args:
        convolution: (B, I, H, W) to (B, C, H', W'); without a bias.
        channels: C.
        w_dim: D.
    """

    def __init__(self, convolution: nn.Module, channels: int, w_dim: int) -> None:
        super().__init__()
        self.convolution = convolution
        self.noise_strength = nn.Parameter(torch.zeros(channels))  # B in Figure 1b
        self.bias = nn.Parameter(torch.zeros(channels))
        self.style = EqualizedLinear(w_dim, 2 * channels)  # A in Figure 1b

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        x = self.convolution(x)
        strength, bias = (v.to(x.dtype)[:, None, None] for v in (self.noise_strength, self.bias))
        x = leaky_relu(torch.addcmul(x + bias, noise.to(x.dtype), strength), SLOPE)
        scale, shift = self.style(w).chunk(2, 1)
        return adaptive_instance_norm(x, 1 + scale, shift)


class StyleGANDiscriminator(ProgressiveDiscriminator):
    """Progressive GAN's, with a blur before sizes are halved: pictures (B, C, H, W) to logits (B,).

    With labels (B,) the last layer has one output for each class, of which the label's is taken
    (Mescheder et al. 2018).

    Args:
        shape: (C, H, W).
        width: channels at the full size, doubled at each smaller one (paper: 16 at 1024 pixels).
        max_width: most channels of a layer (paper: 512).
        group_size: neighbouring rows whose deviation from each other is a feature.
        num_classes: K.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 16,
        max_width: int = 512,
        group_size: int = 4,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(shape, width, max_width, group_size)
        self.num_classes = num_classes
        if num_classes is not None:
            self.end = EqualizedLinear(self.dense.weight.shape[0], num_classes)

    def block(self, inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(
            rectified(EqualizedConv2d(inputs, inputs, 3)),
            nn.LeakyReLU(SLOPE),
            Blur(),
            rectified(DownsamplingConv2d(inputs, outputs)),
            nn.LeakyReLU(SLOPE),
        )

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        logits = self.end(self.features(x)).float()  # (B, 1) or (B, K)
        if self.num_classes is None:
            return logits.squeeze(1)
        return (logits * class_weights(label, self.num_classes)).sum(1)


class Blur(nn.Module):
    """The binomial filter over each channel, with zeros around the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", fir(BINOMIAL), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return blur(x, self.filter)


def adaptive_instance_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Each channel of each sample to mean `shift` and standard deviation `scale`: Equation 1.

    Args:
        x: (B, C, H, W).
        scale: y_s (B, C).
        shift: y_b (B, C).
    """
    x = instance_norm(x, eps=1e-8)
    return torch.addcmul(shift.to(x.dtype)[..., None, None], x, scale.to(x.dtype)[..., None, None])
