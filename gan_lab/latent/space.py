"""The spaces that samples are drawn, mixed and searched in: z, and w where there is one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from gan_lab import randomness
from gan_lab.engine.sampling import SAMPLES_AT_ONCE
from gan_lab.errors import UserError
from gan_lab.media import holds_pictures
from gan_lab.models.base import GAN


@dataclass(frozen=True)
class Order:
    """What a user asks of a mode of `sample.py`.

    Attributes:
        run: the run's folder.
        num: how many samples.
        seed: of latents and of drawn labels.
        label: a class id for all; None draws them.
        caption: what to draw, for all, by models that take captions; None draws examples.
        where: one column of words and the word that rows are asked to have, of models of tables.
        truncation: psi.
        raw: the generator as it is instead of its average.
        output: where to write; None chooses a place in the run's folder.
        input: a picture, or a folder of them, for a model that answers pictures.
        side: pixels of such a picture's shorter side; None for the size of training.
    """

    run: Path
    num: int
    seed: int = 0
    label: int | None = None
    caption: str | None = None
    where: Mapping[str, str | None] | None = None
    truncation: float = 1.0
    raw: bool = False
    output: Path | None = None
    input: Path | None = None
    side: int | None = None

    def path(self, name: str, *suffixes: str) -> Path:
        """The file to write: `output`, or <run>/generated/<name> with the first of `suffixes`."""
        path = self.output or self.run / "generated" / f"{name}{suffixes[0]}"
        if path.suffix not in suffixes:
            kinds = " or ".join(f"a {suffix}" if suffix else "a folder" for suffix in suffixes)
            raise UserError(f"output={path}: give {kinds}")
        return path


class LatentSpace:
    """z ~ N(0, I), (B, Z), with a label, or a sentence, for each row where the model takes one."""

    name = "z"

    def __init__(self, gan: GAN, order: Order) -> None:
        if not holds_pictures(gan):
            raise UserError(f"run={order.run}: it draws no pictures; this mode is for pictures")
        self.gan, self.order = gan, order
        self.network = gan.generator if order.raw else gan.generator_ema
        self.network.eval()

    def draw(self, num: int, stream: int = 0) -> tuple[Tensor, Tensor | None]:
        """Codes and labels of `num` samples; those of `gan.sample` for stream 0."""
        seed = self.order.seed if stream == 0 else randomness.key(self.order.seed, stream)
        draw = randomness.generator(randomness.SAMPLE, seed)
        z = torch.randn(num, self.gan.latent_dim, generator=draw)
        order = self.order
        label = self.gan.condition(num, order.seed, label=order.label, caption=order.caption)
        return z, label

    @torch.no_grad()
    def pictures(self, codes: Tensor, label: Tensor | None = None) -> Tensor:
        """(N, C, H, W) in [-1, 1], on the CPU."""
        parts = []
        for rows in torch.arange(len(codes)).split(SAMPLES_AT_ONCE):
            labels = None if label is None else label[rows].to(self.gan.device)
            parts.append(self.synthesise(codes[rows].to(self.gan.device), labels).cpu())
        return torch.cat(parts).float().clamp(-1, 1)

    def synthesise(self, codes: Tensor, label: Tensor | None) -> Tensor:
        """Pictures of codes, differentiable."""
        return self.gan.synthesise(self.network, codes, label, self.order.truncation)


class StyleSpace(LatentSpace):
    """w = f(z): one style for each layer, (B, num_ws, w_dim), drawn towards its mean by psi."""

    name = "w"

    def __init__(self, gan: GAN, order: Order) -> None:
        super().__init__(gan, order)
        if not isinstance(getattr(self.network, "mapping", None), nn.Module):
            raise UserError(
                f"run={order.run}: {type(gan).__name__} maps z straight to pictures and has no w;"
                " take a style-based model (stylegan, stylegan2, stylegan3), or mode.space=z where"
                " the mode has it"
            )

    @torch.no_grad()
    def draw(self, num: int, stream: int = 0) -> tuple[Tensor, Tensor | None]:
        z, label = super().draw(num, stream)
        on_device = None if label is None else label.to(self.gan.device)
        ws = self.network.mapping(
            z.to(self.gan.device), on_device, truncation=self.order.truncation
        )
        return ws.cpu(), label

    def synthesise(self, codes: Tensor, label: Tensor | None) -> Tensor:
        return self.network.synthesis(codes)


SPACES = {space.name: space for space in (LatentSpace, StyleSpace)}
