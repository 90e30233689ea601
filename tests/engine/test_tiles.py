"""Large pictures are made in tiles: as if at once, and in memory that a tile bounds."""

import pytest
import torch
from support import build

from gan_lab.engine.tiles import starts, tiled
from gan_lab.networks.srgan import SRResNet


def network(scale=2):
    torch.manual_seed(0)
    made = SRResNet((3, 8, 8), (3, 16, 16), scale, width=4, num_blocks=1, ends=3)
    for weight in made.parameters():  # what it adds must be seen
        torch.nn.init.normal_(weight, std=0.2)
    return made.eval()


@pytest.mark.parametrize("size", [(70, 45), (33, 100), (40, 20), (41, 41)])
@torch.no_grad()
def test_tiles_make_what_the_whole_makes(size):
    for scale in (2, 4):
        made = network(scale)
        low = torch.randn(2, 3, *size)
        whole = made(low)
        pieces = tiled(made, low, scale, tile=40, reach=made.reach)
        assert whole.std() > 0.3
        torch.testing.assert_close(pieces, whole, atol=2e-5, rtol=0)  # a level is 8e-3


@torch.no_grad()
def test_the_generator_never_sees_more_than_a_tile():
    seen = []

    def make(low):
        seen.append(tuple(low.shape[-2:]))
        return low.repeat_interleave(2, -1).repeat_interleave(2, -2)

    for size in ((200, 90), (35, 300)):
        low = torch.randn(1, 3, *size)
        assert torch.equal(tiled(make, low, 2, tile=40, reach=5), make(low))
        assert all(max(shape) <= 40 for shape in seen[:-1])
        seen.clear()


def test_tiles_overlap_by_their_margins_and_end_with_the_picture():
    for length in range(40, 130):
        places = starts(length, 40, 6)
        assert places[0] == 0 and places[-1] + 40 == length
        assert all(b - a <= 40 - 2 * 6 - 8 for a, b in zip(places, places[1:], strict=False))


@torch.no_grad()
def test_a_seam_of_a_generator_that_looks_further_is_blended():
    """What a tile cannot know makes no step between neighbours, only a slope."""
    calls = []

    def make(low):
        calls.append(None)
        return torch.full_like(low, float(len(calls)))  # each tile in a level of its own

    row = tiled(make, torch.zeros(1, 1, 20, 100), 1, tile=40, reach=6)[0, 0, 0]
    assert row.max() - row.min() >= 2
    assert row.diff().abs().max() <= 1 / 8 + 1e-6


def test_tiles_that_are_all_margin_are_refused():
    with pytest.raises(ValueError, match="tile=20"):
        tiled(lambda low: low, torch.zeros(1, 1, 50, 50), 1, tile=20, reach=10)


def test_a_model_answers_any_size_at_its_own(tmp_path):
    data, gan = build(
        "model=srgan", "data=superres", "data.crop=16", "model.generator.num_blocks=1"
    )
    assert gan.input_size(33, 70) == (33, 70)
    low = torch.rand(1, 3, 33, 70) * 2 - 1
    whole = gan.generate({"low": low})
    assert whole.shape == (1, 3, 132, 280)
    gan.tile = 44  # smaller than the picture
    torch.testing.assert_close(gan.generate({"low": low}), whole, atol=1 / 255, rtol=0)
    columns = gan.show({"low": low})
    assert list(columns) == ["low", "bicubic", "output"]
    assert columns["bicubic"].shape == whole.shape
