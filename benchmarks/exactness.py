"""Kill a run at random moments, take it up each time, and compare with a run never stopped.

    python benchmarks/exactness.py                 # the three cases of the README, 20 kills each
    python benchmarks/exactness.py --kills 2 --only dcgan

Each case trains once whole; then again, killed with SIGKILL whenever a random number of further
iterations shows in its log. In the end every weight, buffer, average and optimizer state must have
the same bits, and metrics.csv and evaluations.jsonl the same bytes.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
SMALL = [
    "model.generator.width=8",
    "model.discriminator.width=8",
    "logger=csv",
    "trainer.log_every=5",
]
CASES = {
    "dcgan": ["model=dcgan"],
    "wgan_gp": ["model=wgan_gp"],
    "stylegan2-ada": [
        *("model=stylegan2", "augment=ada", "augment.adjust_kimg=5", "model.r1_every=4"),
        *("model.generator.latent_dim=16", "model.generator.w_dim=16", "model.path_every=4"),
        *("model.generator.max_width=8", "model.discriminator.max_width=8"),
    ],
    "progressive": [  # grows over half of the run
        *("model=progressive", "model.generator.latent_dim=16"),
        *("model.generator.max_width=8", "model.discriminator.max_width=8"),
    ],
    "cyclegan": [  # its pools are full after a few steps
        *("model=cyclegan", "data=unpaired", "data.resolution=16", "data.num=64"),
        *("data.batch_size=16", "model.generator.num_blocks=1", "model.pool_size=24"),
    ],
    "srgan": [  # the adversarial stage begins in the middle
        *("model=srgan", "data=superres", "data.crop=32", "model.warmup_kimg=2"),
        *("model.generator.num_blocks=1", "model.generator.ends=3"),
    ],
    "tempogan": [
        *("model=tempogan", "data=superres_video", "data.crop=32", "model.warmup_kimg=2"),
        *("model.generator.num_blocks=1", "model.temporal_discriminator.width=8"),
    ],
    "adain": [  # recolours and views at random
        *("model=adain", "data=styles", "data.resolution=16", "data.num=64"),
        *("model.generator.halvings=2", "model.generator.side=3"),
    ],
    "musegan": ["model=musegan", "data=pianoroll", "data.num=200", "data.transpose=3"],
    "specgan": ["model=specgan_conditional", "data=audio", "data.num_samples=1024", "data.num=64"],
    "ctgan": ["model=ctgan", "data=table", "data.batch_size=40"],
    "r3gan-2-processes": ["model=r3gan_small", "trainer=ddp_cpu"],
}


def command(run_dir: Path, overrides: list[str]) -> list[str]:
    return [sys.executable, str(ROOT / "train.py"), f"run_dir={run_dir}", *overrides]


def environment() -> dict[str, str]:
    """One thread: some CPU kernels sum in an order that depends on how many there are."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def rows(run_dir: Path) -> int:
    file = run_dir / "metrics.csv"
    return len(file.read_bytes().splitlines()) if file.is_file() else 0


def kill_after_rows(process: subprocess.Popen, run_dir: Path, new_rows: int) -> bool:
    """SIGKILL the process and its children once the log has grown; False if it ended before."""
    target = None
    while process.poll() is None:
        here = rows(run_dir)
        target = target or here + new_rows
        if here >= target:
            time.sleep(random.random() * 0.3)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.01)
    return False


def train_with_kills(run_dir: Path, overrides: list[str], kills: int, num_rows: int) -> int:
    """Returns how often the run was killed before it reached its end."""
    killed = 0
    while True:
        process = subprocess.Popen(
            command(run_dir, overrides),
            env=environment(),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if killed < kills:
            left = max(2, num_rows - rows(run_dir))
            killed += kill_after_rows(
                process, run_dir, random.randint(1, 1 + 2 * left // (kills + 1))
            )
        if process.wait() == 0:
            return killed
        if process.returncode != -signal.SIGKILL:
            raise RuntimeError(f"{run_dir}: exit code {process.returncode}")


def differences(a: Path, b: Path) -> list[str]:
    """What differs between two finished runs; empty if they are the same."""
    different = [
        name
        for name in ("metrics.csv", "evaluations.jsonl")
        if (a / name).read_bytes() != (b / name).read_bytes()
    ]
    first, second = (
        torch.load(run / "checkpoints/last.ckpt", weights_only=True, map_location="cpu")
        for run in (a, b)
    )
    for part in ("state_dict", "optimizer_states", "gan"):
        different += unequal(first[part], second[part], part)
    return different


def unequal(a: object, b: object, path: str) -> list[str]:
    if isinstance(a, dict):
        keys = a.keys() | b.keys()
        return [p for k in keys for p in unequal(a.get(k), b.get(k), f"{path}.{k}")]
    if isinstance(a, list | tuple):
        return [
            p
            for i, (x, y) in enumerate(zip(a, b, strict=True))
            for p in unequal(x, y, f"{path}.{i}")
        ]
    same = torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
    return [] if same else [path]


def check(name: str, kills: int, kimg: float, folder: Path, seed: int) -> bool:
    random.seed(seed)
    intervals = [f"trainer.{what}_every_kimg={kimg / 40}" for what in ("checkpoint",)]
    intervals += [f"trainer.evaluate_every_kimg={kimg / 5}", f"trainer.sample_every_kimg={kimg}"]
    overrides = [*CASES[name], *SMALL, f"trainer.kimg={kimg}", *intervals]
    whole, broken = folder / f"{name}-whole", folder / f"{name}-killed"
    subprocess.run(
        command(whole, overrides), env=environment(), check=True, stdout=subprocess.DEVNULL
    )
    killed = train_with_kills(broken, overrides, kills, rows(whole))
    different = differences(whole, broken)
    verdict = "same bits, same log" if not different else f"DIFFERENT: {different[:5]}"
    print(
        f"{name:20} killed {killed:2} times, {rows(whole) - 1} rows of log: {verdict}", flush=True
    )
    return not different and killed == kills


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--kimg", type=float, default=48.0, help="budget of each run")
    parser.add_argument("--only", choices=CASES, help="one case")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    names = [options.only] if options.only else list(CASES)
    good = [check(name, options.kills, options.kimg, folder, options.seed) for name in names]
    shutil.rmtree(folder)
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
