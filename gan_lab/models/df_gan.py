"""DF-GAN: "DF-GAN: A Simple and Effective Baseline for Text-to-Image Synthesis" (Tao et al. 2022).

Equation 1 of Section 3.3 and the one-way output of Section 3.4. The sentences come from an encoder
that has learnt to tell whose picture is whose (AttnGAN's DAMSM, Xu et al. 2018, for whole
sentences), which here is the first part of the run.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_lab.engine.captioned import Captioned
from gan_lab.losses.adversarial import Hinge
from gan_lab.losses.matching import contrast
from gan_lab.losses.penalties import matching_gradient_penalty
from gan_lab.models.base import GAN, Batch


class DFGAN(Captioned, GAN):
    """A real picture with another's caption is as wrong as a fake one with its own.

    Args:
        text_encoder: captions (B, L) to sentences (B, D); a player, unless it has no weights of
            its own (see `gan_lab.networks.frozen_text`).
        picture_encoder: pictures to vectors (B, D), to learn the sentences by, and to tell samples'
            likeness to them; unused where the sentences are frozen and matching_weight is 0.
        examples: captions to draw from where none is asked for.
        penalty_weight: k of the matching-aware gradient penalty (paper: 2).
        penalty_power: p of it (paper: 6).
        penalty_every: training steps for each that has the penalty, then so many times as strong.
        sharpness: gamma_3 of the loss that sentences are learnt by.
        matching_kimg: thousands of images that sentences are learnt by before the game begins.
        matching_weight: lambda of the samples' likeness to their sentences, which the generator
            also plays for ("GALIP", Tao et al. 2023; there 4, and CLIP's); 0 leaves it out.
    """

    takes = ("image", "caption", "mismatched")
    twice_differentiated = ("discriminator",)

    def __init__(
        self,
        *,
        text_encoder: nn.Module,
        examples: Sequence[str],
        picture_encoder: nn.Module | None = None,
        penalty_weight: float = 2.0,
        penalty_power: float = 6.0,
        penalty_every: int = 1,
        sharpness: float = 10.0,
        matching_kimg: float = 16.0,
        matching_weight: float = 0.0,
        **gan,
    ) -> None:
        readers = ["text_encoder", "picture_encoder"]
        if not list(text_encoder.parameters()):  # frozen
            readers = ["picture_encoder"] if matching_weight else []
            idle = {"text_encoder", "picture_encoder"}.difference(readers)
            players = gan["optimizers"].items()
            gan["optimizers"] = {name: make for name, make in players if name not in idle}
        super().__init__(**gan)
        if text_encoder.dim != self.generator.sentence_dim:
            raise ValueError(
                f"generator.sentence_dim={self.generator.sentence_dim}, but the text encoder gives"
                f" {text_encoder.dim} numbers: set sentence_dim of both networks to that"
            )
        self.readers = tuple(readers)  # players of the first part of the run
        self.text_encoder = text_encoder
        self.picture_encoder = picture_encoder if readers else None
        self.examples = list(examples)
        self.penalty_weight, self.penalty_power = penalty_weight, penalty_power
        self.penalty_every = penalty_every
        self.sharpness, self.matching_kimg = sharpness, matching_kimg
        self.matching_weight = matching_weight
        self.game = Hinge()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        if self.matching:
            self.descend(self.readers, self.matching_loss, batch)
            return
        with torch.no_grad():
            both = self.text_encoder(torch.cat([batch["caption"], batch["mismatched"]]))
        matching, mismatched = both.chunk(2)
        batch = {**batch, "sentence": matching, "mismatched_sentence": mismatched}
        self.descend("generator", self.generator_loss, batch)
        batch["fake"] = self.kept("fake")  # the generator moves first: its samples serve both
        self.descend("discriminator", self.discriminator_loss, batch)

    @property
    def matching(self) -> bool:
        """Whether the sentences are still being learnt, and the game is yet to begin."""
        return bool(self.readers) and self.kimg < self.matching_kimg

    def matching_loss(self, batch: Batch) -> Tensor:
        caption = batch["caption"]
        pictures, sentences = self.picture_encoder(batch["image"]), self.text_encoder(caption)
        alike = (caption[:, None] == caption).all(2)  # (B, B)
        return contrast(pictures, sentences, alike, self.sharpness).mean()

    def discriminator_loss(self, batch: Batch) -> Tensor:
        D, penalised = self.discriminator, self.every(self.penalty_every)
        real = self.augmented(batch["image"]).detach().requires_grad_(penalised)  # x
        sentence = batch["sentence"].detach().requires_grad_(penalised)  # e
        features = D.features(real)
        real_logits = D.answer(features, sentence)
        mismatched_logits = D.answer(features, batch["mismatched_sentence"])
        fake_logits = D(self.augmented(batch["fake"]), sentence)
        self.observe(real_logits, fake_logits)
        self.report("logits/mismatched", mismatched_logits)
        # max(0, 1 - D(x, e)) + (max(0, 1 + D(G(z), e)) + max(0, 1 + D(x, e^))) / 2
        loss = (
            self.game.discriminator(real_logits, fake_logits)
            + self.game.discriminator(real_logits, mismatched_logits)
        ) / 2
        if penalised:
            penalty = matching_gradient_penalty(real_logits, real, sentence, self.penalty_power)
            self.report("penalty/matching", penalty)
            loss = loss + self.penalty_every * self.penalty_weight * penalty
        return loss.mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        sentence = batch["sentence"]
        fake = self.keep("fake", self.generator(self.latent(batch["image"]), sentence))
        loss = self.game.generator(self.judge_fake(fake, sentence)).mean()
        if self.matching_weight:
            # Both have a mean square of 1, so that the mean of their product is a cosine.
            likeness = (self.picture_encoder(fake) * sentence).mean()
            self.report("likeness", likeness)
            loss = loss - self.matching_weight * likeness
        return loss
