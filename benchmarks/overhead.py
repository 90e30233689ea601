"""What the laboratory costs on top of a bare PyTorch loop.

    python benchmarks/overhead.py

Trains by `train.py`'s own path with W&B offline, CSV, health and progress bar on. Every so many
steps the run pauses and a bare loop of the same networks, losses, optimizers and batch takes as
many, so both see the same machine at the same time. The bare loop is what a careful person writes:
fused Adam, the resting player frozen, no averaged generator, no logging, no checks.
"""

import argparse
import copy
import statistics
import tempfile
import time
from pathlib import Path

import hydra
import lightning as L
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import open_dict
from torch.nn.functional import softplus

from gan_lab.models.base import GAN
from gan_lab.training import train

ROOT = Path(__file__).parents[1]
CASES = {  # name: (overrides, steps of a block, largest ratio)
    "DCGAN, 32 px, batch 64": (["model=dcgan", "data.resolution=32"], 8, 1.03),
    "MLP GAN, digits, batch 64": (["model=gan"], 300, 1.25),
}


class BareLoop:
    """The non-saturating game, written out."""

    def __init__(self, gan: GAN, images: torch.Tensor, batch_size: int) -> None:
        self.generator = copy.deepcopy(gan.generator).requires_grad_(True).train()
        self.discriminator = copy.deepcopy(gan.discriminator).requires_grad_(True).train()
        for module in (*self.generator.modules(), *self.discriminator.modules()):
            if isinstance(module, torch.nn.BatchNorm2d):
                module.track_running_stats = True
        self.images, self.batch_size, self.latent_dim = images, batch_size, gan.latent_dim
        self.joint = not any(
            isinstance(m, torch.nn.BatchNorm2d) for m in self.discriminator.modules()
        )
        options = {"lr": 2e-4, "betas": (0.5, 0.999), "fused": True}
        self.optimizer_g = torch.optim.Adam(self.generator.parameters(), **options)
        self.optimizer_d = torch.optim.Adam(self.discriminator.parameters(), **options)

    def step(self) -> None:
        B, D, G = self.batch_size, self.discriminator, self.generator
        chosen = torch.randint(len(self.images), (B,))
        real = self.images[chosen].float().div_(127.5).sub_(1)
        with torch.no_grad():
            fake = G(torch.randn(B, self.latent_dim))
        if self.joint:
            real_logits, fake_logits = D(torch.cat([real, fake])).chunk(2)
        else:
            real_logits, fake_logits = D(real), D(fake)
        (softplus(-real_logits) + softplus(fake_logits)).mean().backward()
        self.optimizer_d.step()
        self.optimizer_d.zero_grad()

        D.requires_grad_(False)
        softplus(-D(G(torch.randn(B, self.latent_dim)))).mean().backward()
        self.optimizer_g.step()
        self.optimizer_g.zero_grad()
        D.requires_grad_(True)


class Interleave(L.Callback):
    """Lets the run and the bare loop take turns, and keeps the seconds of each block."""

    def __init__(self, block: int) -> None:
        self.block = block
        self.ours: list[float] = []
        self.bare: list[float] = []
        self.began = 0.0

    def on_train_start(self, trainer: L.Trainer, gan: GAN) -> None:
        reals = trainer.datamodule.reals()
        images = reals.images(range(len(reals)))
        self.loop = BareLoop(gan, images, trainer.datamodule.batch_size)
        for _ in range(self.block):
            self.loop.step()

    def on_train_batch_end(self, trainer: L.Trainer, gan: GAN, *_: object) -> None:
        if gan.steps_done % self.block:
            return
        if gan.steps_done > self.block:  # the first block warms up
            self.ours.append(time.perf_counter() - self.began)
            began = time.perf_counter()
            for _ in range(self.block):
                self.loop.step()
            self.bare.append(time.perf_counter() - began)
        self.began = time.perf_counter()


def measure(overrides: list[str], block: int, rounds: int) -> tuple[float, float]:
    """Median milliseconds of a step: (ours, bare)."""
    kimg = block * (rounds + 1) * 64 / 1000
    far = [f"trainer.{what}_every_kimg=1e9" for what in ("evaluate", "sample", "checkpoint")]
    with (
        tempfile.TemporaryDirectory() as folder,
        hydra.initialize_config_dir(str(ROOT / "conf"), version_base="1.3"),
    ):
        config = hydra.compose(
            "train",
            [
                *overrides,
                *far,
                "data.batch_size=64",
                "metrics=none",
                f"trainer.kimg={kimg}",
                f"run_dir={folder}/run",
            ],
            return_hydra_config=True,
        )
        HydraConfig.instance().set_config(config)
        config = copy.deepcopy(config)
        with open_dict(config):
            config.pop("hydra")
            config.callbacks.interleave = {"_target_": f"{__name__}.Interleave", "block": block}
        kept: list[Interleave] = []
        Interleave.setup = lambda self, *_, **__: kept.append(self)
        train(config, [])
    ours, bare = kept[0].ours, kept[0].bare
    return (
        1000 * statistics.median(ours) / block,
        1000 * statistics.median(bare) / block,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="blocks of each (at least 7)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = []
    for name, (overrides, block, most) in CASES.items():
        ours, bare = measure(overrides, block, options.rounds)
        rows.append(f"{name:28}{ours:10.3f}{bare:10.3f}{ours / bare:9.3f}{most:9.2f}")
    print(f"\n{'':28}{'ours ms':>10}{'bare ms':>10}{'ratio':>9}{'at most':>9}")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
