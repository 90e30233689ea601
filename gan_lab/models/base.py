"""The engine: every GAN here is a set of players that take turns descending their own loss.

A variant writes what each player minimises; its `training_step` is the paper's algorithm box in
ordinary Python, with the one verb `descend`. Freezing, accumulation, precision, clipping, gradient
exchange, averaging and keyed randomness live here and nowhere else.
"""

import copy
from collections.abc import Callable, Iterator, Mapping

import lightning as L
import torch
from torch import Tensor, nn

from gan_lab import randomness
from gan_lab.augment.base import Augmentation
from gan_lab.engine import layers
from gan_lab.engine.answering import Answering
from gan_lab.engine.sampling import Batch, Sampling
from gan_lab.errors import UserError
from gan_lab.media import Medium, usual_medium
from gan_lab.optim import Optimizer, OptimizerFactory, Schedule
from gan_lab.strategy import average_, gather

Loss = Callable[[Batch], Tensor]
Critic = Callable[..., Tensor]  # samples, and labels if it takes them, to logits


class DivergedError(UserError):
    """A loss or a weight is not a number any more."""


class Game(L.LightningModule):
    """Players that take turns descending their own loss (Goodfellow et al. 2014, Algorithm 1).

    Its two kinds are `GAN`, whose generator draws from noise, and `Translator`, whose generator
    answers what a batch holds.

    A variant defines

        discriminator_loss(batch) -> scalar    only the discriminator learns from it
        generator_loss(batch)     -> scalar    only the generator learns from it

    and overrides `training_step` where its paper's algorithm box is not "one step each".

    Args:
        generator: what it takes to samples (B, *shape) in [-1, 1].
        discriminator: samples to logits (B,).
        optimizers: player -> optimizer factory. The keys name the players, which are attributes.
        schedule: kimg -> factor on every learning rate; constant if None.
        augment: what happens to all that the discriminator sees; nothing if None.
        accumulate: parts that each process computes its minibatch in, to save memory.
        clip_norm: largest norm of a player's gradient; None leaves it alone.
        ema_halflife_kimg: half-life of the averaged generator, in thousands of real images.
        ema_rampup: the half-life is at most this share of the images seen so far.
        medium: what samples are, see `gan_lab.media`; by their shape if None.
        seed: key of every random draw of training.
    """

    takes: tuple[str, ...] = ("image",)  # what a batch must hold
    twice_differentiated: tuple[str, ...] = ()  # players whose gradient is penalised: not compiled

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        optimizers: Mapping[str, OptimizerFactory],
        *,
        schedule: Schedule | None = None,
        augment: Augmentation | None = None,
        accumulate: int = 1,
        clip_norm: float | None = None,
        ema_halflife_kimg: float = 10.0,
        ema_rampup: float = 0.05,
        medium: Medium | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator = generator
        self.discriminator = discriminator
        self.generator_ema = copy.deepcopy(generator).eval().requires_grad_(False)
        self.augment = Augmentation() if augment is None else augment
        self.optimizer_factories = dict(optimizers)
        self.schedule = schedule
        self.accumulate = accumulate
        self.clip_norm = clip_norm
        self.ema_halflife_kimg = ema_halflife_kimg
        self.ema_rampup = ema_rampup
        self.medium = usual_medium(self.shape) if medium is None else medium
        self.seed = seed

        self.iteration = 0  # index of the current training step, constant while it runs
        self.steps_done = 0  # training steps begun, thus done whenever a callback looks
        self.batch_size = 0  # minibatch of all processes together
        self.images_averaged = 0  # images seen when the averaged generator last moved
        self._reports: dict[str, list[Tensor]] = {}
        self._kept: dict[str, list[Tensor]] = {}  # of turns before, one for each part
        self._restored_scalers: dict[str, dict] = {}
        self._learning: tuple[str, ...] = ()  # the players whose turn it is
        self._rows_meet = layers.rows_meet(discriminator)
        self._turn = self._part = self._draws = 0  # where in the training step a draw happens
        self._random = torch.Generator()

    # What a variant defines ------------------------------------------------------------------

    def discriminator_loss(self, batch: Batch) -> Tensor:
        raise NotImplementedError

    def generator_loss(self, batch: Batch) -> Tensor:
        raise NotImplementedError

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """The algorithm box."""
        self.descend("discriminator", self.discriminator_loss, batch)
        self.descend("generator", self.generator_loss, batch)

    # The verbs it speaks ---------------------------------------------------------------------

    def descend(
        self, players: str | tuple[str, ...], loss: Loss, batch: Batch, weight: float = 1.0
    ) -> None:
        """One optimizer step of `players` down `weight * loss(batch)`; all others stay as they are.

        Args:
            players: name or names of the players that learn.
            loss: batch -> scalar; called once for each accumulated part.
            batch: this process's minibatch.
            weight: factor on the loss, such as the interval of a lazy penalty.
        """
        players = (players,) if isinstance(players, str) else players
        name = loss.__name__.removesuffix("_loss")
        self._thaw(players)
        self._learning = players
        statistics = [s for player in players for s in self._statistics[player]]
        start = _clones(statistics) if self.accumulate > 1 else []
        moved: list[Tensor] = []  # sums over the parts, each of which moves them from the start
        for index, part in enumerate(self._split(batch)):
            self._part, self._draws = index, 0
            value = loss(part)
            self.report(f"loss/{name}", value)
            self._backward(value * (weight / self.accumulate), players[0])
            if self.accumulate > 1:
                self._rest_spectral_norms(players)  # one power iteration, as for the whole
            if start:
                moved = [s + m for s, m in zip(statistics, moved)] if moved else _clones(statistics)
                torch._foreach_copy_(statistics, start)
        if moved:
            torch._foreach_copy_(statistics, torch._foreach_div(moved, self.accumulate))
        for player in players:
            self._step(player)
        self._freeze(players)
        self._learning = ()
        self._turn += 1
        if "generator" in players:
            self._average_generator()

    def every(self, steps: int) -> bool:
        """True on the last of each run of `steps` training steps."""
        return (self.iteration + 1) % steps == 0

    @property
    def kimg(self) -> float:
        """Thousands of real images that all processes had seen before this training step."""
        return self.kimg_at(self.iteration)

    @property
    def stage(self) -> int:
        """Of training, for games whose loss changes: the best of the last one is kept."""
        return 0

    def kimg_at(self, iterations: int) -> float:
        """Thousands of real images that all processes see in so many training steps."""
        return iterations * self.batch_size / 1000

    def normal(self, like: Tensor, *shape: int) -> Tensor:
        """Standard normal numbers, (B, *shape): a draw of its own for each row of `like`."""
        return self._draw(torch.randn, len(like), *shape)

    def uniform(self, like: Tensor, *shape: int) -> Tensor:
        """u ~ U[0, 1), (B, *shape); without a shape (B, 1, ...), broadcastable to `like`."""
        return self._draw(torch.rand, len(like), *(shape or [1] * (like.ndim - 1)))

    def augmented(self, images: Tensor) -> Tensor:
        """Pictures (B, C, H, W) as the discriminator is to see them."""
        if self.augment.num_draws == 0:
            return self.augment(images, images.new_empty(len(images), 0))
        return self.augment(images, self.uniform(images, self.augment.num_draws))

    def judge(
        self,
        real: Tensor,
        fake: Tensor,
        label: Tensor | None = None,
        by: Critic | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Logits (B,), or (B, h, w) of patches, of real and of fake samples.

        From one pass of the discriminator, or from one for each where its rows see each other, by
        batch norm or minibatch deviation: they must not see the mixture. `by` is one of several
        discriminators, or one with what else it is told of the rows.
        """
        real, fake = self.augmented(real), self.augmented(fake)
        if self._rows_meet:
            real_logits, fake_logits = self._logits(real, label, by), self._logits(fake, label, by)
        else:
            both = None if label is None else torch.cat([label, label])
            real_logits, fake_logits = self._logits(torch.cat([real, fake]), both, by).chunk(2)
        self.observe(real_logits, fake_logits)
        return real_logits, fake_logits

    def judge_fake(
        self, fake: Tensor, label: Tensor | None = None, by: Critic | None = None
    ) -> Tensor:
        """Logits of fake samples alone, as `judge` gives them: what the generator plays against."""
        return self._logits(self.augmented(fake), label, by)

    def observe(self, real_logits: Tensor, fake_logits: Tensor) -> None:
        """Report the logits (B,), and show the augmentation the real ones.

        `judge` does it; in turns of other players than the discriminator nothing happens.
        """
        if "discriminator" in self._learning:
            self.report("logits/real", real_logits)
            self.report("logits/fake", fake_logits)
            self.augment.observe(real_logits.detach())

    def keep(self, name: str, value: Tensor) -> Tensor:
        """Keep what this turn made, (B, ...), for a turn to come in this step; gives it back."""
        self._kept.setdefault(name, []).append(value.detach())
        return value

    def kept(self, name: str) -> Tensor:
        """What a turn before kept, for the whole minibatch of this process, without its graph."""
        return torch.cat(self._kept.pop(name))

    def report(self, name: str, value: Tensor) -> None:
        """Keep the mean of `value` for the loggers, on the device; read by `take_reports`."""
        self._reports.setdefault(name, []).append(value.detach().mean())

    # What the loop asks of it -----------------------------------------------------------------

    def take_reports(self) -> dict[str, float]:
        """Means of what was reported since the last call, averaged over the processes.

        Every process must call it. This is the training loop's only read of the device.

        Raises:
            DivergedError: a value is not finite.
        """
        if not self._reports:
            return {}
        means = torch.stack([torch.stack(values).mean() for values in self._reports.values()])
        average_([means])
        reports = dict(zip(self._reports, means.tolist(), strict=True))
        self._reports.clear()
        broken = [name for name, value in reports.items() if not abs(value) < float("inf")]
        if broken:
            raise DivergedError(
                f"training diverged: {', '.join(broken)} stopped being a finite number by iteration"
                f" {self.steps_done} ({self.kimg_at(self.steps_done):.1f} kimg). Try a smaller"
                " learning rate, a stronger penalty, or trainer.precision=bf16-mixed"
            )
        return reports

    def all_finite(self) -> bool:
        """Whether every weight of every player is a finite number."""
        norms = torch._foreach_norm([w for ws in self._weights.values() for w in ws])
        return bool(torch.isfinite(torch.stack(norms)).all())

    # Machinery: turns ------------------------------------------------------------------------

    def configure_optimizers(self) -> list[Optimizer]:
        self._weights = {
            player: [w for w in getattr(self, player).parameters() if w.requires_grad]
            for player in self.optimizer_factories
        }
        return [make(self._weights[player]) for player, make in self.optimizer_factories.items()]

    def on_fit_start(self) -> None:
        self._optimizer = dict(zip(self._weights, self.trainer.optimizers, strict=True))
        self._switches = {
            player: layers.switches(getattr(self, player)) for player in self._weights
        }
        self._statistics = {
            player: layers.statistics(getattr(self, player)) for player in self._weights
        }
        self._averages = list(self.generator_ema.parameters()), list(self.generator.parameters())
        self._copies = list(self.generator_ema.buffers()), list(self.generator.buffers())
        self._random = torch.Generator(device=self.device)
        needs_scaler = self.trainer.precision == "16-mixed"
        self._scaler = {
            player: torch.amp.GradScaler(self.device.type, enabled=needs_scaler)
            for player in self._weights
        }
        for player, state in self._restored_scalers.items():
            if state:  # empty where the run went on from another precision
                self._scaler[player].load_state_dict(state)
        self._reports = {
            name: [value.to(self.device) for value in values]
            for name, values in self._reports.items()
        }
        self._freeze(tuple(self._weights))

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        rows = len(next(iter(batch.values())))
        if rows % self.accumulate:
            raise UserError(
                f"model.accumulate={self.accumulate} does not divide the {rows} images that each"
                " process gets of data.batch_size; choose a divisor"
            )
        self.batch_size = rows * self.trainer.world_size
        if self.steps_done:
            self.augment.adapt(self.batch_size)
        self.iteration = self.steps_done
        self.steps_done += 1
        self._turn = 0
        for name, value in self.augment.reports().items():
            self.report(f"augment/{name}", value)
        randomness.seed_all(
            self.device, randomness.STEP, self.seed, self.iteration, self.global_rank
        )
        # Lightning's own clock counts optimizer steps; let it count training steps instead.
        counter = self.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        counter.increment_ready()
        counter.increment_completed()
        if self.schedule is not None:
            factor = self.schedule(self.kimg)
            for optimizer in self._optimizer.values():
                for group in optimizer.param_groups:
                    group["lr"] = factor * group.setdefault("initial_lr", group["lr"])

    def on_fit_end(self) -> None:
        self._thaw(tuple(self._weights))

    def _thaw(self, players: tuple[str, ...]) -> None:
        for player in players:
            for weight in self._weights[player]:
                weight.requires_grad = True
            for module, switch in self._switches[player]:
                setattr(module, switch, True)

    def _freeze(self, players: tuple[str, ...]) -> None:
        for player in players:
            for weight in self._weights[player]:
                weight.requires_grad = False
                weight.grad = None
            for module, switch in self._switches[player]:
                setattr(module, switch, False)

    def _logits(
        self, images: Tensor, label: Tensor | None, discriminator: Critic | None = None
    ) -> Tensor:
        discriminator = discriminator or self.discriminator
        return discriminator(images) if label is None else discriminator(images, label)

    def _rest_spectral_norms(self, players: tuple[str, ...]) -> None:
        for player in players:
            for layer in layers.spectral_norms(getattr(self, player)):
                layer.training = False

    def _split(self, batch: Batch) -> Iterator[Batch]:
        if self.accumulate == 1:
            return iter([batch])
        parts = zip(*(value.chunk(self.accumulate) for value in batch.values()), strict=True)
        return (dict(zip(batch, part, strict=True)) for part in parts)

    def _backward(self, loss: Tensor, player: str) -> None:
        with torch.autocast(self.device.type, enabled=False):
            self._scaler[player].scale(loss).backward()

    def _step(self, player: str) -> None:
        optimizer, scaler = self._optimizer[player], self._scaler[player]
        gradients = [w.grad for w in self._weights[player] if w.grad is not None]
        if self.trainer.world_size > 1:
            average_(gradients + self._statistics[player])
        if scaler.is_enabled():
            scaler.unscale_(optimizer)
        if self.steps_done % self.trainer.log_every_n_steps == 0:
            norm = torch.stack(torch._foreach_norm(gradients)).norm()
            self.report(f"gradient_norm/{player}", norm)
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self._weights[player], self.clip_norm)
        if scaler.is_enabled():
            scaler.step(optimizer)
            scaler.update()
        else:
            optimizer.step()

    @torch.no_grad()
    def _average_generator(self) -> None:
        images = self.steps_done * self.batch_size
        half_life = min(1000 * self.ema_halflife_kimg, images * self.ema_rampup)
        passed = images - self.images_averaged
        torch._foreach_lerp_(*self._averages, 1 - 0.5 ** (passed / max(half_life, 1e-8)))
        if self._copies[0]:
            torch._foreach_copy_(*self._copies)
        self.images_averaged = images

    # Machinery: randomness -------------------------------------------------------------------

    def _draw(self, kind: Callable[..., Tensor], rows: int, *shape: int) -> Tensor:
        """Rows of one draw for the whole minibatch, whatever processes and parts share it."""
        self._random.manual_seed(
            randomness.key(randomness.LATENT, self.seed, self.iteration, self._turn, self._draws)
        )
        self._draws += 1
        parts = self.trainer.world_size * self.accumulate
        first = rows * (self.global_rank * self.accumulate + self._part)
        drawn = kind(rows * parts, *shape, generator=self._random, device=self.device)
        return drawn if parts == 1 else drawn[first : first + rows]

    # Machinery: checkpoints ------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["gan"] = {
            "steps_done": self.steps_done,
            "batch_size": self.batch_size,
            "images_averaged": self.images_averaged,
            "world_size": self.trainer.world_size,
            "scalers": {player: scaler.state_dict() for player, scaler in self._scaler.items()},
            "reports": {
                name: gather(torch.stack(values)).cpu() for name, values in self._reports.items()
            },
        }

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        state = checkpoint["gan"]
        self.iteration = self.steps_done = state["steps_done"]
        self.batch_size = state["batch_size"]
        self.images_averaged = state["images_averaged"]
        self._restored_scalers = state["scalers"]
        if self._trainer is None:
            return
        if state["world_size"] == self.trainer.world_size:
            self._reports = {
                name: list(values[self.global_rank]) for name, values in state["reports"].items()
            }


class GAN(Sampling, Game):
    """A game whose generator draws from noise: latents (B, Z), and labels (B,) if it takes them.

    Its generator carries `latent_dim`, `shape` and `num_classes`; see `Sampling`.
    """

    def label(self, batch: Batch) -> Tensor | None:
        """The batch's labels (B,); None for a model that takes none."""
        return batch["label"] if self.conditional else None

    def latent(self, like: Tensor) -> Tensor:
        """z ~ N(0, I), one row for each row of `like`: (B, Z)."""
        return self.normal(like, self.latent_dim)


class Translator(Answering, Game):
    """A game whose generator answers what a batch holds, such as a picture by its translation."""


def _clones(tensors: list[Tensor]) -> list[Tensor]:
    return [tensor.clone() for tensor in tensors]
