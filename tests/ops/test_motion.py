import torch

from gan_lab.data.superres_video import MovingPhotos
from gan_lab.ops.bicubic import reduced
from gan_lab.ops.motion import displacement, enlarged_motion, warped


def textured(side=32):
    draw = torch.Generator().manual_seed(0)
    coarse = torch.randn(1, 3, side // 2, side // 2, generator=draw)
    return torch.nn.functional.interpolate(coarse, scale_factor=2, mode="bicubic")


def test_whole_shifts_are_found():
    x = textured()
    for down, right in ((0, 0), (2, -1), (-2, 2)):
        moved = x.roll((down, right), (2, 3))
        found = displacement(x, moved)[..., 6:-6, 6:-6]
        torch.testing.assert_close(
            found[:, 0].median(), torch.tensor(float(down)), atol=0.1, rtol=0
        )
        torch.testing.assert_close(
            found[:, 1].median(), torch.tensor(float(right)), atol=0.1, rtol=0
        )


def test_still_and_empty_pictures_do_not_move():
    assert displacement(textured(), textured()).abs().max() < 0.3
    assert displacement(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)).abs().max() == 0


def test_warping_along_a_motion_undoes_it():
    x = textured()
    motion = torch.zeros(1, 2, 32, 32)
    motion[:, 0], motion[:, 1] = 2, -1
    moved = x.roll((2, -1), (2, 3))
    inside = (..., slice(4, -4), slice(4, -4))
    torch.testing.assert_close(warped(moved, motion)[inside], x[inside], atol=1e-4, rtol=1e-4)


def test_motion_of_moving_photographs_is_found_in_their_reductions():
    """The known pace is a quarter of a pixel of low resolution for each of high."""
    errors = []
    for clip, pace in MovingPhotos(96).moving("train")[:12]:
        low = reduced(torch.from_numpy(clip), 4).float() / 127.5 - 1
        found = enlarged_motion(displacement(low[:1], low[1:2]), 4)
        # The window moves on, so what is seen moves back.
        error = found + torch.tensor(pace, dtype=torch.float32).view(1, 2, 1, 1)
        errors.append(error.abs().median(dim=-1).values.median(dim=-1).values.max())
    assert torch.stack(errors).median() < 1.5  # pixels of high resolution
