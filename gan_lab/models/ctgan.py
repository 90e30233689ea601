"""CTGAN: "Modeling Tabular Data using Conditional GAN" (Xu et al. 2019), Section 4."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gan_lab import randomness
from gan_lab.errors import UserError
from gan_lab.losses.penalties import gradient_penalty
from gan_lab.models.base import Batch
from gan_lab.models.wgan_gp import WGANGP


class CTGAN(WGANGP):
    """Rows of a table, each asked to have one value of one column of words.

    In training values are drawn by the logarithm of their frequency, so that rare ones are learnt
    too; real rows that have them stand on the other side. Samples are drawn by the frequencies
    themselves. The critic judges packs of rows.

    Args:
        conditioned: first entry and end of the one-hot part of each column that a condition names.
        frequencies: of each of their values among the training rows.
        critic_steps: critic steps per generator step (paper: 1).
        penalty_weight: of the gradient penalty (paper: lambda = 10).
        condition_weight: of the cross-entropy between condition and row (paper: 1).
    """

    takes = ("condition", "row")

    def __init__(
        self,
        *,
        conditioned: Sequence[Sequence[int]],
        frequencies: Sequence[Sequence[float]],
        critic_steps: int = 1,
        penalty_weight: float = 10.0,
        condition_weight: float = 1.0,
        **gan,
    ) -> None:
        super().__init__(critic_steps=critic_steps, penalty_weight=penalty_weight, **gan)
        self.conditioned = [tuple(span) for span in conditioned]
        self.frequencies = [torch.tensor(shares) for shares in frequencies]
        self.condition_weight = condition_weight

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real, condition = batch["row"], batch["condition"]  # (B, D) in [-1, 1], (B, C)
        fake = self.generator(self.latent(real), condition)
        adversarial = self.game.discriminator(*self.judge(real, fake, condition))  # (B / pac,)
        real_packs, fake_packs = self.packs(real), self.packs(fake)  # (B / pac, pac, D)
        penalty = gradient_penalty(
            lambda packs: self.discriminator(packs.flatten(0, 1), condition),
            real_packs,
            fake_packs,
            self.uniform(real_packs),
        )
        self.report("penalty/gradient", penalty)
        return (adversarial + self.penalty_weight * penalty).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        condition = batch["condition"]
        z = self.latent(condition)
        logits = self.generator.logits(z, condition)
        fake = self.generator.row(logits, z)
        adversarial = self.game.generator(self.judge_fake(fake, condition))
        missed = self.cross_entropy(logits, condition)
        self.report("loss/condition", missed)
        return adversarial.mean() + self.condition_weight * missed.mean()

    def packs(self, rows: Tensor) -> Tensor:
        """(B, D) to (B / pac, pac, D)."""
        return rows.unflatten(0, (-1, self.discriminator.pac))

    def cross_entropy(self, logits: Tensor, condition: Tensor) -> Tensor:
        """Between a condition (B, C) and the logits (B, D) of the column that it names: (B,)."""
        missed, first = logits.new_zeros(len(logits)), 0
        for start, end in self.conditioned:
            wanted = condition[:, first : first + end - start]  # all 0 where it names another
            missed = missed - (wanted * logits[:, start:end].log_softmax(1)).sum(1)
            first += end - start
        return missed

    # Conditions of samples -------------------------------------------------------------------

    @torch.no_grad()
    def sample(
        self,
        num: int,
        *,
        seed: int,
        label: int | Tensor | None = None,
        truncation: float = 1.0,
        raw: bool = False,
        where: Mapping[str, str | None] | None = None,
    ) -> Tensor:
        """See `Sampling.sample`.

        Args:
            where: one column of words and the value that rows are asked to have, such as
                {"target": "benign"}; None (the value) asks for a missing one. It is a wish: not
                every row has it.
        """
        if where is None:
            return super().sample(num, seed=seed, label=label, truncation=truncation, raw=raw)
        z = torch.randn(
            num, self.latent_dim, generator=randomness.generator(randomness.SAMPLE, seed)
        )
        return self.decode(z, self.asked(num, where), truncation=truncation, raw=raw)

    def condition(
        self,
        num: int,
        seed: int,
        *,
        label: int | Tensor | None = None,
        caption: str | None = None,
    ) -> Tensor:
        """Conditions (num, C): a column drawn uniformly, its value by its frequency."""
        super().condition(num, seed, label=label, caption=caption)  # refuses both
        draw = randomness.generator(randomness.SAMPLE, seed, 1)
        if not self.frequencies:
            return torch.zeros(num, 0)
        column = torch.randint(len(self.frequencies), (num,), generator=draw)
        parts = []
        for index, shares in enumerate(self.frequencies):
            value = torch.multinomial(shares, num, replacement=True, generator=draw)
            one_hot = torch.nn.functional.one_hot(value, len(shares))
            parts.append(one_hot * (column == index)[:, None])
        return torch.cat(parts, 1).float()

    def asked(self, num: int, where: Mapping[str, str | None]) -> Tensor:
        """The condition of `where`, for each of `num` rows: (num, C)."""
        words = [column for column in self.medium.columns if column["kind"] == "word"]
        names = [column["name"] for column in words]
        if len(where) != 1 or not set(where) <= set(names):
            raise UserError(f"where={where}: name one column of words: {', '.join(names)}")
        ((name, word),) = where.items()
        values = [*words[names.index(name)]["categories"]]
        values += [None] if words[names.index(name)]["missing"] else []
        if word not in values:
            raise UserError(f"where={where}: choose one of {', '.join(map(str, values))}")
        first = sum(len(shares) for shares in self.frequencies[: names.index(name)])
        condition = torch.zeros(num, sum(len(shares) for shares in self.frequencies))
        condition[:, first + values.index(word)] = 1
        return condition

    @torch.no_grad()
    def generate(self, batch: Batch, *, seed: int = 0) -> Tensor:
        """One row for each condition of a batch."""
        draw = randomness.generator(randomness.SAMPLE, seed)
        z = torch.randn(len(batch["condition"]), self.latent_dim, generator=draw)
        return self.decode(z, batch["condition"])

    # What packs ask of a minibatch -----------------------------------------------------------

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        super().on_train_batch_start(batch, batch_idx)
        rows, pac = len(batch["row"]) // self.accumulate, self.discriminator.pac
        if rows % pac:
            raise UserError(
                f"data.batch_size={self.batch_size}: {rows} rows for each process and accumulated"
                f" part do not divide into packs of model.discriminator.pac={pac}; choose a"
                f" multiple of {pac * self.accumulate * self.trainer.world_size}"
            )
