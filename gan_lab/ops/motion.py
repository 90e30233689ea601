"""How pictures move: displacements by comparing blocks, and warping along them."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, pad


def displacement(first: Tensor, second: Tensor, reach: int = 2, block: int = 5) -> Tensor:
    """Where in `second` lies what `first` shows: (B, 2, H, W), pixels down and to the right.

    Around each pixel a block is compared with those at most `reach` away; the smallest mean
    absolute difference wins, and a parabola through its neighbours finds the part of a pixel.

    Args:
        first, second: (B, C, H, W).
        reach: pixels, at least 1.
        block: pixels a side, odd.
    """
    B, _, H, W = first.shape
    padded = pad(second, (reach + 1,) * 4, mode="replicate")
    side = 2 * reach + 3  # one more on each side, for the parabola
    costs = []
    for down in range(side):
        for right in range(side):
            difference = first - padded[..., down : down + H, right : right + W]
            costs.append(difference.abs().mean(1, keepdim=True))
    cost = torch.cat(costs, 1)
    border = (block // 2,) * 4
    cost = avg_pool2d(pad(cost, border, mode="replicate"), block, 1).view(B, side, side, H, W)
    # Where nothing is to be told apart, nothing moves.
    away = torch.arange(side, device=first.device) - reach - 1
    away = (away[:, None].square() + away.square()).to(cost)[None, :, :, None, None]
    cost = cost + 1e-4 * away
    inside = cost[:, 1:-1, 1:-1].reshape(B, -1, H, W)
    best = inside.argmin(1, keepdim=True)
    down, right = best // (side - 2) + 1, best % (side - 2) + 1
    flat = cost.view(B, -1, H, W)

    def at(rows: Tensor, columns: Tensor) -> Tensor:
        return flat.gather(1, rows * side + columns)

    middle = at(down, right)
    steps = [
        lowest(at(down - 1, right), middle, at(down + 1, right)),
        lowest(at(down, right - 1), middle, at(down, right + 1)),
    ]
    whole = torch.cat([down, right], 1) - reach - 1
    return whole + torch.cat(steps, 1)


def lowest(before: Tensor, middle: Tensor, after: Tensor) -> Tensor:
    """Where a parabola through three values at -1, 0 and 1 is lowest, in [-1/2, 1/2]."""
    bend = (before - 2 * middle + after).clamp(min=1e-6)
    return ((before - after) / (2 * bend)).clamp(-0.5, 0.5)


def warped(pictures: Tensor, motion: Tensor) -> Tensor:
    """Each pixel from where a motion says that it lies, bilinearly; borders go on.

    Args:
        pictures: (B, C, H, W).
        motion: (B, 2, H, W), pixels down and to the right.
    """
    _, _, H, W = pictures.shape
    rows = torch.arange(H, device=pictures.device).view(1, H, 1) + motion[:, 0]
    columns = torch.arange(W, device=pictures.device).view(1, 1, W) + motion[:, 1]
    places = torch.stack([(2 * columns + 1) / W - 1, (2 * rows + 1) / H - 1], -1)
    return grid_sample(pictures, places, padding_mode="border", align_corners=False)


def outer_motion(low: Tensor, scale: int, reach: int = 2) -> Tensor:
    """Where the outer two of three frames have what the middle one shows, in the high resolution.

    Args:
        low: (B, 3, C, h, w), of the low resolution.
        scale: of the high one.
        reach: pixels of low resolution that things move from frame to frame, at most.

    Returns:
        (B, 2, 2, h * scale, w * scale), pixels down and to the right; see `warped`.
    """
    found = [displacement(low[:, 1], low[:, t], reach) for t in (0, 2)]
    return torch.stack([enlarged_motion(motion, scale) for motion in found], 1)


def enlarged_motion(motion: Tensor, scale: int) -> Tensor:
    """A motion of the low resolution in pixels of the high one."""
    return scale * interpolate(motion, scale_factor=scale, mode="bilinear")
