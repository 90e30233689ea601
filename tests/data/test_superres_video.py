import numpy as np
import pytest
import torch
from PIL import Image

from gan_lab.data.superres_video import MovingPhotos, SuperResolutionVideo
from gan_lab.errors import UserError
from gan_lab.ops.bicubic import reduced


def test_what_is_seen_moves_at_the_known_pace():
    for clip, (down, right) in MovingPhotos(64).moving("train")[:10]:
        inner = (slice(8, -8), slice(8, -8))
        rows = slice(8 + down, 56 + down), slice(8 + right, 56 + right)
        for first, second in zip(clip, clip[1:]):
            assert np.array_equal(second[(slice(None), *inner)], first[(slice(None), *rows)])


def test_batches_hold_a_window_in_both_resolutions_and_its_middle():
    data = SuperResolutionVideo(batch_size=4, crop=32)
    batch = data.minibatches(0, 4)(3)
    assert batch["high_video"].shape == (4, 3, 3, 32, 32)
    assert batch["low_video"].shape == (4, 3, 3, 8, 8)
    assert torch.equal(batch["low_video"], reduced(batch["high_video"], 4))
    for name in ("low", "high"):
        assert torch.equal(batch[name], batch[f"{name}_video"][:, 1])
    parts = [data.minibatches(first, 2)(3) for first in (0, 2)]
    assert torch.equal(batch["high"], torch.cat([part["high"] for part in parts]))


def test_files_are_clips_whose_end_is_kept(tmp_path):
    for clip in ("a", "b"):
        (tmp_path / clip).mkdir()
        for n in range(20):
            Image.new("RGB", (40, 30), (10 * n,) * 3).save(tmp_path / clip / f"{n:03d}.png")
    data = SuperResolutionVideo(root=str(tmp_path), resolution=[24, 32], crop=16, scale=2)
    assert len(data.reals("train")) == 2 * (16 - 2) and len(data.reals("test")) == 2 * (4 - 2)
    assert data.rows("test", [0])["high_video"][0, :, 0, 0, 0].tolist() == [160, 170, 180]
    assert data.rows("train", [0])["low"].shape == (1, 3, 8, 8)


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(UserError, match="data.scale=8"):
        SuperResolutionVideo(scale=8)
    with pytest.raises(UserError, match="data.crop=100.*from 16 to the 96"):
        SuperResolutionVideo(crop=100)
    with pytest.raises(UserError, match="data.resolution=200"):
        SuperResolutionVideo(resolution=200)
    with pytest.raises(UserError, match="no clips in it"):
        SuperResolutionVideo(root=str(tmp_path))
