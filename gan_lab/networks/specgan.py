"""The networks of SpecGAN: "Adversarial Audio Synthesis" (Donahue et al. 2019), Section 4 and
Appendix D, Tables 5 and 6: DCGAN's with kernels of 5 and without batch norm, which play on
spectrograms. The paper's are square; here each side is halved as often as it can be."""

from itertools import pairwise

from torch import Tensor, nn

from gan_lab.networks.mlp import join_label
from gan_lab.networks.wavegan import sound_shape
from gan_lab.ops.labels import LabelEmbedding

KERNEL = 5
SMALLEST, LARGEST = 4, 7  # a side's smallest size


class SpecGANGenerator(nn.Module):
    """Latents (B, Z), and labels (B,) if asked for, to spectrograms (B, 1, F, frames) in [-1, 1].

    A linear layer, then transposed convolutions of 5 x 5.

    Args:
        shape: (1, T) of the sounds that these become.
        window, hop: of the spectrogram, in samples; F is window / 2, frames are T / hop.
        latent_dim: Z (paper: 100).
        width: d, channels before the last layer, doubled at each smaller size (paper: 64).
        num_classes: K; the label's one-hot vector is appended to z (paper: without labels).
    """

    def __init__(
        self,
        shape: tuple[int, int],
        window: int = 128,
        hop: int = 64,
        latent_dim: int = 100,
        width: int = 64,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        self.spectrogram_shape = spectrogram_shape(shape, window, hop)
        self.shape, self.latent_dim, self.num_classes = tuple(shape), latent_dim, num_classes
        channels, height, num_frames = self.spectrogram_shape
        strides, h, w = pyramid(height, num_frames)
        widths = [width * 2**level for level in reversed(range(len(strides)))]
        layers: list[nn.Module] = [
            nn.Linear(latent_dim + (num_classes or 0), widths[0] * h * w),
            nn.Unflatten(1, (widths[0], h, w)),
        ]
        for (inputs, outputs), stride in zip(
            pairwise([*widths, channels]), reversed(strides), strict=True
        ):
            layers += [nn.ReLU(), enlarging(inputs, outputs, stride)]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        return self.layers(join_label(z, label, self.num_classes))


class SpecGANDiscriminator(nn.Module):
    """Spectrograms (B, 1, F, frames), and labels (B,) if asked for, to logits (B,).

    Convolutions of 5 x 5, then a linear layer.

    Args:
        shape: (1, T) of the sounds.
        window, hop: of the spectrogram, in samples.
        width: d, channels of the first layer, doubled at each smaller size (paper: 64).
        num_classes: K; the features are projected on the label's embedding (Miyato & Koyama 2018,
            Equation 4; paper: without labels).
    """

    def __init__(
        self,
        shape: tuple[int, int],
        window: int = 128,
        hop: int = 64,
        width: int = 64,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        channels, height, num_frames = spectrogram_shape(shape, window, hop)
        strides, h, w = pyramid(height, num_frames)
        widths = [width * 2**level for level in range(len(strides))]
        layers: list[nn.Module] = []
        for (inputs, outputs), stride in zip(pairwise([channels, *widths]), strides, strict=True):
            layers += [nn.Conv2d(inputs, outputs, KERNEL, stride, KERNEL // 2), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Flatten())
        features = widths[-1] * h * w
        self.end = nn.Linear(features, 1)
        if num_classes is not None:
            self.embedding = LabelEmbedding(num_classes, features)
            nn.init.normal_(self.embedding.weight, 0.0, features**-0.5)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.layers(x)
        logits = self.end(x).squeeze(1)
        if self.num_classes is not None:
            logits = logits + (self.embedding(label) * x).sum(1)
        return logits.float()


def pyramid(height: int, width: int) -> tuple[list[tuple[int, int]], int, int]:
    """Strides from the full size down, and the smallest size: (strides, height, width).

    Each side is halved while 4 or more are left: 128 x 128 five times, to 4 x 4; 128 x 32 three
    times, then twice in height alone.

    Raises:
        ValueError: a side is not a number up to 7 times a power of two.
    """
    strides, h, w = [], height, width
    while (stride := (1 + can_halve(h), 1 + can_halve(w))) != (1, 1):
        strides.append(stride)
        h, w = h // stride[0], w // stride[1]
    if not strides or max(h, w) > LARGEST:
        raise ValueError(f"sides of {height} and {width} cannot be halved to {LARGEST} or less")
    return strides, h, w


def can_halve(side: int) -> bool:
    return side % 2 == 0 and side // 2 >= SMALLEST


def enlarging(inputs: int, outputs: int, stride: tuple[int, int]) -> nn.ConvTranspose2d:
    """A transposed convolution that makes each side `stride` times as long.

    Each output sees a part of the kernel: the scale (He et al. 2015) is of that.
    """
    extra = tuple(s - 1 for s in stride)
    layer = nn.ConvTranspose2d(inputs, outputs, KERNEL, stride, KERNEL // 2, output_padding=extra)
    seen = inputs * KERNEL**2 / (stride[0] * stride[1])
    nn.init.normal_(layer.weight, 0.0, (2 / seen) ** 0.5)
    nn.init.zeros_(layer.bias)
    return layer


def spectrogram_shape(shape: tuple[int, int], window: int, hop: int) -> tuple[int, int, int]:
    """(1, F, frames) of sounds (1, T): all frequencies but the highest, as the paper has it.

    Raises:
        ValueError: hops that do not divide T, or leave gaps between windows.
    """
    _, num_samples = sound_shape(shape)
    if window % 2 or not 0 < 2 * hop <= window:
        raise ValueError(
            f"window={window} hop={hop}: windows are even and overlap by half or more;"
            " choose such as 128 and 64"
        )
    if num_samples % hop or num_samples < window:
        raise ValueError(
            f"data.num_samples={num_samples} hop={hop}: the hop divides the samples, and a window"
            f" of {window} fits in them"
        )
    try:
        pyramid(window // 2, num_samples // hop)
    except ValueError:
        raise ValueError(
            f"data.num_samples={num_samples} window={window} hop={hop}: a spectrogram of"
            f" {window // 2} frequencies and {num_samples // hop} frames cannot be reached by"
            f" doubling {LARGEST} or fewer; choose powers of two"
        ) from None
    return 1, window // 2, num_samples // hop
