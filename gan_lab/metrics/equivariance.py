"""Equivariance: "Alias-Free Generative Adversarial Networks" (Karras et al. 2021), Appendix E.

Whether moving what a generator starts from moves its pictures likewise, as a peak signal-to-noise
ratio in decibels. It needs a generator whose `synthesis(ws, transform=...)` takes the inverse of
what is to happen to its pictures, in units of their side around their middle.
"""

import inspect
import math
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, pad

from gan_lab.errors import UserError
from gan_lab.metrics import sharing
from gan_lab.metrics.generator import GeneratorFigure
from gan_lab.ops.resample import resample
from gan_lab.randomness import EVALUATION, generator

if TYPE_CHECKING:
    from gan_lab.models.base import GAN

MOVES = 5  # kind of draw under the key EVALUATION
LEAST_ERROR = 4e-12  # rounding in float32: 120 dB for pictures in [-1, 1]
REACH = 3  # a, pixels that a Lanczos window reaches


class Equivariance(GeneratorFigure):
    """10 log10(2^2 / mean squared error) between moved pictures and those of a moved start.

    Only pixels count that the moved picture's own pixels decide. Like the reference implementation
    it draws one move for all pictures of a block.

    Args:
        num: pictures (paper: 50,000).
        block: pictures that are moved alike (reference: 4).
    """

    lower_is_better = False

    def __init__(self, *, num: int = 50_000, block: int = 4) -> None:
        if block < 1 or num < block:
            raise UserError(f"num={num}, block={block}: give at least one block of one picture")
        self.num, self.block = num, block

    def applies(self, gan: "GAN") -> bool:
        synthesis = getattr(gan.generator, "synthesis", None)
        if synthesis is None:
            return False
        return "transform" in inspect.signature(synthesis.forward).parameters

    @torch.no_grad()
    def __call__(self, gan: "GAN", seed: int) -> tuple[float, ...]:
        rank, world = sharing.processes()
        blocks = math.ceil(self.num / self.block)
        with torch.autocast(gan.device.type, enabled=False):
            rows = [self.errors(gan, seed, index) for index in range(rank, blocks, world)]
        rows = sharing.join(rows, 2 * len(self.names), gan.device)
        rows = sharing.gather(rows, blocks, 1, gan.device)
        if rows is None:
            return (math.nan,) * len(self.names)
        sums = rows.sum(0).view(-1, 2)  # squared errors, and how many of them
        error = (sums[:, 0] / sums[:, 1]).clamp(min=LEAST_ERROR)
        return tuple((10 * torch.log10(4 / error)).tolist())

    def errors(self, gan: "GAN", seed: int, index: int) -> Tensor:
        """(1, 2 N): sum and number of squared errors for each of N names, of one block."""
        B, draw = self.block, generator(EVALUATION, MOVES, seed, index)
        z = torch.randn(B, gan.latent_dim, generator=draw).to(gan.device)
        label = None
        if gan.conditional:
            label = torch.randint(gan.num_classes, (B,), generator=draw).to(gan.device)
        network = gan.generator_ema
        ws = network.mapping(z, label)
        still = network.synthesis(ws)

        def moved(matrix: Tensor) -> Tensor:
            return network.synthesis(ws, transform=matrix.inverse().to(gan.device))

        sums = []
        for expected, found, mask in self.compare(still, moved, draw):
            error = (expected - found).double().square() * mask
            sums += [error.sum(), mask.double().expand_as(error).sum()]
        return torch.stack(sums)[None]

    def compare(self, still, moved, draw):
        """For each name: pictures moved, pictures of a moved start, and which pixels count.

        Args:
            still: pictures (B, C, H, W).
            moved: matrix (3, 3) of a move -> the generator's pictures.
            draw: where the move comes from.
        """
        raise NotImplementedError


class EquivarianceT(Equivariance):
    """EQ-T, for shifts by whole pixels (Appendix E.1), and EQ-T_frac, for any (Appendix E.2).

    Args:
        num, block: see `Equivariance`.
        most: largest shift in x and in y, as a share of the side.
    """

    names = ("eq_t", "eq_t_frac")

    def __init__(self, *, num: int = 50_000, block: int = 4, most: float = 0.125) -> None:
        super().__init__(num=num, block=block)
        self.most = most

    def parameters(self) -> dict[str, int | float]:
        return {"block": self.block, "most": self.most}

    def compare(self, still, moved, draw):
        size = torch.tensor([still.shape[3], still.shape[2]])  # x, y
        for whole in (True, False):
            shift = (2 * torch.rand(2, generator=draw) - 1) * self.most * size  # in pixels
            shift = shift.round() if whole else shift
            expected, mask = translated(still, *shift.tolist(), reach=1 if whole else REACH)
            matrix = torch.eye(3)
            matrix[:2, 2] = shift / size
            yield expected, moved(matrix), mask


class EquivarianceR(Equivariance):
    """EQ-R, for rotations (Appendix E.3).

    Rotation cuts off corners of the spectrum, so both sides lose them: the picture by being
    rotated, that of the rotated start by a filter like it.

    Args:
        num, block: see `Equivariance`.
        most: largest angle, as a share of half a turn.
    """

    names = ("eq_r",)

    def __init__(self, *, num: int = 50_000, block: int = 4, most: float = 1.0) -> None:
        super().__init__(num=num, block=block)
        self.most = most

    def parameters(self) -> dict[str, int | float]:
        return {"block": self.block, "most": self.most}

    def compare(self, still, moved, draw):
        angle = (2 * torch.rand((), generator=draw).item() - 1) * self.most * math.pi
        expected, mask = rotated(still, angle)
        found, inside = pseudo_rotated(moved(rotation(angle)), angle)
        yield expected, found, mask * inside


def translated(x: Tensor, right: float, down: float, *, reach: int) -> tuple[Tensor, Tensor]:
    """Pictures (B, C, H, W) shifted by pixels, and a mask (H, W) of those it decides.

    Args:
        x: pictures.
        right: pixels to the right.
        down: pixels downwards.
        reach: of the Lanczos window that interpolates; 1 for whole pixels.
    """
    rows, known_rows = shift_matrix(x.shape[2], down, reach)
    columns, known_columns = shift_matrix(x.shape[3], right, reach)
    mask = known_rows[:, None] & known_columns
    return rows.to(x) @ x @ columns.T.to(x), mask.to(x.device)


def shift_matrix(size: int, shift: float, reach: int) -> tuple[Tensor, Tensor]:
    """(N, N) of a shift by pixels along a row of N, and which of the N pixels it decides (N,)."""
    place = torch.arange(size, dtype=torch.float64)
    taps = lanczos(place[:, None] - place - shift, reach)
    # Weights near the borders are those of the middle: what lies outside is missing.
    offsets = math.floor(shift) + torch.arange(1 - reach, reach + 1, dtype=torch.float64) - shift
    total = lanczos(offsets, reach).sum()
    first, last = place - shift - reach, place - shift + reach  # both just out of reach
    return taps / total, (first >= -1) & (last <= size)


def lanczos(x: Tensor, reach: int) -> Tensor:
    """A sinc in the window of a wider one."""
    return torch.where(x.abs() < reach, torch.sinc(x) * torch.sinc(x / reach), 0.0)


def rotation(angle: float) -> Tensor:
    """Matrix (3, 3) of a turn by an angle in radians, from x towards -y: y points down."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return torch.tensor([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def rotated(x: Tensor, angle: float, *, up: int = 4) -> tuple[Tensor, Tensor]:
    """Pictures (B, C, H, W) turned by an angle, and a mask (1, 1, H, W) of those it decides.

    They are enlarged by a filter that keeps what both pixel grids can hold, then read bilinearly.
    """
    H, W = x.shape[2:]
    matrix = rotation(angle)
    filter = bandlimit(matrix, up).to(x)
    reach = len(filter) // 2
    near, far = 2 * reach + up // 2, 2 * reach - up // 2
    large = resample(x, filter, up=up, padding=(near, far, near, far), gain=up**2)
    known = torch.zeros_like(large[:1, :1])
    edge = 2 * reach + 1
    known[:, :, edge:-edge, edge:-edge] = 1

    place_x, place_y = ((torch.arange(n) + 0.5) / n - 0.5 for n in (W, H))
    place = torch.stack(torch.meshgrid(place_x, place_y, indexing="xy"), 2)  # (H, W, 2), x and y
    source = place @ matrix[:2, :2]  # of the inverse, which is the transposed
    index = (source + 0.5) * torch.tensor([W, H]) * up + reach
    sides = torch.tensor([large.shape[3], large.shape[2]])
    grid = ((2 * index + 1) / sides - 1)[None].to(x)
    picture = grid_sample(large, grid.expand(len(x), -1, -1, -1), align_corners=False)
    return picture, grid_sample(known, grid, mode="nearest", align_corners=False)


def pseudo_rotated(x: Tensor, angle: float) -> tuple[Tensor, Tensor]:
    """Pictures (B, C, H, W) filtered as if turned back, and a mask (H, W) of those it decides."""
    filter = bandlimit(rotation(-angle), 1).to(x)
    reach = len(filter) // 2
    mask = torch.zeros(x.shape[2:], device=x.device)
    mask[reach:-reach, reach:-reach] = 1
    return resample(x, filter, padding=(reach,) * 4), mask


def bandlimit(matrix: Tensor, up: int, *, reach: int = REACH, far: int = 64) -> Tensor:
    """Filter (T, T), T odd, at `up` taps per pixel, that keeps what the grids both before and
    after a linear map can hold: the convolution of a sinc along the axes with an oriented one, in
    the convolution of their windows.

    Args:
        matrix: (3, 3), of the map.
        up: taps per pixel.
        reach: a, of each window, in pixels.
        far: the sincs are cut off so many pixels from their middle.
    """
    taps = torch.arange(1 - far * up, far * up, dtype=torch.float64) / up
    before = torch.stack(torch.meshgrid(taps, taps, indexing="xy"), 2)  # (far, far, 2), x and y
    after = before @ matrix[:2, :2].T.double()
    sincs, windows = upright(up, reach, far)
    filter = convolved(sincs, torch.sinc(after).prod(2)) * convolved(
        windows, window(after, reach).prod(2)
    )
    crop = (far - 2 * reach) * up
    filter = filter[crop:-crop, crop:-crop]
    phases = pad(filter, (0, 1, 0, 1)).view(4 * reach, up, 4 * reach, up)
    phases = phases / phases.sum((0, 2), keepdim=True) / up**2  # each keeps the mean
    return phases.view(4 * reach * up, -1)[:-1, :-1].float()


@lru_cache(maxsize=4)
def upright(up: int, reach: int, far: int) -> tuple[Tensor, Tensor]:
    """Spectra of the sinc and of the window along the axes, the same for all maps."""
    taps = torch.arange(1 - far * up, far * up, dtype=torch.float64) / up
    return tuple(
        torch.fft.rfft2(torch.fft.ifftshift(torch.outer(line, line)))
        for line in (torch.sinc(taps), window(taps, reach))
    )


def window(x: Tensor, reach: int) -> Tensor:
    """Lanczos's window, 0 from `reach` on."""
    return torch.where(x.abs() < reach, torch.sinc(x / reach), 0.0)


def convolved(spectrum: Tensor, taps: Tensor) -> Tensor:
    """Circular convolution of taps (T, T), their middle in the middle, with a filter's spectrum."""
    product = spectrum * torch.fft.rfft2(torch.fft.ifftshift(taps))
    return torch.fft.fftshift(torch.fft.irfft2(product, s=taps.shape))
