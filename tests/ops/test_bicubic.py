import numpy as np
import torch
from PIL import Image

from gan_lab.ops.bicubic import enlarged, reduced, resized, taps


def pictures(*shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(256, shape, dtype=torch.uint8, generator=draw)


def test_weights_of_a_doubling_are_keys():
    """Between two pixels, a quarter of the way: the cubic with a = -1/2 by hand."""
    index, weight = taps(100, 200)
    row = {int(i): float(w) for i, w in zip(index[101], weight[101]) if abs(w) > 1e-12}
    expected = {49: -0.0703125, 50: 0.8671875, 51: 0.2265625, 52: -0.0234375}  # at 50.25
    assert row.keys() == expected.keys()
    np.testing.assert_allclose(list(row.values()), list(expected.values()))


def test_straight_lines_stay_straight_away_from_the_border():
    line = torch.arange(0, 160, dtype=torch.uint8).expand(1, 8, 160)
    half = reduced(line, 2)[0, 0]
    np.testing.assert_array_equal(half[4:-4], np.floor(2 * np.arange(80) + 0.5 + 0.5)[4:-4])


def test_inside_it_is_pillows_to_one_level():
    picture = pictures(3, 40, 60) // 2 + 64  # nothing between the two passes is cut off
    for size in ((20, 30), (10, 15), (80, 120)):
        ours = resized(picture, size).permute(1, 2, 0).int().numpy()
        theirs = Image.fromarray(picture.permute(1, 2, 0).numpy()).resize(size[::-1], 3)
        border = max(2, 3 * size[0] // 40)
        gap = np.abs(ours - np.asarray(theirs).astype(int))[border:-border, border:-border]
        assert gap.max() <= 1


def test_borders_go_on_with_their_own_pixels():
    picture = torch.full((1, 16, 16), 90, dtype=torch.uint8)
    assert (enlarged(picture, 4) == 90).all() and (reduced(picture, 4) == 90).all()
    padded = torch.nn.functional.pad(pictures(1, 1, 16, 16).float(), (8,) * 4, mode="replicate")
    whole = reduced(padded[0].byte(), 4)[:, 2:-2, 2:-2]
    torch.testing.assert_close(whole, reduced(padded[0, :, 8:-8, 8:-8].byte(), 4))


def test_floats_go_by_way_of_bytes():
    levels = pictures(2, 3, 8, 8)
    floats = levels.float() / 127.5 - 1
    torch.testing.assert_close(enlarged(floats, 2), enlarged(levels, 2).float() / 127.5 - 1)
