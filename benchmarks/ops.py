"""What the tensor operations cost, and which of several equal forms is the fastest.

    python benchmarks/ops.py [--device cuda] [--only resample]

Milliseconds of a forward pass without gradients, then of a forward and backward pass: the best of
several, so that a busy machine distorts them least. A star marks the form that gan_lab uses.
"""

import argparse
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import conv2d, leaky_relu, pad, pixel_shuffle

from gan_lab.ops import filtered
from gan_lab.ops.filtered import Kaiser, Resampling, filtered_leaky_relu
from gan_lab.ops.modulated import grouped, prefers_groups, scaled
from gan_lab.ops.resample import fir, resample, upsampling_conv2d

TAPS = [1.0, 3.0, 3.0, 1.0]
MOST_MATRIX_PIXELS = filtered.MOST_MATRIX_PIXELS
Row = tuple[str, dict[str, Callable[[], Tensor]], str]  # what, form -> run, the form in use


def milliseconds(
    forms: dict[str, Callable[[], Tensor]], backward: bool, seconds: float, device: str
) -> dict[str, float]:
    """Each form's best time. They take turns, so that all see the same machine."""

    def once(run: Callable[[], Tensor]) -> float:
        began = time.perf_counter()
        if backward:
            run().sum().backward()
        else:
            with torch.no_grad():
                run()
        if device == "cuda":
            torch.cuda.synchronize()
        return 1000 * (time.perf_counter() - began)

    best = {form: min(once(run) for _ in range(2)) for form, run in forms.items()}
    until = time.perf_counter() + seconds * len(forms)
    while time.perf_counter() < until:
        best = {form: min(best[form], once(run)) for form, run in forms.items()}
    return best


def with_zeros(x: Tensor, filter: Tensor) -> Tensor:
    """Upsampling by its definition: insert zeros, then convolve."""
    B, C, H, W = x.shape
    x = pad(x.view(B, C, H, 1, W, 1), (0, 1, 0, 0, 0, 1)).view(B, C, 2 * H, 2 * W)
    return conv2d(pad(x, (2, 1, 2, 1)), (4 * filter).expand(C, 1, 4, 4), groups=C)


def as_matrices(x: Tensor, along_y: Tensor, along_x: Tensor) -> Tensor:
    """Resampling as a product with a banded matrix for each direction."""
    return along_y @ x @ along_x.T


def upsampling_matrix(size: int) -> Tensor:
    """(2 * size, size)."""
    taps = torch.tensor(TAPS) / 4
    matrix = torch.zeros(2 * size + 2, size)
    for i in range(size):
        matrix[2 * i : 2 * i + 4, i] = taps
    return matrix[1:-1]


def resampling(device: str) -> Iterator[Row]:
    """Upsampling and smoothing of features, and of pictures."""
    plane = fir(TAPS).to(device)
    line = torch.tensor(TAPS, device=device) / 8
    for B, C, H in [(32, 64, 8), (32, 32, 32), (8, 64, 64), (2, 32, 256), (32, 3, 32), (4, 3, 128)]:
        x = torch.randn(B, C, H, H, device=device, requires_grad=True)
        matrix = upsampling_matrix(H).to(device)
        up = {"up": 2, "padding": (2, 1, 2, 1), "gain": 4.0}
        yield (
            f"up {B}x{C}x{H}x{H}",
            {
                "plane": lambda x=x, up=up: resample(x, plane, **up),
                "lines": lambda x=x, up=up: resample(x, line, **up),
                "zeros": lambda x=x: with_zeros(x, plane),
                "matrices": lambda x=x, m=matrix: as_matrices(x, m, m),
            },
            "plane",
        )
        yield (
            f"smooth {B}x{C}x{H}x{H}",
            {
                "plane": lambda x=x: resample(x, plane, padding=(2, 1, 2, 1)),
                "lines": lambda x=x: resample(x, line, padding=(2, 1, 2, 1)),
            },
            "plane",
        )


def resampling_convolutions(device: str) -> Iterator[Row]:
    """A convolution that doubles the sides: transposed, then filtered, or after upsampling."""
    filter = fir(TAPS).to(device)
    for B, C, H in [(32, 64, 8), (32, 32, 16), (4, 128, 64)]:
        x = torch.randn(B, C, H, H, device=device, requires_grad=True)
        weight = torch.randn(C, C, 3, 3, device=device, requires_grad=True)

        def upsampled_first(x: Tensor = x, weight: Tensor = weight) -> Tensor:
            return conv2d(resample(x, filter, up=2, padding=(3, 2, 3, 2), gain=4.0), weight)

        def phases(x: Tensor = x, weight: Tensor = weight) -> Tensor:
            """All four phases of the transposed convolution as one of 2x2."""
            outputs, inputs = weight.shape[:2]
            parts = pad(weight, (0, 1, 0, 1)).view(outputs, inputs, 2, 2, 2, 2)
            parts = parts.permute(0, 3, 5, 1, 2, 4).flip(4, 5).reshape(-1, inputs, 2, 2)
            x = pixel_shuffle(conv2d(x, parts, padding=1), 2)
            return resample(x, filter, padding=(1, 0, 1, 0), gain=4.0)

        yield (
            f"up, 3x3 {B}x{C}x{H}x{H}",
            {
                "transposed": lambda x=x, w=weight: upsampling_conv2d(x, w, filter),
                "phases": phases,
                "upsampled": upsampled_first,
            },
            "transposed",
        )


def modulated(device: str) -> Iterator[Row]:
    """Modulated convolution: scaled input and output, or a group for each row."""
    filter = fir(TAPS).to(device)
    sizes = [(1, 512, 16), (1, 32, 256), (32, 256, 4), (32, 64, 8), (32, 32, 32), (8, 64, 64)]
    sizes += [(32, 512, 16), (32, 128, 128)] if device == "cuda" else []
    for B, C, H in sizes:
        for up in (1, 2):
            x = torch.randn(B, C, H, H, device=device, requires_grad=True)
            weight = torch.randn(C, C, 3, 3, device=device, requires_grad=True)
            styles = torch.randn(B, C, device=device, requires_grad=True)
            rest = (True, up, 1, None, filter)
            yield (
                f"modulated, up={up} {B}x{C}x{H}x{H}",
                {
                    "scaled": lambda x=x, w=weight, s=styles, rest=rest: scaled(x, w, s, *rest),
                    "grouped": lambda x=x, w=weight, s=styles, rest=rest: grouped(x, w, s, *rest),
                },
                "grouped" if prefers_groups(x) else "scaled",
            )


def filtered_non_linearity(device: str) -> Iterator[Row]:
    """Filtered leaky ReLU: its ways to enlarge and to remember slopes, and plain autograd."""
    cases = [(32, 32, 24, 2), (32, 32, 24, 4), (32, 64, 38, 2), (8, 64, 86, 2), (2, 64, 150, 2)]
    cases += [(32, 128, 278, 2), (4, 64, 534, 2)] if device == "cuda" else []
    for B, C, H, up in cases:
        x = torch.randn(B, C, H, H, device=device, requires_grad=True)
        bias = torch.zeros(C, device=device)
        filters = [Kaiser()(6 * n, 4.0, 3.0, 8.0 * n).to(device) for n in (up, 2)]
        options = {"up": up, "down": 2, "padding": (4 * up,) * 4}

        def ours(
            most: int, keeps: set[str], x: Tensor = x, rest: tuple = (bias, *filters), o=options
        ) -> Tensor:
            filtered.MOST_MATRIX_PIXELS, filtered.KEEPS_PICTURES = {device: most}, keeps
            return filtered_leaky_relu(x, *rest, **o, clamp=256.0)

        def plain(x: Tensor = x, bias: Tensor = bias, filters=filters, o=options) -> Tensor:
            up = Resampling(
                filters[0], up=o["up"], padding=o["padding"], gain=2**0.5 * o["up"] ** 2
            )
            y = leaky_relu(up(x + bias[:, None, None]), 0.2).clamp(-256, 256)
            return Resampling(filters[1], down=2)(y)

        small = MOST_MATRIX_PIXELS.get(device, 512) >= H
        way = "matrices" if small else "convolutions"
        yield (
            f"filtered, up={up} {B}x{C}x{H}x{H}",
            {
                "matrices": lambda ours=ours: ours(10**6, {device}),
                "convolutions": lambda ours=ours: ours(0, {device}),
                "matrices, a byte": lambda ours=ours: ours(10**6, set()),
                "convolutions, a byte": lambda ours=ours: ours(0, set()),
                "plain": plain,
            },
            way if device == "cpu" else f"{way}, a byte",
        )


CASES = {
    "resample": resampling,
    "convolution": resampling_convolutions,
    "modulated": modulated,
    "filtered": filtered_non_linearity,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", choices=CASES, help="one of the operations")
    parser.add_argument("--seconds", type=float, default=0.3, help="for each figure")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for name in [options.only] if options.only else CASES:
        for what, forms, used in CASES[name](options.device):
            forward, both = (
                milliseconds(forms, backward, options.seconds, options.device)
                for backward in (False, True)
            )
            figures = [
                f"{'*' if form == used else ' '}{form} {forward[form]:8.3f} {both[form]:8.3f}"
                for form in forms
            ]
            print(f"{what:30}" + "   ".join(figures), flush=True)


if __name__ == "__main__":
    main()
