"""The geometric half of ADA's pipeline: "Training Generative Adversarial Networks with Limited
Data" (Karras et al. 2020), Appendix B.

All transformations of a picture are multiplied into one homogeneous matrix, which is executed once.
A matrix maps output to input positions, in pixels from the picture's centre: (x_in, y_in, 1)^T =
G^-1 (x_out, y_out, 1)^T.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import affine_grid

from gan_lab.augment.draws import Draws
from gan_lab.ops.sampling import sample

SHIFT = 0.125  # of a side: largest integer and standard deviation of fractional translations
LOG2_SCALE = 0.2  # standard deviation of log2 of both scalings
# The orthogonal lowpass filter sym6 (Daubechies' least asymmetric wavelet with 6 vanishing
# moments), its weight around the tap of index 5.
SYM6 = (
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633,
    0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252,
    -0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148,
)  # fmt: skip
REACH = len(SYM6) // 4  # pixels that the filter reaches to each side, at the doubled resolution: 6

BLIT_DRAWS, GEOMETRY_DRAWS = 7, 11


# The transformations ------------------------------------------------------------------------------


def blit(draws: Draws, p: Tensor, height: int, width: int) -> Tensor:
    """Mirroring, quarter turns and translation by whole pixels: G^-1 (B, 3, 3)."""
    mirrored = draws.whole(2) * draws.coin(p)
    quarters = draws.whole(4) * draws.coin(p)
    x, y = draws.uniform(-SHIFT, SHIFT), draws.uniform(-SHIFT, SHIFT)
    moved = draws.coin(p)
    x, y = (x * moved * width).round(), (y * moved * height).round()
    turned = rotation(quarters * (math.pi / 2)).round()  # cos(pi / 2) is -4e-8 to a computer
    return scaling(1 - 2 * mirrored, torch.ones_like(x)) @ turned @ translation(-x, -y)


def geometry(draws: Draws, p: Tensor, height: int, width: int) -> Tensor:
    """Scaling, rotation, stretching along any axis, and translation: G^-1 (B, 3, 3)."""
    # Turned before or after stretching: with probability p, whichever of the two it is.
    p_turn = 1 - (1 - p).clamp(min=0).sqrt()
    size = draws.normal() * LOG2_SCALE
    size = (size * draws.coin(p)).exp2()
    before = draws.uniform(-math.pi, math.pi)
    before = before * draws.coin(p_turn)
    stretch = draws.normal() * LOG2_SCALE
    stretch = (stretch * draws.coin(p)).exp2()
    after = draws.uniform(-math.pi, math.pi)
    after = after * draws.coin(p_turn)
    x, y = draws.normal() * SHIFT, draws.normal() * SHIFT
    moved = draws.coin(p)
    turned = rotation(before) @ scaling(1 / stretch, stretch) @ rotation(after)
    return (
        scaling(1 / size, 1 / size) @ turned @ translation(-x * moved * width, -y * moved * height)
    )


def scaling(x: Tensor, y: Tensor) -> Tensor:
    """Factors (B,) -> (B, 3, 3)."""
    return torch.stack([x, y, torch.ones_like(x)], 1).diag_embed()


def rotation(angle: Tensor) -> Tensor:
    """Radians (B,) -> (B, 3, 3)."""
    matrix = identity(angle)
    cos, sin = angle.cos(), angle.sin()
    matrix[:, 0, 0], matrix[:, 1, 1] = cos, cos
    matrix[:, 0, 1], matrix[:, 1, 0] = -sin, sin
    return matrix


def translation(x: Tensor, y: Tensor) -> Tensor:
    """Pixels (B,) -> (B, 3, 3)."""
    matrix = identity(x)
    matrix[:, 0, 2], matrix[:, 1, 2] = x, y
    return matrix


def identity(like: Tensor) -> Tensor:
    """(B, 3, 3) for `like` (B,)."""
    return torch.eye(3, dtype=like.dtype, device=like.device).repeat(len(like), 1, 1)


# Their execution ----------------------------------------------------------------------------------


def transformed(images: Tensor, inverse: Tensor) -> Tensor:
    """Pictures under homogeneous transformations; what lies outside is their mirror image.

    Where every pixel lands on a pixel it is copied as it is: the filters would blur a mirrored
    picture a little, for sym6 is not symmetric. All others go through the filters.

    Args:
        images: (B, C, H, W).
        inverse: (B, 3, 3) G^-1 in pixels from the centre.
    """
    if images.is_cuda:  # to look at the matrices would make the host wait for the device
        return transformed_all(images, inverse)
    H, W = images.shape[2:]
    indices, whole = between_indices(inverse, H, W)
    still = (inverse == identity(inverse[:, 0, 0])).all(2).all(1)
    rows = (whole & ~still).nonzero().squeeze(1)
    out = images
    if len(rows):
        out = out.index_copy(0, rows, copied(images[rows], indices[rows]))
    rows = (~whole).nonzero().squeeze(1)
    if len(rows):
        margins = needed_margins(inverse[rows], H, W)
        out = out.index_copy(0, rows, warped(images[rows], inverse[rows], margins))
    return out


def transformed_all(images: Tensor, inverse: Tensor) -> Tensor:
    """As `transformed`, both ways for all rows."""
    B, _, H, W = images.shape
    indices, whole = between_indices(inverse, H, W)
    filtered = warped(images, inverse, (W - 1, W - 1, H - 1, H - 1))
    return torch.where(whole.view(B, 1, 1, 1), copied(images, indices), filtered)


def between_indices(inverse: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """G^-1 in pixels from the upper left corner (B, 3, 3), and whether it is whole numbers (B,)."""
    centre = constant(((width - 1) / 2, (height - 1) / 2, 0.0), inverse.dtype, inverse.device)
    indices = inverse.clone()
    indices[:, :, 2] += centre - (inverse @ centre)
    return indices, (indices - indices.round()).abs().amax((1, 2)) < 1e-4


def copied(images: Tensor, indices: Tensor) -> Tensor:
    """Pictures (B, C, H, W) under matrices (B, 3, 3) of whole numbers between pixels' indices."""
    B, C, H, W = images.shape
    x = torch.arange(W, device=images.device).expand(H, W)
    y = torch.arange(H, device=images.device)[:, None].expand(H, W)
    places = torch.stack([x, y, torch.ones_like(x)]).flatten(1)  # (3, H * W)
    x, y, _ = (indices.round().long()[:, :, :, None] * places).sum(2).unbind(1)  # (B, H * W)
    places = reflected(y, H) * W + reflected(x, W)
    return images.flatten(2).gather(2, places[:, None].expand(B, C, H * W)).view(B, C, H, W)


def needed_margins(inverse: Tensor, height: int, width: int) -> tuple[int, int, int, int]:
    """Pixels to append left, right, above and below, so that no picture sees beyond them."""
    x, y = (width - 1) / 2, (height - 1) / 2
    corners = torch.tensor([[-x, -y, 1], [x, -y, 1], [x, y, 1], [-x, y, 1]], dtype=inverse.dtype)
    seen = (inverse @ corners.T)[:, :2]  # (B, 2, 4)
    (left, above), (right, below) = -seen.amin((0, 2)), seen.amax((0, 2))
    margins = torch.stack([left - x, right - x, above - y, below - y]) + 2 * REACH
    most = torch.tensor([width - 1, width - 1, height - 1, height - 1])
    return tuple(margins.ceil().int().clamp(min=0).minimum(most).tolist())


def warped(images: Tensor, inverse: Tensor, margins: tuple[int, int, int, int]) -> Tensor:
    """Pictures at twice the resolution, sampled bilinearly, and back.

    Args:
        images: (B, C, H, W).
        inverse: (B, 3, 3) G^-1.
        margins: mirrored pixels to append left, right, above, below.
    """
    B, C, H, W = images.shape
    left, right, above, below = margins
    like = (images.dtype, images.device)
    # (B, C, 2 (H + margins), 2 (W + margins))
    x = along_both(images, doubling(H, above, below, *like), doubling(W, left, right, *like))

    # The centre moves with the margins. At twice the resolution all distances double, and a pixel's
    # weight lies at index 2i, half a pixel before the middle of its two.
    h, w = 2 * (H + 2 * REACH), 2 * (W + 2 * REACH)
    inverse = inverse.to(images.dtype)
    linear, offset = inverse[:, :2, :2], inverse[:, :2, 2]
    moved = constant(((left - right) / 2, (above - below) / 2), *like)
    offset = 2 * (offset + moved) - 0.5 + linear.sum(2) / 2
    # From pixels to shares of the pictures' half sides.
    sides_in = constant((x.shape[3] / 2, x.shape[2] / 2), *like)
    sides_out = constant((w / 2, h / 2), *like)
    theta = torch.cat([linear * sides_out / sides_in[:, None], (offset / sides_in)[:, :, None]], 2)
    x = sample(x, affine_grid(theta, [B, C, h, w], align_corners=False))
    return along_both(x, halving(H, *like), halving(W, *like))


def along_both(images: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """(B, C, H, W) times (h, H) down the columns and (w, W) across the rows: (B, C, h, w).

    Each as one large matrix product: a batch of small ones takes three times as long on a CPU.
    """
    x = images.transpose(2, 3).contiguous() @ down.T  # (B, C, W, h)
    return x.transpose(2, 3).contiguous() @ across.T


@lru_cache(maxsize=64)
def doubling(
    side: int, before: int, after: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """The matrix (2 (side + before + after), side) that appends a mirror image, then upsamples."""
    taps = lowpass() * 2
    padded = torch.eye(side, dtype=torch.float64)[
        reflected(torch.arange(-before, side + after), side)
    ]
    spread = torch.zeros(2 * len(padded) + len(SYM6) - 2, side, dtype=torch.float64)
    for index, tap in enumerate(taps):
        spread[index : index + 2 * len(padded) : 2] += tap * padded
    return spread[5:-5].to(device, dtype)


@lru_cache(maxsize=64)
def halving(side: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The matrix (side, 2 (side + 2 REACH)) that downsamples, and cuts off REACH pixels twice."""
    matrix = torch.zeros(side, 2 * (side + 2 * REACH), dtype=torch.float64)
    rows = torch.arange(side)
    for index, tap in enumerate(lowpass()):
        matrix[rows, 2 * rows + 1 + index] = tap
    return matrix.to(device, dtype)


@lru_cache(maxsize=256)
def constant(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """A vector of constants, made once: to move it to a GPU makes the host wait."""
    return torch.tensor(values, dtype=dtype, device=device)


def lowpass() -> Tensor:
    """The taps of sym6, summing to 1, (12,)."""
    taps = torch.tensor(SYM6, dtype=torch.float64)
    return taps / taps.sum()


def reflected(index: Tensor, side: int) -> Tensor:
    """Any pixel index -> the index in [0, side) that it mirrors; border pixels are not doubled."""
    last = side - 1
    return last - (index.remainder(max(2 * last, 1)) - last).abs()
