import numpy as np
import pytest
import torch
from PIL import Image

from gan_lab.callbacks.samples import Samples, after, animate, frames, of_classes, spread
from gan_lab.data.base import ArrayReals
from gan_lab.loggers.base import RunLogger
from gan_lab.pictures import grid, rows_of_classes, save, scatter, to_rgb


class Seen(RunLogger):
    def __init__(self):
        super().__init__()
        self.pictures = []

    def log_metrics(self, metrics, step):
        pass

    def log_picture(self, key, path, step, kimg):
        self.pictures.append((key, path.name, step, kimg))


def test_pictures_at_the_start_at_every_crossing_and_at_the_end(tmp_path, fit):
    logger = Seen()
    fit(tmp_path, [Samples(0.1, num=4)], loggers=[logger], steps=25)
    names = [path.name for path in frames(tmp_path / "samples")]
    assert names == ["000000.0.png", "000000.1.png", "000000.2.png"]
    assert [step for _, _, step, _ in logger.pictures] == [0, 10, 20, 25]
    assert (tmp_path / "samples" / "real.png").exists()
    with Image.open(tmp_path / "samples" / "growth.gif") as movie:
        assert movie.n_frames == 3


def test_resumed_run_leaves_the_same_pictures(tmp_path, fit, fit_with_a_kill):
    fit(tmp_path / "whole", [Samples(0.1, num=4)], steps=30)
    fit_with_a_kill(tmp_path / "killed", lambda: [Samples(0.1, num=4)], at=12, kill=25, steps=30)
    whole, killed = tmp_path / "whole" / "samples", tmp_path / "killed" / "samples"
    assert [p.name for p in sorted(whole.iterdir())] == [p.name for p in sorted(killed.iterdir())]
    for path in whole.iterdir():
        assert path.read_bytes() == (killed / path.name).read_bytes()


def test_points_are_drawn_as_a_scatter_plot(tmp_path, fit):
    callback = Samples(0.1, num_crowd=50)
    fit(tmp_path, [callback], steps=10, shape=(2,))
    with Image.open(frames(tmp_path / "samples")[-1]) as picture:
        assert picture.size == (640, 640)
    assert callback.diversity > 0


def test_small_pictures_are_enlarged_without_blur():
    images = torch.linspace(-1, 1, 64 * 256).view(64, 1, 16, 16)
    picture = np.asarray(grid(images, columns=8))
    assert 512 <= picture.shape[1] <= 768
    first = picture[5:85, 5:85, 0]  # 5 screen pixels for each of 16
    assert (first.reshape(16, 5, 16, 5) == first[::5, ::5].reshape(16, 1, 16, 1)).all()
    assert (first[::5, ::5] == np.round((images[0, 0].numpy() + 1) * 127.5)).all()


def test_tiny_pictures_are_enlarged_smoothly():
    images = torch.linspace(-1, 1, 64 * 64).view(64, 1, 8, 8)
    picture = np.asarray(grid(images, columns=8))
    assert picture.shape == (730, 730, 3)
    rows = picture[10:90, 50, 0].astype(int)
    assert np.abs(np.diff(rows)).max() <= 1  # a ramp stays a ramp


def test_large_pictures_keep_their_size():
    assert grid(torch.zeros(4, 3, 256, 512), columns=2).size == (2 * 512 + 6, 2 * 256 + 6)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_any_number_of_channels_is_shown(channels):
    assert to_rgb(torch.zeros(2, channels, 4, 6)).shape == (2, 4, 6, 3)


def test_transparent_pixels_show_a_checkerboard_and_opaque_ones_their_colour():
    images = torch.ones(1, 4, 8, 8)
    images[:, 3, :4] = -1
    pixels = to_rgb(images)[0]
    assert set(np.unique(pixels[:4])) == {205, 235} and (pixels[4:] == 255).all()


def test_what_is_not_a_number_is_drawn_black():
    assert (to_rgb(torch.full((1, 1, 2, 2), float("nan"))) == 0).all()


def test_each_row_is_a_class():
    label, columns = rows_of_classes(64, 10)
    assert columns == 7 and label.view(10, 7).eq(torch.arange(10)[:, None]).all()
    label, columns = rows_of_classes(64, 1000)
    assert len(label.unique()) == 16 and columns == 4
    assert rows_of_classes(64, None) == (None, 8)


def test_reals_stand_in_the_row_of_their_class():
    labels = torch.tensor([0, 1] * 10)
    reals = ArrayReals(torch.zeros(20, 1, 2, 2, dtype=torch.uint8), labels)
    wanted = torch.tensor([0, 0, 1, 1])
    chosen = of_classes(reals, torch.randperm(20), wanted)
    assert labels[chosen].equal(wanted) and len(chosen.unique()) == 4


def test_multiples_are_met_in_spite_of_rounding():
    kimg = [i * 64 / 1000 for i in range(1, 2000)]
    due, crossed = after(0.0, 0.1), []
    for now in kimg:
        if now >= due:
            due = after(now, 0.1)
            crossed.append(now)
    assert len(crossed) == int(kimg[-1] / 0.1 + 1e-9)
    assert after(0.1 * 3, 0.1) > 0.35


def test_spread_vanishes_where_all_samples_are_alike():
    assert spread(torch.ones(5, 1, 2, 2)) == 0
    assert spread(torch.tensor([[-1.0], [1.0]])) == 1


def test_same_samples_make_the_same_file(tmp_path):
    points = torch.rand(20, 2, generator=torch.Generator().manual_seed(0))
    save(scatter(points, points), tmp_path / "a.png")
    save(scatter(points, points), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_one_picture_makes_no_movie(tmp_path):
    save(Image.new("RGB", (4, 4)), tmp_path / "000000.0.png")
    assert animate(tmp_path) is None
