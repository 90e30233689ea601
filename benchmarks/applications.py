"""What translators and their kin learn in minutes, beside what one gets without learning.

    python benchmarks/applications.py [--only pairs_pix2pix] [--folder runs/applications]

Trains each recipe on data that need no download (conf/experiment/), one thread each, and prints its
figures on rows that training never saw, and how long it took: by the clock, and in time of
computing, which other programs on the machine disturb less. A run that is there is read, not
trained again.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECIPES = {  # recipe: the figures that matter, by the beginning of their names
    "pairs_pix2pix": ("l1", "fd_"),
    "unpaired_cyclegan": ("share_of_b", "outline_iou", "fd_"),
    "unpaired_cut": ("share_of_b", "outline_iou", "fd_"),
    "styles_adain": ("colour_distance", "outline_iou"),
    "captions_df_gan": ("colour_right", "shape_right", "colour_and_shape", "fd_"),
    "superres_srgan": ("psnr_y", "ssim_y", "perceptual_squeezenet"),
    "moving_digits_next_frame": ("psnr_", "fd_"),
}


def train(recipe: str, folder: Path) -> tuple[float, float] | None:
    """Minutes that a run took, by the clock and of computing; None if it was there already."""
    if (folder / "summary.json").is_file():
        return None
    began, computed = time.perf_counter(), os.times()
    command = [sys.executable, "train.py", f"experiment={recipe}", f"run_dir={folder}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    spent = os.times()
    seconds = spent.children_user - computed.children_user
    seconds += spent.children_system - computed.children_system
    return (time.perf_counter() - began) / 60, seconds / 60


def last_figures(folder: Path) -> list[dict]:
    """The records of a run's last evaluation."""
    lines = [json.loads(line) for line in (folder / "evaluations.jsonl").read_text().splitlines()]
    return [line for line in lines if line["iteration"] == lines[-1]["iteration"]]


def rows(recipe: str, folder: Path) -> list[str]:
    """Lines of the table."""
    lines = []
    for beginning in RECIPES[recipe]:
        for figure in last_figures(folder):
            if figure["name"].startswith(beginning):
                beside = ", ".join(f"{who} {value:.3g}" for who, value in figure["beside"].items())
                better = "lower" if figure["lower_is_better"] else "higher"
                lines.append(
                    f"| `{recipe}` | `{figure['name']}` | {figure['value']:.3g} | {better} |"
                    f" {beside} |"
                )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--folder", type=Path, default=ROOT / "runs/applications")
    options = parser.parse_args()
    minutes = {name: train(name, options.folder / name) for name in options.only}
    print("\n| recipe | figure | value | better | without learning |")
    print("| --- | --- | ---: | --- | --- |")
    for name in options.only:
        print("\n".join(rows(name, options.folder / name)))
    for name, taken in minutes.items():
        if taken is not None:
            print(f"{name}: {taken[0]:.1f} minutes, {taken[1]:.1f} of computing")


if __name__ == "__main__":
    main()
