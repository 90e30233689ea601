"""Rows of a table with columns of numbers and of words, as vectors (D,) in [-1, 1].

The representation of "Modeling Tabular Data using Conditional GAN" (Xu et al. 2019), Section 4.2,
here with places of their own for what is missing.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_lab.data.table_files import NUMBER, WORD, Column, Table, write_table
from gan_lab.media.base import Medium
from gan_lab.pictures import save
from gan_lab.randomness import generator

MODES = 0x746D  # first integer of the keys drawn here


class Scale(TypedDict):
    """How a column of numbers lies in [-1, 1]: the modes of its distribution, K of them.

    Attributes:
        weights, means, deviations: of the Gaussian mixture, each K numbers.
        reaches: K numbers: how far from its mean a mode's values go to -1 and 1 (paper: four
            deviations).
        low, high: of the training rows; samples do not leave them.
        mean, deviation: of the training rows, by which metrics scale.
    """

    weights: list[float]
    means: list[float]
    deviations: list[float]
    reaches: list[float]
    low: float
    high: float
    mean: float
    deviation: float


@dataclass(frozen=True)
class Rows(Medium):
    """Rows of a table: a number is its place in a mode and the mode's one-hot, a word its one-hot.

    A column's entries stand together, in the order of the columns: of a number the place in
    [-1, 1], then K modes, then the missing one if cells may be empty; of a word its categories,
    then the missing one.

    Args:
        columns: the schema; see `gan_lab.data.table_files.Column`.
        scales: of each column in this order: its modes, see `Scale`; None of words.
        target: the column that the others should foretell, if one is named.
    """

    columns: list[Column]
    scales: list[Scale | None]
    target: str | None = None

    suffixes = (".csv", ".parquet", ".png")
    crowd = True

    # Where what stands --------------------------------------------------------------------------

    def widths(self) -> list[int]:
        """Entries of each column."""
        sizes = []
        for column, scale in zip(self.columns, self.scales, strict=True):
            one_hot = len(column["categories"] if scale is None else scale["means"])
            sizes.append((scale is not None) + one_hot + column["missing"])
        return sizes

    def spans(self) -> list[tuple[int, int]]:
        """First entry of each column, and the one after its last."""
        ends = np.cumsum(self.widths()).tolist()
        return list(zip([0, *ends[:-1]], ends, strict=True))

    def one_hots(self) -> list[tuple[int, int]]:
        """The same of each column's one-hot part."""
        return [
            (start + (scale is not None), end)
            for (start, end), scale in zip(self.spans(), self.scales, strict=True)
        ]

    def words(self) -> list[int]:
        """Which columns are of words."""
        return [i for i, column in enumerate(self.columns) if column["kind"] == WORD]

    # There and back -----------------------------------------------------------------------------

    def encode(self, table: Table) -> Tensor:
        """(N, D) float32: each number in a mode drawn by how likely it comes from it.

        A mode that does not reach a number is left aside; one that no mode reaches is drawn to the
        nearest end. The draws have one key, so that a table has one encoding.
        """
        N = len(table)
        encoded = np.zeros((N, sum(self.widths())), np.float32)
        draw = torch.rand(len(self.columns), N, generator=generator(MODES), dtype=torch.float64)
        for column, scale, (start, end), (hot, _), u in zip(
            self.columns, self.scales, self.spans(), self.one_hots(), draw.numpy(), strict=True
        ):
            values = table.values[column["name"]]
            if scale is None:
                place = np.where(values < 0, end - 1 - hot, values)
            else:
                empty = np.isnan(values)
                mode, value = placed(np.where(empty, scale["mean"], values), scale, u)
                place = np.where(empty, end - 1 - hot, mode)
                encoded[:, start] = np.where(empty, 0.0, value)
            encoded[np.arange(N), hot + place] = 1
        return torch.from_numpy(encoded)

    def decode(self, samples: Tensor) -> Table:
        """Rows (N, D) as a table of the schema: the largest entry of a one-hot part counts."""
        rows = samples.detach().float().nan_to_num().cpu().double().numpy()
        values = {}
        for column, scale, (start, end), (hot, _) in zip(
            self.columns, self.scales, self.spans(), self.one_hots(), strict=True
        ):
            place = rows[:, hot:end].argmax(1)
            empty = (place == end - hot - 1) & column["missing"]
            if scale is None:
                values[column["name"]] = np.where(empty, -1, place)
                continue
            mode = np.minimum(place, len(scale["means"]) - 1)
            reach = np.array(scale["reaches"])[mode]
            number = np.array(scale["means"])[mode] + reach * rows[:, start].clip(-1, 1)
            number = rounded(number.clip(scale["low"], scale["high"]), column)
            values[column["name"]] = np.where(empty, np.nan, number)
        return Table("samples", self.columns, values)

    def features(self, samples: Tensor) -> Tensor:
        """What metrics compare, (N, F) float32, of rows (N, D) as a file would hold them."""
        return self.measured(self.decode(samples))

    def measured(self, table: Table) -> Tensor:
        """The same of a table of the schema.

        A number minus the training rows' mean, by their deviation, 0 where it is missing, and
        whether it is, if it may be; a word's one-hot. See `feature_spans`.
        """
        parts = []
        for column, scale, (hot, end) in zip(
            self.columns, self.scales, self.one_hots(), strict=True
        ):
            values = table.values[column["name"]]
            if scale is None:
                place = np.where(values < 0, end - hot - 1, values)
                parts.append(np.eye(end - hot)[place])
                continue
            scaled = (values - scale["mean"]) / (scale["deviation"] or 1.0)
            parts.append(np.nan_to_num(scaled)[:, None])
            if column["missing"]:
                parts.append(np.isnan(values)[:, None])
        return torch.from_numpy(np.concatenate(parts, 1).astype(np.float32))

    def measuring_by(self, table: Table) -> "Rows":
        """These rows, whose features are numbers by the mean and deviation of another table."""
        scales = []
        for column, scale in zip(self.columns, self.scales, strict=True):
            values = table.values[column["name"]]
            if scale is not None:
                values = values[~np.isnan(values)]
                mean, deviation = (values.mean(), values.std()) if len(values) else (0.0, 0.0)
                scale = Scale(**{**scale, "mean": mean, "deviation": deviation})
            scales.append(scale)
        return replace(self, scales=scales)

    def feature_spans(self) -> list[tuple[int, int]]:
        """First feature of each column, and the one after its last."""
        ends = np.cumsum(
            [
                end - hot if scale is None else 1 + column["missing"]
                for column, scale, (hot, end) in zip(
                    self.columns, self.scales, self.one_hots(), strict=True
                )
            ]
        ).tolist()
        return list(zip([0, *ends[:-1]], ends, strict=True))

    # What a medium promises ---------------------------------------------------------------------

    def stored(self, samples: Tensor) -> Tensor:
        """float32: rows are kept as vectors."""
        return samples.float()

    def sheet(self, samples: Tensor, columns: int, reals: Tensor | None = None) -> Image.Image:
        """Histograms of columns and the matrix of correlations, over those of the reals."""
        return plotted(self, samples, reals)

    def write(self, samples: Tensor, path: Path, columns: int) -> None:
        if path.suffix == ".png":
            save(self.sheet(samples, columns), path)
        else:
            write_table(self.decode(samples), path)


def placed(values: np.ndarray, scale: Scale, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (N,) to a mode each and the place in it, both (N,).

    Args:
        u: (N,) in [0, 1), the draws of modes.
    """
    means, reaches = np.array(scale["means"]), np.array(scale["reaches"])
    away = np.abs(values[:, None] - means)  # (N, K)
    share = away / np.maximum(reaches, 1e-300)
    share[:, reaches == 0] = np.where(away[:, reaches == 0] == 0, 0.0, np.inf)
    deviations = np.maximum(np.array(scale["deviations"]), 1e-300)
    likely = np.log(scale["weights"]) - np.log(deviations) - (away / deviations) ** 2 / 2
    likely[share > 1] = -np.inf
    outside = np.isinf(likely).all(1)
    likely[outside, share[outside].argmin(1)] = 0.0
    chances = np.exp(likely - likely.max(1, keepdims=True)).cumsum(1)
    mode = (chances <= u[:, None] * chances[:, -1:]).sum(1)
    reach = reaches[mode]
    place = np.where(reach == 0, 0.0, (values - means[mode]) / np.where(reach == 0, 1.0, reach))
    return mode, place.clip(-1, 1)


def rounded(numbers: np.ndarray, column: Column) -> np.ndarray:
    """Numbers with as many digits as the column has."""
    return numbers if column["decimals"] is None else numbers.round(column["decimals"])


def correlations(features: Tensor) -> Tensor:
    """(N, F) to the correlations of each two, (F, F) float64; 0 of features that are constant."""
    x = features.double()
    x = x - x.mean(0)
    norm = x.norm(dim=0)
    x = torch.where(norm > 1e-9 * len(x) ** 0.5, x / norm.clamp(min=1e-300), torch.zeros_like(x))
    return x.T @ x


MOST_SHOWN = 12  # columns in a sheet


def plotted(medium: Rows, samples: Tensor, reals: Tensor | None) -> Image.Image:
    """Histograms of at most 12 columns, samples in colour over reals in grey, and correlations."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = chosen(medium)
    across = min(4, len(shown))
    down = -(-len(shown) // across)
    figure = Figure(figsize=(2.4 * across + 3.2, max(1.9 * down, 4.2)), dpi=100)
    canvas = FigureCanvasAgg(figure)
    left, right = figure.subfigures(1, 2, width_ratios=[2.4 * across, 3.2])
    cells = left.subplots(down, across, squeeze=False).ravel()
    tables = [None if x is None else medium.decode(x) for x in (samples, reals)]
    for axes, index in zip(cells, shown, strict=False):
        histogram(axes, medium.columns[index], *tables)
    for axes in cells[len(shown) :]:
        axes.set_axis_off()
    left.subplots_adjust(0.05, 0.07, 0.98, 0.94, hspace=0.55, wspace=0.3)
    matrices = {"samples": samples} if reals is None else {"reals": reals, "samples": samples}
    for axes, (name, rows) in zip(
        np.ravel(right.subplots(len(matrices), 1, squeeze=False)), matrices.items(), strict=True
    ):
        matrix = correlations(medium.features(rows)).numpy()
        axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
        axes.set_title(f"correlations of {name}", fontsize=8, color="#444444")
        axes.set_axis_off()
    right.subplots_adjust(0.02, 0.02, 0.98, 0.94, hspace=0.12)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def chosen(medium: Rows) -> list[int]:
    """The columns that are shown, spread over the table, the target among them."""
    num = len(medium.columns)
    if num <= MOST_SHOWN:
        return list(range(num))
    names = [column["name"] for column in medium.columns]
    target = names.index(medium.target) if medium.target is not None else num - 1
    others = [index for index in range(num) if index != target]
    spread = np.linspace(0, len(others) - 1, MOST_SHOWN - 1).round().astype(int)
    return sorted([target, *(others[place] for place in spread)])


def histogram(axes, column: Column, samples: Table, reals: Table | None) -> None:
    """One column of samples over that of reals, as shares of the rows."""
    both = [("#bdbdbd", reals), ("#d9480f", samples)]
    name = column["name"]
    found = [(colour, table.values[name]) for colour, table in both if table is not None]
    if column["kind"] == NUMBER:
        filled = [(colour, values[~np.isnan(values)]) for colour, values in found]
        frame = next((values for _, values in filled if len(values)), np.zeros(1))
        low, high = np.quantile(frame, [0.002, 0.998])
        edges = np.linspace(low, high if high > low else low + 1, 31)
        counts = [
            (colour, np.histogram(values, edges)[0] / max(1, len(values)))
            for colour, values in filled
        ]
    else:
        size = len(column["categories"]) + column["missing"]
        edges = np.arange(size + 1) - 0.5
        counts = [
            (colour, np.bincount(values % size, minlength=size) / max(1, len(values)))
            for colour, values in found
        ]
        if size <= 4:
            words = [*column["categories"], "missing"][:size]
            axes.set_xticks(range(size), [word[:12] for word in words])
    for colour, heights in counts[:-1]:
        axes.stairs(heights, edges, fill=True, color=colour)
    for colour, heights in counts[-1:]:
        axes.stairs(heights, edges, color=colour, linewidth=1.2)
    axes.set_title(name[:24], fontsize=8, color="#444444", pad=3)
    axes.set_yticks([])
    axes.tick_params(colors="#888888", labelsize=6)
    for spine in axes.spines.values():
        spine.set_color("#cccccc")
