"""Figures of a run, or of a folder of pictures, with their protocol: what `evaluate.py` does."""

import json
import os
from pathlib import Path

import torch
import torch.distributed as dist
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from gan_lab.config import build, validate
from gan_lab.data.base import DataModule
from gan_lab.data.folder import Folder
from gan_lab.data.layout import arrange
from gan_lab.data.picture import open_upright
from gan_lab.data.source import open_source
from gan_lab.errors import UserError
from gan_lab.files import atomic_write
from gan_lab.media import holds_pictures
from gan_lab.metrics import engine
from gan_lab.metrics.protocol import Record
from gan_lab.metrics.suite import Suite
from gan_lab.runs import Run, load
from gan_lab.training import build_data

FEWEST = 10  # pictures that a metric is computed of


def evaluate(config: DictConfig, metrics_name: str) -> list[Record]:
    """Measure what the config names, print the figures and keep them.

    Args:
        config: as composed from conf/evaluate.yaml.
        metrics_name: the suite's name, for the file of a run's records.
    """
    refuse_unclear(config)
    validate(config)
    device = chosen_device(config.accelerator)
    suite: Suite = instantiate(config.metrics, _convert_="all")
    if suite.of_generator and config.raw:
        raise UserError(
            f"raw=true: metrics={metrics_name} has figures of the averaged generator"
            " (of_generator); leave raw out, or choose metrics=auto or full"
        )
    start_processes(device)
    try:
        if config.run is not None:
            records, about = evaluate_run(config, suite, device)
            output = Path(config.output or Path(config.run) / f"evaluation-{metrics_name}.json")
        else:
            records, about = evaluate_folder(config, suite, device)
            output = None if config.output is None else Path(config.output)
        if engine.is_first():
            show(records, about)
            if output is not None:
                keep(records, about, output)
                print(f"added to {output}")
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
    return records


def refuse_unclear(config: DictConfig) -> None:
    """Refuse options that do not name one thing to measure."""
    if config.metrics is None:
        raise UserError("metrics=none measures nothing: choose auto, classifier, inception or full")
    if (config.run is None) == (config.folder is None):
        raise UserError(
            "name what to measure: either run=<a run's folder>, or folder=<pictures> with"
            " data=<a data set> or against=<a folder of real pictures>"
        )
    if config.run is not None:
        for option, value in [("data", config.get("data")), ("against", config.against)]:
            if value is not None:
                raise UserError(f"{option}=: a run is judged by its own data; leave {option} out")
        if config.checkpoint not in ("best", "last"):
            raise UserError(f"checkpoint={config.checkpoint}: choose best or last")
    elif (config.get("data") is None) == (config.against is None):
        raise UserError(
            f"folder={config.folder}: name what to judge it by, either data=<a data set> or"
            " against=<a folder of real pictures>"
        )


def evaluate_run(
    config: DictConfig, suite: Suite, device: torch.device
) -> tuple[list[Record], dict[str, str | int | float]]:
    """Figures of a run's generator, and what was measured."""
    run = Run(config.run, trust=config.trust)
    checkpoint = run.checkpoint(config.checkpoint)
    data = build_data(run.config)
    extractors = suite.prepare(data, device)
    gan = load(checkpoint, trust=config.trust).to(device)
    fakes = engine.fakes_of(gan, data, suite.split, seed=config.seed, raw=config.raw)
    records = engine.evaluate(suite, extractors, fakes, data, device)
    done = gan.steps_done
    about = {"checkpoint": str(checkpoint), "iteration": done, "kimg": gan.kimg_at(done)}
    return records, about


def evaluate_folder(
    config: DictConfig, suite: Suite, device: torch.device
) -> tuple[list[Record], dict[str, str | int | float]]:
    """Figures of a folder of pictures, and what was measured."""
    if config.against is None:
        data: DataModule = build(config, "data")
    else:
        resolution = config.resolution or first_size(Path(config.against).expanduser())
        data = Folder(root=config.against, resolution=resolution)
    if not holds_pictures(data):
        raise UserError(f"folder={config.folder}: {data.name} holds no pictures")
    C, H, W = data.shape
    made = Folder(root=config.folder, resolution=[H, W], channels=C, labelled=False)
    stored = made.reals("train" if "train" in made.splits else made.splits[0])
    extractors = suite.prepare(data, device)
    num_real, num_fake = suite.counts(len(data.reals(suite.split)))
    num_fake = min(num_fake, len(stored))
    for option, num in [("folder", num_fake), ("against" if config.against else "data", num_real)]:
        if num < FEWEST:
            raise UserError(f"{option}: {num} pictures are too few for a metric, give {FEWEST}")
    fakes = engine.StoredFakes(stored)
    records = engine.evaluate(suite, extractors, fakes, data, device, num_fake=num_fake)
    size = f"{H} x {W}, {C} channel{'s' if C > 1 else ''}"
    return records, {"folder": str(config.folder), "judged_at": size}


def first_size(root: Path) -> list[int]:
    """[height, width] of the first picture that can be read."""
    source = open_source(root)
    for _, read in source.stream([item.position for item in arrange(source, [], False).items]):
        try:
            width, height = open_upright(read()).size
        except Exception:  # Pillow raises anything on hostile files; the next one will do
            continue
        return [height, width]
    raise UserError(f"against={root}: no picture could be read")


def chosen_device(accelerator: str) -> torch.device:
    """The device of this process."""
    if accelerator not in ("auto", "cpu", "gpu"):
        raise UserError(f"accelerator={accelerator}: choose cpu, gpu or auto")
    if accelerator == "gpu" and not torch.cuda.is_available():
        raise UserError("accelerator=gpu: no GPU is at hand; choose cpu or auto")
    if accelerator == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))


def start_processes(device: torch.device) -> None:
    """Join the other processes, if torchrun started several."""
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def show(records: list[Record], about: dict[str, str | int | float]) -> None:
    """Print the figures, and under them the protocol they share."""
    console = Console()
    table = Table(title=", ".join(f"{key} {value}" for key, value in about.items()))
    others = list(dict.fromkeys(other for record in records for other in record.beside))
    table.add_column("metric", no_wrap=True)
    table.add_column("better")
    for heading in ("value", *others):
        table.add_column(heading.replace("_", " "), justify="right")
    for record in records:
        beside = [f"{record.beside[o]:.4g}" if o in record.beside else "" for o in others]
        better = {True: "lower", False: "higher", None: "like data"}[record.lower_is_better]
        table.add_row(record.name, better, f"[bold]{record.value:.5g}[/bold]", *beside)
    console.print(table)
    for line in protocol_lines(records):
        console.print(line, highlight=False, markup=False)


def protocol_lines(records: list[Record]) -> list[str]:
    """What the figures were measured with; those of equal parameters share a line."""
    first = records[0].protocol
    lines = [
        f"data {first.data}, split {first.split}, hash {first.data_fingerprint};"
        f" generator {first.generator}; labels {first.labels}; seed {first.seed}"
    ]
    for record in {r.protocol.extractor: r for r in records}.values():
        facts = "".join(f"; {k} {v}" for k, v in record.facts.items())
        lines.append(
            f"{record.protocol.extractor}: weights {record.protocol.extractor_weights}; resizing"
            f" {record.protocol.resize}{facts}"
        )
    alike: dict[str, list[str]] = {}
    for record in records:
        protocol = record.protocol
        parameters = "".join(f", {k} {v}" for k, v in protocol.parameters.items())
        how = f"{protocol.num_real} real, {protocol.num_fake} fake{parameters}"
        alike.setdefault(how, []).append(record.name)
    return lines + [f"{', '.join(names)}: {how}" for how, names in alike.items()]


def keep(records: list[Record], about: dict[str, str | int | float], output: Path) -> None:
    """Add the records to a JSON list, as a whole or not at all."""
    try:
        before = json.loads(output.read_text()) if output.is_file() else []
        if not isinstance(before, list):
            raise ValueError("not a list")
    except ValueError as error:
        raise UserError(f"{output} is not a list of records ({error}); move it away") from None
    lines = before + [{**about, **record.to_dict()} for record in records]
    text = "[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n"
    try:
        atomic_write(output, lambda file: file.write_text(text))
    except OSError as error:
        raise UserError(f"{output} cannot be written ({error}); choose another output=") from None
