import av
import pytest
import torch
from PIL import Image, ImageSequence
from support import build, compose, some

from gan_lab.sampling import draw
from gan_lab.strips import save_film, strip
from gan_lab.training import train

SIZE = [
    *("model=next_frame", "data=moving_digits", "data.resolution=16", "data.side=8"),
    *("data.num=80", "data.context=3", "data.horizon=4"),
]


def shown(num=2):
    data, gan = build(*SIZE)
    return gan.show(some(data, num))


def test_a_film_has_a_frame_for_each_moment(tmp_path):
    films = shown()
    save_film(films, tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(film)]
    assert len(frames) == 7
    save_film(films, tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 7


def test_a_strip_holds_every_frame_of_every_film():
    levels = torch.linspace(-1, 1, 2 * 2 * 5).view(2, 2, 5, 1, 1, 1).expand(-1, -1, -1, 1, 4, 4)
    picture = strip({"truth": levels[0], "output": levels[1]}, given=3)
    colours = {colour for _, (colour, *_) in picture.getcolors(1 << 20)}
    expected = {round((level.item() + 1) * 127.5) for level in levels[..., 0, 0, 0].ravel()}
    assert expected <= colours


def test_films_share_what_is_given():
    films = shown()
    assert films["truth"].shape == films["output"].shape == (2, 7, 1, 16, 16)
    assert torch.equal(films["truth"][:, :3], films["output"][:, :3])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "films"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_LAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        overrides = [
            *SIZE,
            *("model.generator.width=8", "model.discriminator.width=4", "logger=none"),
            *("trainer.kimg=0.032", "metrics=none", f"run_dir={folder}"),
        ]
        train(compose(*overrides), overrides)
    return folder


def test_a_run_keeps_strips_and_films(run):
    names = sorted(path.name for path in (run / "samples").iterdir())
    assert {"000000.0.png", "000000.0.gif"} <= set(names)
    with Image.open(run / "samples" / "000000.0.gif") as film:
        assert film.n_frames == 7


def drawn(run, **options):
    overrides = [f"{key}={value}" for key, value in options.items()]
    return draw(compose(f"run={run}", "checkpoint=last", *overrides, name="sample"))


def test_sample_writes_films_of_rows_kept_out_and_goes_on_with_clips(run, tmp_path):
    with Image.open(drawn(run, num=2)) as film:
        assert film.n_frames == 7
    clip = tmp_path / "clip"
    clip.mkdir()
    for t in range(5):
        Image.new("L", (24, 20), 40 * t).save(clip / f"{t}.png")
    path = drawn(run, input=clip, output=tmp_path / "more.gif")
    with Image.open(path) as film:
        assert film.n_frames == 7
    assert drawn(run, input=clip, output=tmp_path / "more.png").exists()
    assert drawn(run, num=2, output=tmp_path / "rows.mp4").stat().st_size > 1000


def test_what_cannot_be_gone_on_with_is_named(run, tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        drawn(run, input=tmp_path / "absent.mp4")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("L", (24, 20)).save(tmp_path / name / "0.png")
    with pytest.raises(ValueError, match="2 clips, a, b"):
        drawn(run, input=tmp_path)
    with pytest.raises(ValueError, match="has 1 frames"):
        drawn(run, input=tmp_path / "a")
    with pytest.raises(ValueError, match="give a .gif or a .mp4 or a .png"):
        drawn(run, output=tmp_path / "film.jpg")
