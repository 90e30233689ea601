"""Mode coverage in the plane: the original game beside WGAN-GP and R3GAN.

    python benchmarks/gaussians.py --output docs/gallery/gaussians.png

Trains `experiment=gaussians_{minimax,wgan_gp,r3gan}` on the ring of 8 and the grid of 25, prints
modes found (a mode counts with one sample within 3 sigma), the share of 10,000 samples within 3
sigma of a mode, and the seconds of training; draws samples over data, one panel a run.
"""

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path

from matplotlib.figure import Figure

import gan_lab
from gan_lab.data.gaussians import Gaussians

ROOT = Path(__file__).parents[1]
GAMES = {"minimax": "minimax GAN", "wgan_gp": "WGAN-GP", "r3gan": "R3GAN"}
LAYOUTS = {"ring": 8, "grid": 25}


def train(game: str, layout: str, folder: Path, seed: int) -> Path:
    """Train one run, unless it is there already."""
    run_dir = folder / f"{layout}-{game}-{seed}"
    options = [f"experiment=gaussians_{game}", f"data.layout={layout}", f"seed={seed}"]
    command = [sys.executable, str(ROOT / "train.py"), *options, f"run_dir={run_dir}", "logger=csv"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return run_dir


def figures(run_dir: Path) -> tuple[int, float, float]:
    """Modes found, share within 3 sigma, seconds of training."""
    records = [json.loads(line) for line in (run_dir / "evaluations.jsonl").open()]
    last = {r["name"]: r["value"] for r in records if r["kimg"] == records[-1]["kimg"]}
    with (run_dir / "timing.csv").open() as file:
        seconds = float(list(csv.DictReader(file))[-1]["seconds"])
    return int(last["modes_10k"]), last["within_3_sigma_10k"], seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("gaussians.png"))
    parser.add_argument("--runs", type=Path, default=Path("runs/gaussians"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    figure = Figure(figsize=(10.2, 7.2), dpi=80, layout="constrained")
    panels = figure.subplots(len(LAYOUTS), len(GAMES))
    print(f"{'':6}{'':14}{'modes':>9}{'within 3 sigma':>16}{'seconds':>9}")
    for row, (layout, num_modes) in zip(panels, LAYOUTS.items(), strict=True):
        data = Gaussians(layout=layout, batch_size=64, seed=0)
        real = data.reals().images(range(2000))
        for axes, (game, title) in zip(row, GAMES.items(), strict=True):
            run_dir = train(game, layout, options.runs, options.seed)
            modes, within, seconds = figures(run_dir)
            print(f"{layout:6}{title:14}{modes:>4} / {num_modes:2}{within:>16.1%}{seconds:>9.0f}")
            fake = gan_lab.load(run_dir / "checkpoints/last.ckpt").sample(2000, seed=0)
            axes.scatter(*real.T, s=8, c="#bdbdbd", linewidths=0)
            axes.scatter(*fake.T, s=4, c="#d9480f", alpha=0.5, linewidths=0)
            axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal", xticks=[], yticks=[])
            axes.set_title(
                f"{title}: {modes} of {num_modes} modes, {within:.0%} within 3σ", size=10
            )
    options.output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.output)
    print(options.output)


if __name__ == "__main__":
    main()
