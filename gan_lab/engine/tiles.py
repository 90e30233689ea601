"""Pictures of any size, answered tile by tile in bounded memory and without seams."""

from collections.abc import Callable

import torch
from torch import Tensor

BLEND = 8  # pixels of low resolution over which one tile turns into the next
MOST_MARGIN = 48  # pixels that are thrown away; what lies beyond sways an output little


def tiled(
    make: Callable[[Tensor], Tensor], low: Tensor, scale: int, tile: int, reach: int
) -> Tensor:
    """What a convolutional generator makes of a picture, of which it sees a tile at a time.

    Tiles overlap: of each the margin that misses some of its surroundings is thrown away, and what
    remains turns into the next linearly. Where the margin covers the generator's reach, that is
    what it would make of the whole.

    Args:
        make: (B, C, h, w) to (B, C', h * scale, w * scale).
        low: (B, C, h, w).
        scale: of the output.
        tile: largest side that `make` is given.
        reach: pixels to each side of the low resolution that an output depends on.
    """
    B, _, h, w = low.shape
    if max(h, w) <= tile:
        return make(low)
    margin = min(reach, MOST_MARGIN)
    if tile <= 2 * margin + BLEND:
        raise ValueError(
            f"tile={tile}: tiles overlap by {2 * margin + BLEND} pixels and must be larger"
        )
    whole = None
    for top in starts(h, tile, margin):
        strip = None
        for left in starts(w, tile, margin):
            piece = make(low[..., top : top + tile, left : left + tile])
            if strip is None:
                shape = (B, piece.shape[1], piece.shape[2], w * scale)
                strip = piece.new_empty(shape)
            lay(piece, strip, 3, left * scale, margin * scale, BLEND * scale)
        if whole is None:
            whole = strip.new_empty(B, strip.shape[1], h * scale, w * scale)
        lay(strip, whole, 2, top * scale, margin * scale, BLEND * scale)
    return whole


def starts(length: int, tile: int, margin: int) -> list[int]:
    """Where tiles begin, the last of which ends with the picture."""
    last = max(0, length - tile)
    stride = tile - 2 * margin - BLEND
    return [*range(0, last, stride), last]


def lay(piece: Tensor, whole: Tensor, axis: int, start: int, margin: int, blend: int) -> None:
    """Put a piece at its place along one axis, over what lies there but for the first margin."""
    if start == 0:
        whole.narrow(axis, 0, piece.shape[axis]).copy_(piece)
        return
    ramp = (torch.arange(blend, device=piece.device) + 0.5) / blend
    ramp = ramp.view([-1 if n == axis else 1 for n in range(4)])
    under = whole.narrow(axis, start + margin, blend)
    under.lerp_(piece.narrow(axis, margin, blend), ramp.to(piece.dtype).expand_as(under))
    rest = piece.shape[axis] - margin - blend
    whole.narrow(axis, start + margin + blend, rest).copy_(piece.narrow(axis, margin + blend, rest))
