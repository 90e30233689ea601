"""What users, callbacks and metrics ask of a trained or training GAN: samples."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gan_lab import randomness
from gan_lab.engine.layers import in_eval
from gan_lab.errors import UserError

Batch = Mapping[str, Tensor]

SAMPLES_AT_ONCE = 256


class Sampling(nn.Module):
    """A generator and its average, of which samples are drawn; `gan_lab.models.base.GAN` is one.

    Attributes:
        generator: latents (B, Z), and labels (B,) if `num_classes` is K, to samples (B, *shape);
            carries `latent_dim`, `shape` and `num_classes`. One that maps z to styles has a
            `mapping` and takes `truncation`.
        generator_ema: its average over the images seen.
    """

    generator: nn.Module
    generator_ema: nn.Module

    @property
    def latent_dim(self) -> int:
        """Z, the width of a latent."""
        return self.generator.latent_dim

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample: (C, H, W), or (D,) for points."""
        return self.generator.shape

    @property
    def num_classes(self) -> int | None:
        """K, the number of labels it may be asked for; None if it takes no label."""
        return self.generator.num_classes

    @property
    def conditional(self) -> bool:
        """Whether samples are asked for by label."""
        return self.num_classes is not None

    @torch.no_grad()
    def sample(
        self,
        num: int,
        *,
        seed: int,
        label: int | Tensor | None = None,
        truncation: float = 1.0,
        raw: bool = False,
    ) -> Tensor:
        """Draw from the averaged generator; the same arguments give the same bits.

        Args:
            num: how many samples.
            seed: key of the latents and, if they are drawn, of the labels.
            label: a class id for all, one for each (num,), or None to draw them uniformly.
            truncation: psi; below 1 samples are more typical and less diverse. It scales z, or
                draws w towards its mean where the generator maps z to w.
            raw: ask the generator as it is now instead of its average.

        Returns:
            (num, *shape) float32; pictures in [-1, 1].
        """
        draw = randomness.generator(randomness.SAMPLE, seed)
        z = torch.randn(num, self.latent_dim, generator=draw)
        condition = self.condition(num, seed, label=label)
        return self.decode(z, condition, truncation=truncation, raw=raw)

    def condition(
        self,
        num: int,
        seed: int,
        *,
        label: int | Tensor | None = None,
        caption: str | None = None,
    ) -> Tensor | None:
        """What the generator takes besides z, (num, ...): of most, labels; None if nothing.

        Raises:
            UserError: the model does not take what is given.
        """
        if caption is not None:
            raise UserError(
                f"caption={caption}: {type(self).__name__} takes no captions; leave it out"
            )
        return self.labels(num, seed, label)

    def labels(self, num: int, seed: int, label: int | Tensor | None) -> Tensor | None:
        """Class ids (num,) to ask for; None for a model that takes none.

        Args:
            num: how many.
            seed: key of the draw.
            label: a class id for all, one for each, or None to draw them uniformly.

        Raises:
            UserError: the model takes no label, or it has no such class.
        """
        if not self.conditional:
            if label is not None:
                name = type(self).__name__
                raise UserError(f"label={label}: {name} takes no label; leave it out")
            return None
        if label is None:
            draw = randomness.generator(randomness.SAMPLE, seed, 1)
            return torch.randint(self.num_classes, (num,), generator=draw)
        label = torch.as_tensor(label).expand(num) if not torch.is_tensor(label) else label
        if label.shape != (num,):
            raise UserError(f"label has shape {tuple(label.shape)}; give one class id or {num}")
        if label.min() < 0 or label.max() >= self.num_classes:
            raise UserError(
                f"label={label.min().item() if label.min() < 0 else label.max().item()} is not a"
                f" class of this model; give 0 to {self.num_classes - 1}"
            )
        return label

    @torch.no_grad()
    def decode(
        self,
        z: Tensor,
        label: Tensor | None = None,
        *,
        truncation: float = 1.0,
        raw: bool = False,
    ) -> Tensor:
        """Samples (B, *shape) float32 of given latents z (B, Z) and labels (B,); see `sample`."""
        samples = []
        with in_eval(self.generator if raw else self.generator_ema) as network:
            for rows in torch.arange(len(z)).split(SAMPLES_AT_ONCE):
                labels = None if label is None else label[rows].to(self.device)
                samples.append(
                    self.synthesise(network, z[rows].to(self.device), labels, truncation)
                )
        images = torch.cat(samples).float()
        return images.clamp(-1, 1) if len(self.shape) > 1 else images

    def synthesise(
        self, network: nn.Module, z: Tensor, label: Tensor | None = None, truncation: float = 1.0
    ) -> Tensor:
        """What a generator makes of latents, differentiable; see `sample` for `truncation`."""
        arguments = {} if label is None else {"label": label}
        if hasattr(network, "mapping"):
            return network(z, truncation=truncation, **arguments)
        return network(truncation * z, **arguments)

    @torch.no_grad()
    def generate(self, batch: Batch, *, seed: int = 0) -> Tensor:
        """The averaged generator's answer to a batch: one sample for each of its rows."""
        num = len(next(iter(batch.values())))
        return self.sample(num, seed=seed, label=self.label(batch))
