"""How a pyramid of layers reaches a picture's size by doubling."""


def halvings(height: int, width: int, *, smallest: int = 3) -> tuple[int, int, int]:
    """How often a picture's sides can be halved, and what is left: (levels, height, width).

    Both sides stay at least `smallest`: 8x8 is 4x4 doubled once, 32x32 three times, 28x28 is 7x7
    doubled twice, 256x192 is 4x3 doubled six times.

    Raises:
        ValueError: the sides are not a small rectangle times a power of two, at least 2.
    """
    levels, h, w = 0, height, width
    while h % 2 == 0 and w % 2 == 0 and min(h, w) // 2 >= smallest:
        levels, h, w = levels + 1, h // 2, w // 2
    if levels == 0 or max(h, w) > 16:
        raise ValueError(
            f"data.resolution={height}x{width} cannot be reached by doubling a small rectangle;"
            " choose a power of two such as 32 or 64, or a multiple such as 28, 48 or 256x192"
        )
    return levels, h, w
