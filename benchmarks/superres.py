"""Super-resolution on whole pictures, set by set, beside bicubic enlarging: a Markdown table.

    python benchmarks/superres.py --root sr_photos.zip --runs l1=runs/l1 srgan=runs/srgan
    python benchmarks/superres.py --root sr_photos.zip --runs ... --gallery sheet.png

Pictures below `--root` in `test/<set>/` are reduced bicubically, as Set5 and Set14 are, and
enlarged by the last averaged generator of each run. PSNR and SSIM are those of brightness without a
border of `scale` pixels, as papers have them; the perceptual distance needs SqueezeNet's weights
($GAN_LAB_SQUEEZENET) and is not LPIPS.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from gan_lab import load
from gan_lab.data.base import as_floats
from gan_lab.data.superres import SuperResolution
from gan_lab.metrics.paired import PairedFormula
from gan_lab.metrics.superres import LumaPSNR, LumaSSIM, PerceptualDistance
from gan_lab.ops.bicubic import enlarged
from gan_lab.pictures import save, to_rgb
from gan_lab.runs import Run

Enlarger = Callable[[Tensor], Tensor]
HEADINGS = {"psnr_y": "PSNR (Y)", "ssim_y": "SSIM (Y)", "perceptual": "perceptual (SqueezeNet)"}
CUT = 128  # pixels a side of a gallery's pieces
FACTOR = 2


def enlargers(runs: list[str], scale: int) -> dict[str, Enlarger]:
    """Name -> low (1, C, h, w) in [-1, 1] to high."""
    found: dict[str, Enlarger] = {"bicubic": lambda low: enlarged(low, scale)}
    for run in runs:
        name, _, folder = run.rpartition("=")
        gan = load(Run(Path(folder)).checkpoint("last"))
        found[name or Path(folder).name] = lambda low, gan=gan: gan.generate({"low": low})
    return found


def figures(
    data: SuperResolution, split: str, ways: dict[str, Enlarger], formulas: list[PairedFormula]
) -> dict[str, dict[str, list[Tensor]]]:
    """Set -> way -> figures of each picture."""
    found: dict[str, dict[str, list[Tensor]]] = {}
    for index, file in enumerate(data.reals(split).names):
        parts = file.split("/")
        name = parts[1] if len(parts) > 2 and parts[0] == split else split
        batch = as_floats(data.rows(split, [index]))
        truth = data.medium.stored(batch["high"])
        for way, enlarge in ways.items():
            output = data.medium.stored(enlarge(batch["low"]))
            row = torch.cat([formula(output, truth)[0] for formula in formulas])
            found.setdefault(name, {}).setdefault(way, []).append(row)
    return found


def gallery(
    data: SuperResolution, split: str, ways: dict[str, Enlarger], cuts: list[str]
) -> Image.Image:
    """Pieces of pictures, `index:top:left`, beside each other under headings."""
    rows = []
    for cut in cuts:
        index, top, left = (int(number) for number in cut.split(":"))
        batch = as_floats(data.rows(split, [index]))
        low = batch["low"].repeat_interleave(data.scale, -1).repeat_interleave(data.scale, -2)
        columns = {"low": low, **{way: make(batch["low"]) for way, make in ways.items()}}
        columns["truth"] = batch["high"]
        inside = slice(top, top + CUT), slice(left, left + CUT)
        rows.append({name: to_rgb(x[..., inside[0], inside[1]])[0] for name, x in columns.items()})
    side, gap, head = FACTOR * CUT, 6, 22
    size = len(rows[0]) * (side + gap) + gap, head + len(rows) * (side + gap)
    sheet = Image.new("RGB", size, (225,) * 3)
    draw = ImageDraw.Draw(sheet)
    for y, row in enumerate(rows):
        for x, (name, pixels) in enumerate(row.items()):
            left = gap + x * (side + gap)
            piece = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(piece, (left, head + y * (side + gap)))
            if y == 0:
                draw.text((left, 4), name, fill=(40, 40, 40))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", help="folder or archive of pictures; scikit-learn's if left out")
    parser.add_argument("--runs", nargs="*", default=[], help="name=folder")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--squeezenet", help="weights; $GAN_LAB_SQUEEZENET if left out")
    parser.add_argument("--gallery", type=Path, help="a .png of pieces")
    parser.add_argument("--cuts", nargs="*", default=["0:0:0"], help="of it: index:top:left")
    options = parser.parse_args()
    data = SuperResolution(root=options.root, scale=options.scale, crop=4 * options.scale)
    split = data.judged_split
    formulas = [LumaPSNR(), LumaSSIM(), PerceptualDistance(path=options.squeezenet)]
    formulas = [formula for formula in formulas if formula.applies(data)]
    for formula in formulas:
        formula.prepare(data, torch.device("cpu"))
    ways = enlargers(options.runs, options.scale)
    if options.gallery is not None:
        save(gallery(data, split, ways, options.cuts), options.gallery)
    headings = [HEADINGS[name] for formula in formulas for name in formula.names]
    print("| set | way | " + " | ".join(headings) + " |")
    print("| --- | --- |" + " ---: |" * len(headings))
    for name, by_way in figures(data, split, ways, formulas).items():
        for way, rows in by_way.items():
            means = torch.stack(rows).mean(0).tolist()
            cells = [f"{value:.{2 if value > 2 else 4}f}" for value in means]
            print(f"| {name} ({len(rows)}) | {way} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
