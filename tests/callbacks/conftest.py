"""A GAN of a few weights and data of a few pixels, trained by the real engine in milliseconds."""

from pathlib import Path

import lightning as L
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gan_lab.data.base import ArrayReals, DataModule
from gan_lab.models.base import GAN
from gan_lab.optim import adam
from gan_lab.trainer import build_trainer

BATCH = 10


class TinyGenerator(nn.Module):
    latent_dim, num_classes = 3, None

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.shape = shape
        self.layer = nn.Linear(3, torch.Size(shape).numel())

    def forward(self, z: Tensor) -> Tensor:
        return self.layer(z).tanh().unflatten(1, self.shape)


class TinyGAN(GAN):
    def discriminator_loss(self, batch: dict[str, Tensor]) -> Tensor:
        real = batch["image"]
        real_logits, fake_logits = self.judge(real, self.generator(self.latent(real)))
        return (softplus(-real_logits) + softplus(fake_logits)).mean()

    def generator_loss(self, batch: dict[str, Tensor]) -> Tensor:
        fake = self.generator(self.latent(batch["image"]))
        return softplus(-self.discriminator(fake).flatten()).mean()


class TinyData(DataModule):
    def __init__(self, shape: tuple[int, ...]):
        super().__init__(name="tiny", shape=shape, num_classes=None, batch_size=BATCH, seed=0)

    def load(self, split: str) -> ArrayReals:
        draw = torch.Generator().manual_seed(0)
        if len(self.shape) == 1:
            return ArrayReals(torch.rand(100, *self.shape, generator=draw) - 0.5)
        pixels = torch.randint(256, (100, *self.shape), generator=draw)
        return ArrayReals(pixels.to(torch.uint8))


def fit(
    folder: Path,
    callbacks: list[L.Callback],
    *,
    loggers: tuple = (),
    steps: int = 20,
    checkpoint: Path | None = None,
    shape: tuple[int, ...] = (1, 4, 4),
) -> L.Trainer:
    """Train a tiny GAN for `steps` minibatches of 10; take `checkpoint` up if there is one."""
    torch.manual_seed(0)
    discriminator = nn.Sequential(
        nn.Flatten(), nn.Linear(torch.Size(shape).numel(), 1), nn.Flatten(0)
    )
    factory = adam(lr=1e-2)
    gan = TinyGAN(
        TinyGenerator(shape), discriminator, {"discriminator": factory, "generator": factory}
    )
    trainer = build_trainer(
        run_dir=folder,
        batch_size=BATCH,
        callbacks=callbacks,
        loggers=loggers,
        kimg=steps * BATCH / 1000,
        accelerator="cpu",
    )
    trainer.fit(gan, TinyData(shape), ckpt_path=checkpoint, weights_only=True)
    return trainer


class Save(L.Callback):
    """Saves a checkpoint after step `at`, and dies after step `kill`."""

    def __init__(self, at: int, kill: int):
        self.at, self.kill = at, kill

    def on_train_batch_end(self, trainer: L.Trainer, gan: GAN, *_: object) -> None:
        if gan.steps_done == self.at:
            trainer.save_checkpoint(Path(trainer.default_root_dir) / "last.ckpt")
        if gan.steps_done == self.kill:
            raise MemoryError("killed")


@pytest.fixture(name="fit")
def fit_fixture():
    return fit


@pytest.fixture
def fit_with_a_kill():
    """Trains like `fit`, but is killed after step `kill` and taken up again from step `at`."""

    def train(folder, make_callbacks, *, make_loggers=tuple, at=12, kill=18, **options):
        with pytest.raises(MemoryError):
            fit(folder, [*make_callbacks(), Save(at, kill)], loggers=make_loggers(), **options)
        last = folder / "last.ckpt"
        return fit(folder, make_callbacks(), loggers=make_loggers(), checkpoint=last, **options)

    return train
