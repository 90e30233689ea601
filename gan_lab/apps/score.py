"""Scores of your own rows or pictures by a trained detector, as a stream of any length.

python -m gan_lab.apps.score run=runs/... input=rows.csv output=scores.csv
python -m gan_lab.apps.score run=runs/... input=pictures/ output=scores.csv

Rows are those of a .csv, .csv.gz or .parquet.
Writes a line for each row or picture: its score, whether that is above the threshold, and of a row
the columns that contribute most. Those that cannot be read are listed in <output>-left-out.csv.
"""

import csv
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig
from PIL import Image
from torch import Tensor

from gan_lab.command_line import entry
from gan_lab.data.base import as_float
from gan_lab.data.layout import is_picture
from gan_lab.data.picture import decode
from gan_lab.data.source import open_source
from gan_lab.data.table_chunks import chunks
from gan_lab.engine.scoring import Scoring
from gan_lab.errors import UserError
from gan_lab.files import atomic_write
from gan_lab.media import holds_pictures
from gan_lab.media.standard_rows import StandardRows
from gan_lab.metrics.detection import model_scores
from gan_lab.metrics.ranking import normal_percentile
from gan_lab.pictures import save, to_rgb
from gan_lab.runs import Run, load
from gan_lab.training import build_data

SHOWN = 5  # of what was left out
PERCENTILE = 95.0  # of the scores of normal validation rows, where no evaluation says


class LeftOut:
    """What could not be scored: file, row, column and why, one line each in a file of its own."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.lines: list[tuple[str, str, str, str]] = []

    def add(self, row: int | str, column: str, why: str) -> None:
        self.lines.append((str(self.source), str(row), column, why))

    def write(self, path: Path) -> None:
        """The file, and the first few on the screen."""
        if not self.lines:
            path.unlink(missing_ok=True)
            return
        atomic_write(
            path, lambda file: write_csv(file, ("file", "row", "column", "why"), self.lines)
        )
        for source, row, column, why in self.lines[:SHOWN]:
            where = f"row {row}" + (f", column {column!r}" if column else "")
            print(f"left out: {source}, {where}: {why}", file=sys.stderr)
        if len(self.lines) > SHOWN:
            print(f"... and {len(self.lines) - SHOWN} more, in {path}", file=sys.stderr)


def score(config: DictConfig) -> int:
    """Score the input and write what is found.

    Args:
        config: as composed from conf/score.yaml.

    Returns:
        How many were scored.
    """
    for option in ("run", "input"):
        if config[option] is None:
            raise UserError(
                f"{option}=null: give run=<a run's folder> and input=<rows or pictures>"
            )
    if config.chunk < 1 or config.columns < 0:
        raise UserError(f"chunk={config.chunk}, columns={config.columns}: give 1, 0 or more")
    run = Run(config.run, trust=config.trust)
    gan = load(run.checkpoint(config.checkpoint), trust=config.trust)
    if not isinstance(gan, Scoring):
        raise UserError(
            f"run={run.path}: {type(gan).__name__} gives no anomaly scores; train a detector, such"
            " as model=f_anogan"
        )
    source = Path(config.input).expanduser()
    if not source.exists():
        raise UserError(f"input={source}: there is no such file or folder")
    output = Path(config.output or run.path / "scores" / f"{source.name.split('.')[0]}.csv")
    if output.suffix != ".csv":
        raise UserError(f"output={output}: end its name in .csv")
    if output.resolve() == source.resolve():
        raise UserError(f"output={output} is the input; choose another name")
    threshold = config.threshold
    if threshold is None:
        threshold = kept_threshold(run, gan)
    if threshold is None:
        threshold = reckoned_threshold(run, gan)
    left_out = LeftOut(source)
    if isinstance(gan.medium, StandardRows):
        header = ("row", "score", "anomalous", *because(config.columns))
        lines = scored_rows(gan, source, threshold, config, left_out)
    elif holds_pictures(gan):
        header = ("picture", "score", "anomalous")
        heat = output.with_name(f"{output.stem}-heat") if config.heat else None
        lines = scored_pictures(gan, source, threshold, config.chunk, heat, left_out)
    else:
        raise UserError(f"run={run.path}: its samples are neither rows nor pictures")
    counted = Counted(lines)
    first = next(counted, None)  # an error in the header must leave no file
    if first is not None:
        lines = itertools.chain([first], counted)
        atomic_write(output, lambda file: write_csv(file, header, lines))
    left_out.write(output.with_name(f"{output.stem}-left-out.csv"))
    if not counted.num:
        raise UserError(f"input={source}: nothing in it could be scored")
    rows = len({line[1] for line in left_out.lines})
    print(
        f"{counted.num} scored, {counted.anomalous} above the threshold {threshold:.5g}"
        f" ({rows} left out): {output}"
    )
    return counted.num


class Counted:
    """Lines as they come, counted."""

    def __init__(self, lines: Iterator[tuple]) -> None:
        self.lines, self.num, self.anomalous = lines, 0, 0

    def __iter__(self) -> Iterator[tuple]:
        return self

    def __next__(self) -> tuple:
        line = next(self.lines)
        self.num += 1
        self.anomalous += line[2]
        return line


def because(num: int) -> list[str]:
    """Headings of the columns that contribute most, and of their shares."""
    return [f"{what}_{k}" for k in range(1, num + 1) for what in ("column", "share")]


# Thresholds ----------------------------------------------------------------------------------


def kept_threshold(run: Run, gan: Scoring) -> float | None:
    """What an evaluation of training found for these very weights; None if there was none."""
    file = run.path / "evaluations.jsonl"
    for line in reversed(file.read_text().splitlines() if file.is_file() else []):
        record = json.loads(line)
        if record["iteration"] == gan.steps_done and "threshold" in record["facts"]:
            return float(record["facts"]["threshold"])
    return None


def reckoned_threshold(run: Run, gan: Scoring) -> float:
    """The 95th percentile of the scores of the run's normal validation rows."""
    data = build_data(run.config)
    if data.calibration_split is None:
        raise UserError(f"threshold=null: {data.name} has no validation rows; give threshold=")
    split = data.calibration_split
    scores = model_scores(gan, data, split, 1000, torch.device("cpu"))
    return normal_percentile(scores[~data.anomalous(split).numpy()], PERCENTILE)


# Rows ----------------------------------------------------------------------------------------


def scored_rows(
    gan: Scoring, source: Path, threshold: float, config: DictConfig, left_out: LeftOut
) -> Iterator[tuple]:
    """A line for each row that can be read: number (from 1), score, 0 or 1, columns and shares."""
    medium = gan.medium
    entries = np.array(medium.entries)
    names = [column["name"] for column in medium.columns]
    member = torch.from_numpy(entries[:, None] == np.array(names)).float()  # (D, columns)

    def skipped(row: int, why: str) -> None:
        left_out.add(row, "", why)

    for numbers, cells in chunks(source, names, config.chunk, skipped):
        table, faults = medium.read(cells)
        for fault in faults:
            left_out.add(numbers[fault["row"]], fault["column"], fault["why"])
        good = np.setdiff1d(np.arange(len(numbers)), [fault["row"] for fault in faults])
        if not len(good):
            continue
        batch = {"image": medium.encode(table.rows(good))}
        scores = gan.anomaly_score(batch).tolist()
        squares = gan.residual(batch).square() @ member  # (B, columns)
        shares = squares / squares.sum(1, keepdim=True).clamp(min=1e-12)
        most = shares.topk(min(config.columns, len(names)), dim=1)
        for row, value, share, place in zip(
            good.tolist(), scores, most.values.tolist(), most.indices.tolist(), strict=True
        ):
            why = [x for s, p in zip(share, place, strict=True) for x in (names[p], f"{s:.3f}")]
            yield numbers[row], f"{value:.6g}", int(value > threshold), *why


# Pictures ------------------------------------------------------------------------------------


def scored_pictures(
    gan: Scoring, source: Path, threshold: float, size: int, heat: Path | None, left_out: LeftOut
) -> Iterator[tuple]:
    """A line for each picture that can be read: name, score, 0 or 1."""
    for names, images in picture_chunks(source, gan.shape, size, left_out):
        batch = {"image": images}
        residual = gan.residual(batch) if heat is not None else images
        for name, value, image, off in zip(
            names, gan.anomaly_score(batch).tolist(), images, residual, strict=True
        ):
            if heat is not None:
                save(heat_map(image, off), heat / f"{name.replace('/', '_')}.png")
            yield name, f"{value:.6g}", int(value > threshold)


def picture_chunks(
    source: Path, shape: tuple[int, int, int], size: int, left_out: LeftOut
) -> Iterator[tuple[list[str], Tensor]]:
    """Names and pictures (B, C, H, W) in [-1, 1], of the size that the run was trained on."""
    files = open_source(source)
    positions = [n for n, name in enumerate(files.names) if is_picture(name)]
    if not positions:
        raise UserError(f"input={source}: no pictures in it")
    stream = files.stream(positions)
    while some := list(itertools.islice(stream, size)):
        names, pictures = [], []
        for position, read in some:
            try:
                pictures.append(decode(read(), shape))
            except Exception as error:  # Pillow raises anything on hostile files
                left_out.add(files.names[position], "", f"no readable picture ({error})")
                continue
            names.append(files.names[position])
        if names:
            yield names, as_float(torch.from_numpy(np.stack(pictures)))


def heat_map(image: Tensor, residual: Tensor) -> Image.Image:
    """A picture (C, H, W) in grey, red where it is off; full red at half of the range of pixels."""
    grey = to_rgb(image[None])[0].mean(2, keepdims=True)  # (H, W, 1) in 0..255
    heat = residual.mean(0).clamp(0, 1).numpy()[..., None]
    red = np.array([255.0, 30.0, 0.0])
    pixels = (1 - heat) * grey.repeat(3, 2) + heat * red
    picture = Image.fromarray(pixels.round().astype(np.uint8))
    factor = max(1, 256 // max(picture.size))
    return picture.resize(
        (factor * picture.width, factor * picture.height), Image.Resampling.NEAREST
    )


def write_csv(path: Path, header: Iterable[str], lines: Iterable[tuple]) -> None:
    """Lines as they come; nothing is kept in memory."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)


@entry("score", "../../conf")
def main(config: DictConfig) -> None:
    score(config)


if __name__ == "__main__":
    main()
