"""Every variant on real pictures, at one budget of images and of parameters: the README's table.

    python benchmarks/zoo.py --root ../shared/data                     # Fashion-MNIST, all variants
    python benchmarks/zoo.py --root ../shared/data --models sngan wgan_gp --seeds 3
    python benchmarks/zoo.py --set cifar10 --root ../shared/data/cifar10.tar.gz --kimg 100 \
        --models r3gan stylegan2 biggan sngan projection

Trains conf/experiment/zoo/*.yaml on one thread each, `--jobs` at a time (runs that are there
already are not repeated), and prints Markdown: parameters of both players, the Frechet distance of
the untrained and of the trained generator, precision, recall and images per second, as mean and
standard deviation over seeds. With `--gallery FOLDER` it also draws a sheet of each variant's
samples, and for those that grow one of the same latents at ten times of the run.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from hydra.utils import instantiate
from PIL import Image

from gan_lab import load
from gan_lab.data.base import DataModule
from gan_lab.files import atomic_write
from gan_lab.metrics.engine import GeneratedFakes, evaluate
from gan_lab.models.base import GAN
from gan_lab.pictures import grid, rows_of_classes, save
from gan_lab.runs import Run
from gan_lab.training import build_data, build_model

ROOT = Path(__file__).parents[1]
SETS = {
    "fashion_mnist": ["data=fashion_mnist"],
    "cifar10": ["data=cifar10_jpeg"],
    "cifar10_raw": ["data=cifar10"],
}
METRICS = ("fd_", "precision_", "recall_")  # how their names begin
LEAST_IMPROVEMENT = 4  # an untrained generator's distance over a trained one's
LEAST_RECALL = 0.2


def train(model: str, seed: int, options: argparse.Namespace) -> Path:
    """The finished run of a variant and a seed."""
    run_dir = options.runs / options.set / f"{model}-{seed}"
    if (run_dir / "zoo.json").is_file():
        return run_dir
    command = [
        *(sys.executable, str(ROOT / "train.py"), f"experiment=zoo/{model}", *SETS[options.set]),
        *([] if options.root is None else [f"data.root={options.root}"]),
        *(f"seed={seed}", f"trainer.kimg={options.kimg}", f"run_dir={run_dir}", "logger=csv"),
        *(f"trainer.evaluate_every_kimg={options.kimg}", "trainer.checkpoint_every_kimg=10"),
        f"trainer.sample_every_kimg={options.kimg / 10}",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    print("training", run_dir, file=sys.stderr, flush=True)
    with (options.runs / f"{options.set}-{model}-{seed}.log").open("w") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log, env=environment)
        if not Run(run_dir).finished:
            raise RuntimeError(f"{run_dir} was stopped early; run this again to go on with it")
        # Judged in a process of its own, so that threads do not contend.
        judge = [sys.executable, __file__, "--judge", str(run_dir)]
        subprocess.run(judge, check=True, stdout=log, stderr=log, env=environment)
    return run_dir


def judge(run_dir: Path) -> None:
    """Keep a run's figures, those of its untrained generator and its size in zoo.json."""
    config = Run(run_dir).config
    data: DataModule = build_data(config)
    gan = build_model(config)
    suite = instantiate(config.metrics, _convert_="all")
    suite.formulas = suite.formulas[:2]  # the one for points, and the Frechet distance
    device = torch.device("cpu")
    extractors = suite.prepare(data, device)
    fakes = GeneratedFakes(gan, data.reals(suite.split), seed=0)
    (untrained,) = evaluate(suite, extractors, fakes, data, device)
    last = figures(run_dir)
    found = {stem: next(v for k, v in last.items() if k.startswith(stem)) for stem in METRICS}
    result = {
        **{stem.rstrip("_"): value for stem, value in found.items()},
        "name": untrained.name,
        "untrained": untrained.value,
        "images/s": last["images/s"],
        "parameters": parameters(gan),
    }
    atomic_write(run_dir / "zoo.json", lambda file: file.write_text(json.dumps(result)))


def parameters(gan: GAN) -> int:
    """Trainable weights of all players."""
    players = [getattr(gan, player) for player in gan.optimizer_factories]
    return sum(w.numel() for p in players for w in p.parameters() if w.requires_grad)


def figures(run_dir: Path) -> dict[str, float]:
    """The last value of each metric, and the median images per second."""
    records = [json.loads(line) for line in (run_dir / "evaluations.jsonl").open()]
    last = {r["name"]: r["value"] for r in records if r["iteration"] == records[-1]["iteration"]}
    with (run_dir / "timing.csv").open() as file:
        rates = [float(row["images_per_second"]) for row in csv.DictReader(file)]
    return {**last, "images/s": statistics.median(rates)}


def cell(values: list[float]) -> str:
    """Mean and, with several seeds, sample standard deviation."""
    mean = statistics.mean(values)
    digits = 0 if mean >= 100 else 2
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean:.{digits}f}{spread}"


def row(model: str, results: list[dict]) -> str:
    """A line of the table; a figure that misses what is asked of every variant is marked."""
    values = {key: [r[key] for r in results] for key in results[0] if key != "name"}
    improved = all(r["fd"] * LEAST_IMPROVEMENT <= r["untrained"] for r in results)
    diverse = all(r["recall"] > LEAST_RECALL for r in results)
    cells = [
        f"{statistics.mean(values['parameters']) / 1000:.0f}k",
        cell(values["untrained"]),
        cell(values["fd"]) + ("" if improved else " (!)"),
        cell(values["precision"]),
        cell(values["recall"]) + ("" if diverse else " (!)"),
        f"{statistics.mean(values['images/s']):.0f}",
        str(len(results)),
    ]
    return f"| `{model}` | " + " | ".join(cells) + " |"


def draw(model: str, run_dir: Path, folder: Path, data_set: str) -> None:
    """A small sheet of samples; a conditional model has a class in each column."""
    gan = load(run_dir)
    label, columns = rows_of_classes(50, gan.num_classes)
    num = 50 if label is None else len(label)
    samples = gan.sample(num, seed=0, label=label)
    if label is not None:  # a class in each row becomes one in each column: the sheet is wide
        samples = samples.unflatten(0, (gan.num_classes, columns)).transpose(0, 1).flatten(0, 1)
    save(grid(samples, 10), folder / f"zoo-{data_set}-{model}.png")


def draw_growth(model: str, run_dir: Path, folder: Path, data_set: str) -> None:
    """The first row of each of a growing run's sheets, one below the other: the same latents."""
    sheets = [Image.open(path) for path in sorted((run_dir / "samples").glob("0*.png"))]
    width, height = sheets[0].size
    row = (height - 2) // 8  # 64 samples are a square; the first 2 pixels are a gap
    strip = Image.new("RGB", (width, row * len(sheets) + 2))
    for n, sheet in enumerate(sheets):
        strip.paste(sheet.crop((0, 0, width, row + 2)), (0, n * row))
    save(strip, folder / f"zoo-{data_set}-{model}-growth.png")


def main() -> None:
    experiments = sorted(p.stem for p in (ROOT / "conf/experiment/zoo").glob("*.yaml"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", choices=SETS, default="fashion_mnist")
    parser.add_argument("--root", help="data.root of the set; null looks where data= looks")
    parser.add_argument("--models", nargs="*", choices=experiments, default=experiments)
    parser.add_argument("--kimg", type=float, default=40.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side, a thread each")
    parser.add_argument("--runs", type=Path, default=Path("runs/zoo"))
    parser.add_argument("--gallery", type=Path, help="folder for the sheets of samples")
    parser.add_argument("--judge", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.judge:
        judge(options.judge)
        return
    options.runs.mkdir(parents=True, exist_ok=True)
    jobs = [(model, seed) for seed in range(options.seeds) for model in options.models]
    with ThreadPoolExecutor(options.jobs) as pool:
        futures = {job: pool.submit(train, *job, options) for job in jobs}
    failed = [job for job, future in futures.items() if future.exception()]
    columns = ["model", "parameters", "FD untrained", "FD", "precision", "recall", "images/s"]
    print("| " + " | ".join([*columns, "seeds"]) + " |")
    print("| --- |" + " ---: |" * len(columns))
    for model in options.models:
        runs = [f.result() for job, f in futures.items() if job[0] == model and job not in failed]
        if runs:
            results = [json.loads((run / "zoo.json").read_text()) for run in runs]
            print(row(model, results), flush=True)
        if runs and options.gallery:
            draw(model, runs[0], options.gallery, options.set)
            if "growth" in Run(runs[0]).config.model:
                draw_growth(model, runs[0], options.gallery, options.set)
    for model, seed in failed:
        print(f"failed: {model} seed {seed}: {futures[model, seed].exception()}", file=sys.stderr)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
