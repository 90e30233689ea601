"""What the laboratory costs on top of a bare PyTorch loop.

    python benchmarks/overhead.py

Trains by `train.py`'s own path with W&B offline, CSV, health and progress bar on. Every so many
steps the run pauses and a bare loop of the same networks, losses, optimizers and batch takes as
many, so both see the same machine at the same time. The bare loop is what a careful person writes:
fused Adam, the resting player frozen, no averaged generator, no logging, no checks. It plays the
paper's whole game, StyleGAN2's mixed styles, fresh noise and lazy penalties included.
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

from gan_lab.data.base import Reals
from gan_lab.models.base import GAN, Game
from gan_lab.training import train

ROOT = Path(__file__).parents[1]


class BareLoop:
    """The non-saturating game, written out."""

    betas = (0.5, 0.999)

    def __init__(self, gan: Game, reals: Reals, batch_size: int) -> None:
        self.generator = copy.deepcopy(gan.generator).requires_grad_(True).train()
        self.discriminator = copy.deepcopy(gan.discriminator).requires_grad_(True).train()
        for module in (*self.generator.modules(), *self.discriminator.modules()):
            if isinstance(module, torch.nn.BatchNorm2d):
                module.track_running_stats = True
        self.batch_size = batch_size
        self.take(gan, reals)
        self.joint = not any(
            isinstance(m, torch.nn.BatchNorm2d) for m in self.discriminator.modules()
        )
        options = {"lr": 2e-4, "betas": self.betas, "fused": True}
        self.optimizer_g = torch.optim.Adam(self.generator.parameters(), **options)
        self.optimizer_d = torch.optim.Adam(self.discriminator.parameters(), **options)
        self.steps_done = 0

    def take(self, gan: GAN, reals: Reals) -> None:
        """What a step draws from."""
        self.images, self.latent_dim = reals.images(range(len(reals))), gan.latent_dim

    def real(self) -> torch.Tensor:
        chosen = torch.randint(len(self.images), (self.batch_size,))
        return self.images[chosen].float().div_(127.5).sub_(1)

    def step(self) -> None:
        B, D, G = self.batch_size, self.discriminator, self.generator
        real = self.real()
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


class BareR3GAN(BareLoop):
    """Relativistic pairing with R1 and R2, written out."""

    betas = (0.0, 0.99)

    def step(self) -> None:
        B, D, G = self.batch_size, self.discriminator, self.generator
        real = self.real()
        with torch.no_grad():
            fake = G(torch.randn(B, self.latent_dim))
        both = torch.cat([real, fake]).requires_grad_()
        logits = D(both)
        (gradient,) = torch.autograd.grad(logits.sum(), both, create_graph=True)
        penalty = gradient.square().sum([1, 2, 3])
        real_logits, fake_logits = logits.chunk(2)
        loss = softplus(fake_logits - real_logits) + 0.05 * (penalty[:B] + penalty[B:])
        loss.mean().backward()
        self.optimizer_d.step()
        self.optimizer_d.zero_grad()

        D.requires_grad_(False)
        fake = G(torch.randn(B, self.latent_dim))
        real_logits, fake_logits = D(torch.cat([real, fake])).chunk(2)
        softplus(real_logits - fake_logits).mean().backward()
        self.optimizer_g.step()
        self.optimizer_g.zero_grad()
        D.requires_grad_(True)


class BareStyleGAN2(BareLoop):
    """The non-saturating game with lazy R1 and path lengths, written out."""

    betas = (0.0, 0.99)

    def styles(self, B: int) -> torch.Tensor:
        G = self.generator
        first, second = G.mapping(torch.randn(2 * B, self.latent_dim)).chunk(2)
        start = torch.randint(1, G.num_ws, (B, 1)).where(torch.rand(B, 1) < 0.9, G.num_ws)
        return torch.where((torch.arange(G.num_ws) < start)[..., None], first, second)

    def fake(self, ws: torch.Tensor) -> torch.Tensor:
        return self.generator.synthesis(ws, torch.randn(len(ws), self.generator.num_noise))

    def step(self) -> None:
        B, D = self.batch_size, self.discriminator
        self.steps_done += 1
        real = self.real()
        with torch.no_grad():
            fake = self.fake(self.styles(B))
        (softplus(-D(real)) + softplus(D(fake))).mean().backward()
        self.optimizer_d.step()
        self.optimizer_d.zero_grad()
        if self.steps_done % 16 == 0:
            real.requires_grad_()
            (gradient,) = torch.autograd.grad(D(real).sum(), real, create_graph=True)
            (16 * 5 * gradient.square().sum([1, 2, 3]).mean()).backward()
            self.optimizer_d.step()
            self.optimizer_d.zero_grad()

        D.requires_grad_(False)
        softplus(-D(self.fake(self.styles(B)))).mean().backward()
        self.optimizer_g.step()
        self.optimizer_g.zero_grad()
        if self.steps_done % 4 == 0:
            ws = self.styles(B // 2)
            fake = self.fake(ws)
            noise = torch.randn_like(fake) / fake[0, 0].numel() ** 0.5
            (gradient,) = torch.autograd.grad((fake * noise).sum(), ws, create_graph=True)
            lengths = gradient.square().sum(2).mean(1).sqrt()
            (4 * 2 * (lengths - 1).square().mean()).backward()
            self.optimizer_g.step()
            self.optimizer_g.zero_grad()
        D.requires_grad_(True)


class BareCycleGAN(BareLoop):
    """Cycles, identities and pools as the original implementation orders its passes: each mapping
    is applied to its source once, and the discriminators see the same fakes through a pool."""

    def take(self, gan: Game, reals: Reals) -> None:
        self.reals = reals
        self.pools: tuple[list, list] = [], []

    def pictures(self, domain: str) -> torch.Tensor:
        chosen = torch.randint(len(self.reals), (self.batch_size,))
        return self.reals.batch(chosen, [domain])[domain].float().div_(127.5).sub_(1)

    def from_pool(self, pool: list, fakes: torch.Tensor) -> torch.Tensor:
        given = []
        for fake in fakes.detach():
            if len(pool) < 50:
                pool.append(fake)
            elif torch.rand(()) < 0.5:
                place = int(torch.randint(50, ()))
                fake, pool[place] = pool[place], fake
            given.append(fake)
        return torch.stack(given)

    def step(self) -> None:
        F, G = self.generator.b_to_a, self.generator.a_to_b
        D_a, D_b = self.discriminator.a, self.discriminator.b
        a, b = self.pictures("domain_a"), self.pictures("domain_b")
        self.discriminator.requires_grad_(False)
        fake_b, fake_a = G(a), F(b)
        loss = (D_b(fake_b) - 1).square().mean() + (D_a(fake_a) - 1).square().mean()
        loss = loss + 10 * ((F(fake_b) - a).abs().mean() + (G(fake_a) - b).abs().mean())
        loss = loss + 5 * ((G(b) - b).abs().mean() + (F(a) - a).abs().mean())
        loss.backward()
        self.optimizer_g.step()
        self.optimizer_g.zero_grad()

        self.discriminator.requires_grad_(True)
        for pool, D, real, fake in zip(self.pools, (D_a, D_b), (a, b), (fake_a, fake_b)):
            logits = D(torch.cat([real, self.from_pool(pool, fake)]))
            real_logits, fake_logits = logits.chunk(2)
            ((real_logits - 1).square().mean() / 2 + fake_logits.square().mean() / 2).backward()
        self.optimizer_d.step()
        self.optimizer_d.zero_grad()


def cycle(px: int) -> list[str]:
    return ["model=cyclegan", "data=unpaired", f"data.resolution={px}", "data.num=64"]


def style(px: int) -> list[str]:
    widths = ["model.generator.width=16", "model.discriminator.width=16"]
    depth = ["model.generator.max_width=64", "model.discriminator.max_width=64"]
    sizes = ["model.generator.latent_dim=64", "model.generator.w_dim=64"]
    return ["model=stylegan2", f"data.resolution={px}", *widths, *depth, *sizes]


def residual(px: int) -> list[str]:
    players = ("generator", "discriminator")
    sizes = [f"model.{p}.{s}" for p in players for s in ("width=64", "num_blocks=1", "num_full=1")]
    return ["model=r3gan", f"data.resolution={px}", *sizes]


CASES = {  # name: (overrides, the bare loop, batch size, steps of a block, largest ratio)
    "DCGAN, 32 px, batch 64": (["model=dcgan", "data.resolution=32"], BareLoop, 64, 8, 1.03),
    "MLP GAN, digits, batch 64": (["model=gan"], BareLoop, 64, 300, 1.25),
    "R3GAN, 32 px, batch 32": (residual(32), BareR3GAN, 32, 4, 1.05),
    "R3GAN, 64 px, batch 16": (residual(64), BareR3GAN, 16, 4, 1.05),
    "StyleGAN2, 32 px, batch 32": (style(32), BareStyleGAN2, 32, 16, 1.05),
    "StyleGAN2, 64 px, batch 16": (style(64), BareStyleGAN2, 16, 16, 1.05),
    "CycleGAN, 128 px, batch 1": (cycle(128), BareCycleGAN, 1, 4, 1.05),
}


class Interleave(L.Callback):
    """Lets the run and the bare loop take turns, and keeps the seconds of each block."""

    def __init__(self, block: int, loop: str) -> None:
        self.block, self.loop_class = block, globals()[loop]
        self.ours: list[float] = []
        self.bare: list[float] = []
        self.began = 0.0

    def on_train_start(self, trainer: L.Trainer, gan: Game) -> None:
        reals = trainer.datamodule.reals()
        self.loop = self.loop_class(gan, reals, trainer.datamodule.batch_size)
        for _ in range(self.block):
            self.loop.step()

    def on_train_batch_end(self, trainer: L.Trainer, gan: Game, *_: object) -> None:
        if gan.steps_done % self.block:
            return
        if gan.steps_done > self.block:  # the first block warms up
            self.ours.append(time.perf_counter() - self.began)
            began = time.perf_counter()
            for _ in range(self.block):
                self.loop.step()
            self.bare.append(time.perf_counter() - began)
        self.began = time.perf_counter()


def measure(
    overrides: list[str], loop: type[BareLoop], batch_size: int, block: int, rounds: int
) -> tuple[float, float]:
    """Median milliseconds of a step: (ours, bare)."""
    kimg = block * (rounds + 1) * batch_size / 1000
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
                f"data.batch_size={batch_size}",
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
            interleave = {"_target_": f"{__name__}.Interleave", "block": block}
            config.callbacks.interleave = {**interleave, "loop": loop.__name__}
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
    parser.add_argument("--only", default="", help="cases whose name begins so")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = []
    for name, (*case, most) in CASES.items():
        if not name.startswith(options.only):
            continue
        ours, bare = measure(*case, options.rounds)
        rows.append(f"{name:28}{ours:10.3f}{bare:10.3f}{ours / bare:9.3f}{most:9.2f}")
    print(f"\n{'':28}{'ours ms':>10}{'bare ms':>10}{'ratio':>9}{'at most':>9}")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
