"""report.html: one file that shows a run to anybody, without a server and without the internet."""

import base64
import io
import json
import math
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import lightning as L
import torch
from omegaconf import OmegaConf
from PIL import Image

from gan_lab.callbacks.progress import duration
from gan_lab.callbacks.samples import frames
from gan_lab.errors import UserError
from gan_lab.files import atomic_write
from gan_lab.loggers.table import read
from gan_lab.models.base import Game

TEMPLATE = Path(__file__).with_name("report.html")
MAX_PICTURES = 24
PICTURE_WIDTH = 768
SMALL_BYTES = 60_000  # a PNG up to this size is embedded as it is
MAX_POINTS = 400  # of a curve
WIDTH, HEIGHT = 400, 220  # of a chart, in its own units
LEFT, RIGHT, TOP, BOTTOM = 48, 392, 8, 196  # of its frame


class Report(L.Callback):
    """Writes report.html when training ends, and environment.json when it begins."""

    def on_train_start(self, trainer: L.Trainer, gan: Game) -> None:
        if trainer.is_global_zero:
            facts = json.dumps(environment(trainer.strategy.root_device), indent=1)
            path = Path(trainer.default_root_dir) / "environment.json"
            atomic_write(path, lambda file: file.write_text(facts))

    def on_fit_end(self, trainer: L.Trainer, gan: Game) -> None:
        if trainer.is_global_zero:
            write_report(Path(trainer.default_root_dir))


def environment(device: torch.device) -> dict[str, str]:
    """What the run runs on."""
    facts = {"python": platform.python_version(), "system": platform.platform()}
    for package in ("gan-lab", "torch", "lightning", "numpy"):
        with suppress(PackageNotFoundError):  # gan_lab may be used from its folder
            facts[package] = version(package)
    facts["device"] = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return facts | {"command": " ".join(sys.argv)}


def write_report(folder: Path) -> Path:
    """Write `folder`/report.html from the run's files.

    Raises:
        UserError: `folder` holds no run.
    """
    folder = Path(folder)
    if not (folder / "config.yaml").is_file():
        raise UserError(f"{folder}: no run here (config.yaml is missing)")
    config = OmegaConf.load(folder / "config.yaml")
    metrics, timing = read(folder / "metrics.csv"), read(folder / "timing.csv")
    records = read_records(folder / "evaluations.jsonl")
    directions = {True: "lower", False: "higher"}
    better = {r["name"]: directions.get(r["lower_is_better"], "neither") for r in records}
    charts = make_charts(metrics, better)
    pictures = [(float(path.stem), embedded(path)) for path in thinned(frames(folder / "samples"))]
    real = folder / "samples" / "real.png"
    title = f"{config.get('model_name', 'model')} on {config.get('data_name', 'data')}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(folder.resolve().name)}, seed {config.get("seed", "?")}</p>',
        verdict(folder / "health.txt"),
        facts_of(records, metrics, timing),
        samples_of(pictures, embedded(real) if real.exists() else None),
        "<h2>Curves</h2>" if charts else "",
        f'<div class="charts">{"".join(chart.html() for chart in charts)}</div>',
        figures_of(records),
        "<h2>How it was made</h2>",
        environment_of(folder / "environment.json"),
        f"<details class=card><summary>Configuration</summary><pre>"
        f"{escape(OmegaConf.to_yaml(config))}</pre></details>",
    ]
    data = {
        "frames": [{"kimg": f"{kimg:g}", "source": source} for kimg, source in pictures],
        "charts": [chart.data() for chart in charts],
    }
    page = TEMPLATE.read_text()
    page = page.replace("@@title@@", escape(title)).replace("@@body@@", "\n".join(body))
    page = page.replace("@@data@@", json.dumps(data, allow_nan=False).replace("</", "<\\/"))
    path = folder / "report.html"
    atomic_write(path, lambda file: file.write_text(page))
    return path


def read_records(path: Path) -> list[dict]:
    """The whole lines of evaluations.jsonl."""
    if not path.exists():
        return []
    lines = path.read_text().split("\n")[:-1]  # behind the last newline: a line cut short
    return [json.loads(line) for line in lines]


# Pictures -----------------------------------------------------------------------------------


def thinned(paths: Sequence[Path]) -> list[Path]:
    """At most `MAX_PICTURES`, evenly, the first and the last among them."""
    if len(paths) <= MAX_PICTURES:
        return list(paths)
    step = (len(paths) - 1) / (MAX_PICTURES - 1)
    return [paths[round(i * step)] for i in range(MAX_PICTURES)]


def embedded(path: Path) -> str:
    """A picture as a data address; a large one is shrunk."""
    content, kind = path.read_bytes(), "png"
    if len(content) > SMALL_BYTES:
        with Image.open(path) as picture:
            picture = picture.convert("RGB")
            picture.thumbnail((PICTURE_WIDTH, 2 * PICTURE_WIDTH))
            buffer = io.BytesIO()
            picture.save(buffer, format="WebP", quality=88)
        content, kind = buffer.getvalue(), "webp"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def samples_of(pictures: Sequence[tuple[float, str]], real: str | None) -> str:
    """The grids over time with a slider, the data beside them."""
    if not pictures:
        return ""
    last = len(pictures) - 1
    kimg, source = pictures[-1]
    beside = (
        ""
        if real is None
        else f'<figure><figcaption>data</figcaption><img alt="the data" src="{real}"></figure>'
    )
    return f"""<h2>Samples, from the same latents or rows each time</h2>
<div class="card">
<div class="control"><button id="play" type="button">Play</button>
<input id="slider" type="range" min="0" max="{last}" value="{last}" aria-label="kimg"></div>
<div class="pictures"><figure><figcaption id="caption">generated, after {kimg:g} kimg</figcaption>
<img id="picture" alt="generated samples" src="{source}"></figure>{beside}</div>
</div>"""


# Curves -------------------------------------------------------------------------------------


@dataclass
class Chart:
    """A few curves over kimg; gaps where a value is None."""

    title: str
    names: list[str]
    x: list[float]
    series: list[list[float | None]]
    high: float  # the last kimg of the run
    low: float = 0.0

    def __post_init__(self) -> None:
        values = sorted(y for ys in self.series for y in ys if y is not None)
        self.is_log = values[0] > 0 and values[-1] / values[0] > 100
        cut = 0 if len(values) < 100 else len(values) // 200  # half a percent at either end
        bottom, top = values[cut], values[len(values) - 1 - cut]
        if self.is_log:
            bottom, top = math.log10(bottom), math.log10(top)
        margin = 0.06 * (top - bottom) or 0.5 * abs(top) or 0.5
        self.bottom, self.top = bottom - margin, top + margin

    def across(self, x: float) -> float:
        return LEFT + (x - self.low) / ((self.high - self.low) or 1.0) * (RIGHT - LEFT)

    def down(self, y: float) -> float:
        y = math.log10(y) if self.is_log else y
        share = (y - self.bottom) / (self.top - self.bottom)
        return BOTTOM - min(1.0, max(0.0, share)) * (BOTTOM - TOP)

    def data(self) -> dict:
        """What the page's script needs to show values under the pointer."""
        frame = {"width": WIDTH, "left": LEFT, "right": RIGHT, "low": self.low, "high": self.high}
        return {**frame, "x": self.x, "series": self.series}

    def html(self) -> str:
        key = "".join(
            f'<span><i style="background:var(--c{i % 6})"></i>{escape(name)}</span>'
            for i, name in enumerate(self.names)
        )
        lines = []
        for y in self._heights():
            at = f"{self.down(y):.1f}"
            lines.append(f'<line class="rule" x1="{LEFT}" x2="{RIGHT}" y1="{at}" y2="{at}"/>')
            lines.append(f'<text x="{LEFT - 6}" y="{at}" dy="3.5" text-anchor="end">{y:.4g}</text>')
        for x in ticks(self.low, self.high, 4):
            at = f"{self.across(x):.1f}"
            lines.append(f'<text x="{at}" y="{BOTTOM + 16}" text-anchor="middle">{x:.4g}</text>')
        lines.append(
            f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{BOTTOM}" y2="{BOTTOM}"/>'
            f'<line class="cursor" y1="{TOP}" y2="{BOTTOM}"/>'
        )
        lines += [self._curve(i, ys) for i, ys in enumerate(self.series)]
        return (
            f'<div class="card chart"><h3>{escape(self.title)}</h3>'
            f'<div class="key">{key}<em></em></div>'
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)} over'
            f' kimg">{"".join(lines)}</svg></div>'
        )

    def _heights(self) -> list[float]:
        if not self.is_log:
            return ticks(self.bottom, self.top, 4)
        low, high = math.ceil(self.bottom), math.floor(self.top)
        steps = (1,) if high - low > 1 else (1, 2, 5)
        heights = [s * 10.0**p for p in range(low - 1, high + 1) for s in steps]
        return [y for y in heights if self.bottom <= math.log10(y) <= self.top]

    def _curve(self, i: int, ys: list[float | None]) -> str:
        runs: list[list[tuple[float, float]]] = [[]]
        for x, y in zip(self.x, ys):
            if y is None:
                runs.append([])
            else:
                runs[-1].append((self.across(x), self.down(y)))
        runs = [run for run in runs if run]
        path = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run) for run in runs)
        dots = sum(runs, []) if sum(map(len, runs)) <= 30 else []
        colour = f"var(--c{i % 6})"
        return f'<path d="{path}" style="stroke:{colour}"/>' + "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" style="fill:{colour}"/>' for x, y in dots
        )


def ticks(low: float, high: float, num: int) -> list[float]:
    """About `num` round numbers between `low` and `high`."""
    if not high > low:
        return [low]
    step = 10.0 ** math.floor(math.log10((high - low) / num))
    step *= next(f for f in (1, 2, 5, 10) if (high - low) / (f * step) <= num + 0.5)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def make_charts(
    columns: dict[str, list[float | None]], better: Mapping[str, str] | None = None
) -> list[Chart]:
    """Each metric by itself; what else is logged by the word before the slash.

    Args:
        columns: of metrics.csv.
        better: metric -> `lower` or `higher`.
    """
    metrics = [name for name in columns if name.startswith("metric/")]
    others = [name for name in columns if name not in ("iteration", "kimg", *metrics)]
    groups = [[name] for name in metrics]
    groups += [
        [name for name in others if name.split("/")[0] == word]
        for word in dict.fromkeys(name.split("/")[0] for name in others)
    ]
    charts = []
    for names in groups:
        rows = [
            (kimg, *values)
            for kimg, *values in zip(columns["kimg"], *(columns[name] for name in names))
            if kimg is not None and any(is_number(value) for value in values)
        ]
        if not rows:
            continue
        xs, *series = (list(column) for column in zip(*averaged(rows)))
        title = names[0].split("/")[0].replace("_", " ")
        shown = [name.partition("/")[2] or name for name in names]
        if names[0] in metrics:
            (title,) = shown
            shown = [f"{better[title]} is better"] if better and title in better else shown
        charts.append(Chart(title, shown, xs, series, high=columns["kimg"][-1]))
    return charts


def averaged(rows: Sequence[Sequence[float | None]]) -> list[list[float | None]]:
    """At most `MAX_POINTS` rows: means of neighbours, what is no number left out."""
    size = -(-len(rows) // MAX_POINTS)
    chunks = (rows[i : i + size] for i in range(0, len(rows), size))
    return [[mean(column) for column in zip(*chunk)] for chunk in chunks]


def mean(values: Iterable[float | None]) -> float | None:
    """Mean of the numbers among `values`; None without one."""
    numbers = [value for value in values if is_number(value)]
    return sum(numbers) / len(numbers) if numbers else None


def is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


# Words and tables ---------------------------------------------------------------------------


def verdict(path: Path) -> str:
    """The last line of health.txt."""
    lines = path.read_text().splitlines()[1:] if path.exists() else []
    if not lines:
        return ""
    _, kimg, text = lines[-1].split(", ", 2)
    kind = "healthy" if text.startswith("healthy") else "ill"
    since = f'<span class="soft"> (since {float(kimg):g} kimg)</span>'
    return f'<p class="verdict {kind}">{escape(text)}{since}</p>'


def best_of(records: Sequence[dict], name: str) -> dict | None:
    """The best record of a metric; None where no value is better for being higher or lower."""
    found = [r for r in records if r["name"] == name and math.isfinite(r["value"])]
    found = [r for r in found if r["lower_is_better"] is not None]
    return min(
        found, key=lambda r: r["value"] if r["lower_is_better"] else -r["value"], default=None
    )


def facts_of(
    records: Sequence[dict],
    metrics: dict[str, list[float | None]],
    timing: dict[str, list[float | None]],
) -> str:
    """The few numbers that one asks for first."""
    facts = []
    if records:
        best = best_of(records, records[0]["name"])
        if best is not None:
            facts.append(
                (f"{best['value']:.4g}", f"best {best['name']}, at {best['kimg']:.1f} kimg")
            )
    if metrics:
        facts.append((f"{metrics['kimg'][-1]:.1f} kimg", "real images seen"))
    if timing:
        facts.append((duration(timing["seconds"][-1]), "time of training (h:mm:ss)"))
        speeds = sorted(v for v in timing["images_per_second"] if is_number(v))
        facts.append((f"{speeds[len(speeds) // 2]:.0f}", "images per second (median)"))
        if "gpu_memory_gib" in timing:
            peak = max(v for v in timing["gpu_memory_gib"] if is_number(v))
            facts.append((f"{peak:.2f} GiB", "GPU memory (peak)"))
    cards = "".join(
        f'<div class="card fact"><b>{escape(value)}</b><span>{escape(what)}</span></div>'
        for value, what in facts
    )
    return f'<div class="facts">{cards}</div>'


def figures_of(records: Sequence[dict]) -> str:
    """The last and the best value of each metric, and the protocol that they were measured by."""
    if not records:
        return ""
    last = {record["name"]: record for record in records}
    fields = {name: plain(record["protocol"]) for name, record in last.items()}
    first = next(iter(fields.values()))
    keys = list(first)
    shared = [key for key in keys if len({field.get(key) for field in fields.values()}) == 1]
    own = [key for key in keys if key not in shared and key != "metric"]
    head = "".join(f"<th>{escape(key.replace('_', ' '))}</th>" for key in own)
    compared = any(record.get("beside") for record in records)
    if compared:
        head = f"<th>without learning</th>{head}"
    rows = []
    for name, record in last.items():
        best = best_of(records, name)
        arrow = {True: "&darr;", False: "&uarr;"}.get(record["lower_is_better"], "")
        peak = "–" if best is None else f"{best['value']:.4g} at {best['kimg']:.1f} kimg"
        cells = "".join(f"<td>{escape(fields[name].get(key, ''))}</td>" for key in own)
        if compared:
            beside = ", ".join(f"{k} {v:.4g}" for k, v in record.get("beside", {}).items())
            cells = f"<td>{escape(beside)}</td>{cells}"
        rows.append(
            f"<tr><td>{escape(name)} {arrow}</td><td class=number>{record['value']:.4g}</td>"
            f"<td class=number>{peak}</td>{cells}</tr>"
        )
    rule = definitions({key.replace("_", " "): first[key] for key in shared})
    return f"""<h2>Metrics at the end</h2>
<div class="card wide"><table><thead><tr><th>metric</th><th class=number>last</th>
<th class=number>best</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>
<details class="card" open><summary>Protocol of all of them</summary>
{rule}</details>"""


def plain(protocol: dict) -> dict[str, str]:
    """Fields of a protocol as text."""
    return {
        key: ", ".join(f"{k} {v}" for k, v in value.items()) or "none"
        if isinstance(value, dict)
        else str(value)
        for key, value in protocol.items()
    }


def environment_of(path: Path) -> str:
    """What environment.json holds."""
    if not path.exists():
        return ""
    return f'<div class="card">{definitions(json.loads(path.read_text()))}</div>'


def definitions(facts: Mapping[str, str]) -> str:
    """Names and what they mean, in two columns."""
    rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in facts.items())
    return f"<dl>{rows}</dl>"
