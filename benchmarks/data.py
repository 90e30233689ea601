"""How fast batches arrive, and how long a training step waits for them.

    python benchmarks/data.py                      # on pictures that it makes itself
    python benchmarks/data.py --root PICTURES      # on a folder or archive of yours
    python benchmarks/data.py --pairs 3000         # instead: pairs at 256 px, in memory and mapped

Sources are timed in turns; the table gives medians.
"""

import argparse
import io
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn.functional import softplus

from gan_lab.apps.pack import main as pack
from gan_lab.data.base import ArrayReals
from gan_lab.data.folder import Folder
from gan_lab.data.packed import Packed
from gan_lab.data.pairs import Pairs
from gan_lab.data.stream import Batch
from gan_lab.networks.dcgan import DCGANDiscriminator, DCGANGenerator

PREPARED = 12  # batches, more than workers keep ready: these are fetched before timing


def make_jpegs(folder: Path, count: int, size: int, seed: int = 0) -> None:
    """Write smooth random pictures; photographs take about as long to decode."""
    random = np.random.default_rng(seed)
    for number in range(count):
        pixels = random.integers(0, 256, (8, 8, 3), np.uint8)
        image = Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=90)
        (folder / f"{number:06}.jpg").write_bytes(buffer.getvalue())


def rate(batches: Iterator[Batch], count: int) -> float:
    """Images per second of some batches."""
    start = time.perf_counter()
    images = sum(len(next(batches)["image"]) for _ in range(count))
    return images / (time.perf_counter() - start)


def dcgan_step(shape: tuple[int, ...]) -> Callable[[Tensor], None]:
    """One plain training step of a DCGAN: real pictures -> nothing."""
    G, D = DCGANGenerator(shape), DCGANDiscriminator(shape)
    optimizers = [torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (G, D)]

    def descend(net: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        net.zero_grad()
        loss.backward()
        optimizer.step()

    def step(real: Tensor) -> None:
        fake = G(torch.randn(len(real), G.latent_dim))
        loss = softplus(-D(real)).mean() + softplus(D(fake.detach())).mean()
        descend(D, optimizers[1], loss)
        descend(G, optimizers[0], softplus(-D(fake)).mean())

    return step


def waiting_share(module: Packed, steps: int) -> tuple[float, float, float]:
    """Medians over steps: share of time that a step waits, seconds waiting, seconds in all."""
    step = dcgan_step(module.shape)
    batches = iter(module.train_dataloader())
    waits, totals = [], []
    for _ in range(steps + 3):
        start = time.perf_counter()
        batch = next(batches)
        waits.append(time.perf_counter() - start)
        step(module.on_after_batch_transfer(batch, 0)["image"])
        totals.append(time.perf_counter() - start)
    waits, totals = waits[3:], totals[3:]  # the first steps allocate
    shares = [wait / total for wait, total in zip(waits, totals)]
    return tuple(statistics.median(values) for values in (shares, waits, totals))


def private_mb() -> float:
    """Memory of this process that it shares with no other (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1e3


def start_on_pairs(root: str, memory_gb: float) -> tuple[float, float, float, float]:
    """Of a fresh process: MB at the peak and at the end that the set costs, seconds to the first
    minibatch, and milliseconds of one, the median of 200."""
    before, peak, done = private_mb(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, private_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    module = Pairs(root=root, resolution=256, batch_size=16, memory_gb=memory_gb)
    batches = iter(module.train_dataloader())
    next(batches)
    first = time.perf_counter() - start
    times = []
    for _ in range(200):
        start = time.perf_counter()
        next(batches)
        times.append(time.perf_counter() - start)
    done.set()
    watcher.join()
    return peak - before, private_mb() - before, first, 1e3 * statistics.median(times)


def measure_pairs(count: int) -> None:
    """Print what pairs cost a process, held in its memory and mapped."""
    title = f"{count:,} pairs of 256 px, batches of 16"
    columns = ("peak, MB", "then, MB", "first batch, s", "batch, ms")
    table = Table("private memory", *columns, title=title)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["GAN_LAB_CACHE"] = scratch
        for seed, side in enumerate("AB"):
            folder = Path(scratch, "jpegs", side)
            folder.mkdir(parents=True)
            make_jpegs(folder, count, 256, seed)
        root, fresh = f"{scratch}/jpegs", multiprocessing.get_context("spawn")
        starts = {"in memory": 1000, "mapped, first start": 0, "mapped, later": 0}
        for name, memory_gb in starts.items():
            with fresh.Pool(1) as pool:
                peak, then, first, batch = pool.apply(start_on_pairs, (root, memory_gb))
            table.add_row(name, f"{peak:,.0f}", f"{then:,.0f}", f"{first:.1f}", f"{batch:.1f}")
    Console().print(table)


def main() -> None:
    """Time every source, then a DCGAN's wait for the pack, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--root", type=Path, help="folder or archive of pictures")
    parser.add_argument("--resolution", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--count", type=int, default=4000, help="pictures to make")
    parser.add_argument("--size", type=int, default=128, help="of the pictures to make")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=40, help="training steps to time")
    parser.add_argument("--pairs", type=int, help="of these only, so many")
    options = parser.parse_args()
    if options.pairs is not None:
        return measure_pairs(options.pairs)

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["GAN_LAB_CACHE"] = scratch
        root = options.root or Path(scratch, "jpegs")
        if options.root is None:
            root.mkdir()
            make_jpegs(root, options.count, options.size)
        output = Path(scratch, "benchmark.pack")
        start = time.perf_counter()
        pack([str(root), str(output), "--resolution", str(options.resolution)])
        packing = time.perf_counter() - start

        batch = {"batch_size": options.batch_size}
        packed = Packed(root=str(output), **batch)
        memory = Packed(root=str(output), **batch)
        reals = memory.reals()
        everything = range(len(reals))
        memory._reals["train"] = ArrayReals(reals.images(everything), reals.labels(everything))
        modules = {"memory": (memory, 200), "pack": (packed, 200)}
        files = {"root": str(root), "resolution": options.resolution, "memory_gb": 0, **batch}
        with tempfile.TemporaryDirectory() as empty:  # no decoded set is kept here
            os.environ["GAN_LAB_CACHE"] = empty
            if not root.name.lower().endswith(("gz", "bz2", "xz")):
                workers = torch.get_num_threads()
                modules[f"files, {workers} workers"] = (Folder(**files, workers=workers), 12)
                modules["files, this process"] = (Folder(**files, workers=0), 4)
            walks = {name: iter(module.train_dataloader()) for name, (module, _) in modules.items()}
            rates: dict[str, list[float]] = {name: [] for name in walks}
            for _ in range(options.rounds):
                for name, walk in walks.items():
                    rate(walk, 1 + PREPARED * ("workers" in name))
                    rates[name].append(rate(walk, modules[name][1]))
                    if "workers" in name:  # let them fill their queue before others are timed
                        time.sleep(3 * PREPARED * options.batch_size / rates[name][-1])
            for walk in walks.values():
                walk.close()

        console = Console()
        console.print(f"packing: {len(reals) / packing:,.0f} images/s ({len(reals):,} pictures)")
        title = f"delivered at {options.resolution} px, batches of {options.batch_size}"
        table = Table("source", "images/s", "us per batch", title=title)
        for name, values in rates.items():
            median = statistics.median(values)
            table.add_row(name, f"{median:,.0f}", f"{options.batch_size / median * 1e6:,.0f}")
        console.print(table)

        share, wait, total = waiting_share(packed, options.steps)
        table = Table("step, ms", "waits, ms", "share", title="DCGAN on the CPU, fed by the pack")
        table.add_row(f"{1e3 * total:.1f}", f"{1e3 * wait:.3f}", f"{100 * share:.3f} %")
        console.print(table)


if __name__ == "__main__":
    main()
