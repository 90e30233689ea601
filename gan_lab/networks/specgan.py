"""The networks of SpecGAN: "Adversarial Audio Synthesis" (Donahue et al. 2019), Section 4, which
has pictures' networks play on spectrograms. The paper takes DCGAN's with kernels of 5; these are
the small ones of `gan_lab.networks.small`."""

from torch import Tensor

from gan_lab.networks.sizes import halvings
from gan_lab.networks.small import ConvDiscriminator, ConvGenerator
from gan_lab.networks.wavegan import sound_shape


class SpecGANGenerator(ConvGenerator):
    """Latents (B, Z), and labels (B,) if asked for, to spectrograms (B, 1, F, frames) in [-1, 1].

    Args:
        shape: (1, T) of the sounds that these become.
        window, hop: of the spectrogram, in samples; F is window / 2, frames are T / hop.
        latent_dim: Z (paper: 100).
        width: channels at the full size, doubled at each smaller one, at most fourfold.
        num_classes: K; the label's one-hot vector is appended to z.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        window: int = 128,
        hop: int = 64,
        latent_dim: int = 100,
        width: int = 16,
        num_classes: int | None = None,
    ) -> None:
        picture = spectrogram_shape(shape, window, hop)
        super().__init__(picture, latent_dim, width, num_classes)
        self.spectrogram_shape, self.shape = picture, tuple(shape)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        return super().forward(z, label).tanh()


class SpecGANDiscriminator(ConvDiscriminator):
    """Spectrograms (B, 1, F, frames), and labels (B,) if asked for, to logits (B,).

    Args:
        shape: (1, T) of the sounds.
        window, hop: of the spectrogram, in samples.
        width: channels at the full size, doubled at each smaller one, at most fourfold.
        num_classes: K; the label's learned plane is appended.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        window: int = 128,
        hop: int = 64,
        width: int = 16,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(spectrogram_shape(shape, window, hop), width, num_classes)


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
        halvings(window // 2, num_samples // hop)
    except ValueError:
        raise ValueError(
            f"data.num_samples={num_samples} window={window} hop={hop}: a spectrogram of"
            f" {window // 2} frequencies and {num_samples // hop} frames cannot be reached by"
            " doubling a small rectangle; choose powers of two, with a shorter hop or window"
        ) from None
    return 1, window // 2, num_samples // hop
