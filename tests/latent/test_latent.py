"""Latent tools: the mathematics in closed form, each mode on a small model."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from support import build

from gan_lab.errors import UserError
from gan_lab.latent.classes import Classes, class_ways
from gan_lab.latent.directions import Directions, principal, sefa
from gan_lab.latent.interpolation import Interpolation, linear, loop, spherical
from gan_lab.latent.mixing import Mixing, mix
from gan_lab.latent.neighbours import nearest
from gan_lab.latent.projection import Projection, project, read_picture
from gan_lab.latent.space import LatentSpace, Order, StyleSpace
from gan_lab.latent.truncation import Truncation


def test_the_arc_keeps_the_length_and_turns_evenly():
    start, end = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    t = torch.linspace(0, 1, 7)[:, None]
    angles = t[:, 0] * math.pi / 2
    expected = 2 * torch.stack([angles.cos(), angles.sin()], 1)
    torch.testing.assert_close(spherical(start, end, t), expected)


@pytest.mark.parametrize("between", [linear, spherical])
def test_ways_begin_and_end_at_the_samples(between):
    torch.manual_seed(0)
    start, end = torch.randn(2, 5, 8)
    torch.testing.assert_close(between(start, end, torch.tensor(0.0)), start)
    torch.testing.assert_close(between(start, end, torch.tensor(1.0)), end)
    torch.testing.assert_close(between(start, 2 * start, torch.tensor(0.5)), 1.5 * start)


def test_a_loop_passes_its_stops_and_closes():
    stops = torch.randn(3, 2, 4)
    way = loop(stops, 5, spherical)
    assert way.shape == (15, 2, 4)
    torch.testing.assert_close(way[::5], stops)
    closing = (way[-1] - stops[0]).norm() / (stops[-1] - stops[0]).norm()
    assert closing < 0.2


def test_sefa_finds_what_the_first_layer_amplifies():
    rotation = torch.linalg.qr(torch.randn(4, 4)).Q
    weight = torch.diag(torch.tensor([5.0, 3.0, 1.0, 0.1])) @ rotation
    directions, values = sefa(weight)
    torch.testing.assert_close((directions @ rotation.T).abs(), torch.eye(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(values, torch.tensor([25.0, 9.0, 1.0, 0.01]), rtol=1e-4, atol=1e-4)


def test_ganspace_finds_the_widest_direction():
    torch.manual_seed(0)
    codes = torch.randn(4000, 3) * torch.tensor([0.5, 4.0, 1.0]) + 7
    directions, deviations = principal(codes)
    expected = torch.tensor([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
    torch.testing.assert_close(directions.abs(), expected, atol=0.05, rtol=0)
    torch.testing.assert_close(deviations, torch.tensor([4.0, 1.0, 0.5]), rtol=0.05, atol=0)


def test_mixing_takes_the_layers_from_the_other_sample():
    mine, other = torch.zeros(2, 5, 3), torch.ones(3, 5, 3)
    mixed = mix(mine, other, 1, 2)
    assert mixed.shape == (2, 3, 5, 3)
    assert mixed[1, 2, :, 0].tolist() == [0, 1, 1, 0, 0]


def test_class_ways_are_shares_of_two_classes():
    ways = class_ways(1, 3, 4, 5)
    torch.testing.assert_close(ways.sum(1), torch.ones(5))
    assert ways[0].tolist() == [0, 1, 0, 0] and ways[-1].tolist() == [0, 0, 0, 1]


def test_nearest_agrees_with_sorting_all_distances():
    torch.manual_seed(0)
    queries, points = torch.randn(5, 3), torch.randn(40, 3)
    expected = (queries[:, None] - points).square().sum(2).argsort(1)[:, :4]
    assert torch.equal(nearest(queries, points, 4, block=2), expected)


@pytest.fixture(scope="module")
def gan():
    return build("model=cgan")[1].eval()


def order(path, num=3, **options):
    return Order(run=path, num=num, **options)


def test_a_class_way_begins_and_ends_at_the_plain_classes(gan, tmp_path):
    space = LatentSpace(gan, order(tmp_path))
    z, _ = space.draw(2)
    ways = class_ways(4, 9, 10, 3)
    for label, weights in ((4, ways[0]), (9, ways[-1])):
        expected = space.pictures(z, torch.full((2,), label))
        torch.testing.assert_close(space.pictures(z, weights.expand(2, -1)), expected)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        (Interpolation(), ".png"),
        (Interpolation(steps=3, stops=2, between="linear"), ".gif"),
        (Interpolation(steps=3, stops=2), ".mp4"),
        (Classes(start=2, end=5), ".png"),
        (Truncation(psis=[0.0, 1.0]), ".png"),
        (Directions(count=2, steps=3), ".png"),
    ],
)
def test_modes_write_the_same_bytes_each_time(gan, tmp_path, mode, suffix):
    pytest.importorskip("av") if suffix == ".mp4" else None
    files = [mode(gan, order(tmp_path, output=tmp_path / f"{n}{suffix}")) for n in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()
    if suffix != ".mp4":
        with Image.open(files[0]) as picture:
            assert picture.convert("L").getextrema()[0] < picture.convert("L").getextrema()[1]


def test_a_film_has_a_frame_for_each_step(gan, tmp_path):
    av = pytest.importorskip("av")
    path = Interpolation(steps=4, stops=3)(gan, order(tmp_path, output=tmp_path / "a.mp4"))
    with av.open(str(path)) as film:
        frames = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
    assert len(frames) == 12
    assert all((a != b).any() for a, b in zip(frames, frames[1:], strict=False))


def test_truncation_at_zero_shows_one_picture(gan, tmp_path):
    space = LatentSpace(gan, order(tmp_path, label=3, truncation=0.0))
    pictures = space.pictures(*space.draw(3))
    torch.testing.assert_close(pictures[1:], pictures[:1].expand(2, -1, -1, -1))


def test_projection_finds_a_latent_of_its_own_picture(gan, tmp_path):
    space = LatentSpace(gan, order(tmp_path, label=3))
    target = space.pictures(torch.randn(1, gan.latent_dim), torch.tensor([3]))
    found = project(space, target, steps=120, num_guesses=8)
    error = (found.picture - target).square().mean()
    assert error < 0.1 * (found.start - target).square().mean()
    assert gan.generator_ema.start[0].weight.grad is None


def test_projection_writes_picture_and_latent(gan, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    path = Projection(picture=str(tmp_path / "p.png"), steps=2)(gan, order(tmp_path))
    assert path.is_file()
    assert load_file(path.with_suffix(".safetensors"))["code"].shape == (1, gan.latent_dim)


def test_wrong_pictures_are_refused(tmp_path):
    Image.new("RGB", (10, 12)).save(tmp_path / "large.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(UserError, match="is 12x10, but the model makes 8x8.*mode.resize=true"):
        read_picture(tmp_path / "large.png", (3, 8, 8), resize=False)
    assert read_picture(tmp_path / "large.png", (4, 8, 8), resize=True).shape == (1, 4, 8, 8)
    with pytest.raises(UserError, match="text.png: cannot be read as a picture"):
        read_picture(tmp_path / "text.png", (3, 8, 8), resize=False)
    with pytest.raises(UserError, match="none.png: no such file"):
        read_picture(tmp_path / "none.png", (3, 8, 8), resize=False)


def test_what_a_model_lacks_is_named(gan, tmp_path):
    with pytest.raises(UserError, match="has no w; take a style-based model"):
        StyleSpace(gan, order(tmp_path))
    with pytest.raises(UserError, match="has no w"):
        Mixing()(gan, order(tmp_path))
    with pytest.raises(UserError, match="mode.end=10 is not a class.*0 to 9"):
        Classes(end=10)(gan, order(tmp_path))
    with pytest.raises(UserError, match="takes no label"):
        Classes()(build("model=dcgan")[1], order(tmp_path))
    with pytest.raises(UserError, match="a.jpg: give a .png or a .gif or a .mp4"):
        Interpolation()(gan, order(tmp_path, output=tmp_path / "a.jpg"))
