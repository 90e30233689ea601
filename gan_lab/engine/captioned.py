"""What users, callbacks and metrics ask of a GAN that draws what a caption says."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_lab import randomness
from gan_lab.captions import to_texts, to_tokens
from gan_lab.engine.layers import in_eval
from gan_lab.engine.sampling import SAMPLES_AT_ONCE, Batch, Sampling
from gan_lab.errors import UserError

NUM_SHOWN = 3  # samples of each caption, side by side


class Captioned(Sampling):
    """A generator of latents and sentences, and what makes sentences of captions.

    Attributes:
        text_encoder: captions (B, L) to sentences (B, D); carries `max_tokens`.
        examples: captions to draw where none is asked for.
    """

    text_encoder: nn.Module
    examples: list[str]

    @torch.no_grad()
    def sample(
        self,
        num: int,
        *,
        seed: int,
        caption: str | Sequence[str] | Tensor | None = None,
        label: int | Tensor | None = None,
        truncation: float = 1.0,
        raw: bool = False,
    ) -> Tensor:
        """Draw from the averaged generator; the same arguments give the same bits.

        Args:
            num: how many samples.
            seed: key of the latents and, if they are drawn, of the captions.
            caption: what to draw, for all or for each; numbers (num, L) too; None draws examples.
            label: this model takes none.
            truncation: psi, which scales z: below 1 samples are more typical and less diverse.
            raw: ask the generator as it is now instead of its average.

        Returns:
            (num, *shape) float32 in [-1, 1].
        """
        draw = randomness.generator(randomness.SAMPLE, seed)
        z = torch.randn(num, self.latent_dim, generator=draw)
        condition = self.condition(num, seed, label=label, caption=caption)
        return self.decode(z, condition, truncation=truncation, raw=raw)

    def condition(
        self,
        num: int,
        seed: int,
        *,
        label: int | Tensor | None = None,
        caption: str | Sequence[str] | Tensor | None = None,
    ) -> Tensor:
        """Sentences (num, D) of captions; labels are refused."""
        self.labels(num, seed, label)
        return self.sentences(self.captions(num, seed, caption))

    def captions(
        self, num: int, seed: int, caption: str | Sequence[str] | Tensor | None = None
    ) -> Tensor:
        """Numbers (num, L) of what to draw; see `sample`.

        Raises:
            UserError: a caption is empty or too long, or they are not `num`.
        """
        if torch.is_tensor(caption):
            tokens = caption
        else:
            if caption is None:
                draw = randomness.generator(randomness.SAMPLE, seed, 1)
                rows = torch.randint(len(self.examples), (num,), generator=draw)
                caption = [self.examples[row] for row in rows.tolist()]
            texts = [caption] * num if isinstance(caption, str) else list(caption)
            tokens = to_tokens(texts, self.text_encoder.max_tokens)
        if len(tokens) != num:
            raise UserError(f"caption: {len(tokens)} were given; give one, or {num}")
        return tokens

    @torch.no_grad()
    def sentences(self, tokens: Tensor) -> Tensor:
        """Captions (B, L) as the generator takes them: (B, D) on the model's device."""
        with in_eval(self.text_encoder) as encode:
            parts = [encode(part.to(self.device)) for part in tokens.split(SAMPLES_AT_ONCE)]
        return torch.cat(parts)

    def synthesise(
        self, network: nn.Module, z: Tensor, label: Tensor | None = None, truncation: float = 1.0
    ) -> Tensor:
        """What a generator makes of latents and sentences (B, D), here called `label`."""
        return network(truncation * z, label)

    def generate(self, batch: Batch, *, seed: int = 0, raw: bool = False) -> Tensor:
        """One sample for each caption of a batch."""
        caption = batch["caption"]
        return self.sample(len(caption), seed=seed, caption=caption, raw=raw)

    def show(self, batch: Batch) -> dict[str, Tensor]:
        """Heading -> pictures (B, C, H, W): the real one, and some that the caption brought."""
        columns = {"real": batch["image"]} if "image" in batch else {}
        for seed in range(NUM_SHOWN):
            columns[f"sample {seed + 1}"] = self.generate(batch, seed=seed)
        return columns

    def told(self, batch: Batch) -> list[str]:
        """What stands beside each row of `show`: its caption."""
        return to_texts(batch["caption"])
