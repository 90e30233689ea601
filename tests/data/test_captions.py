import json
import zipfile
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lab.captions import to_texts, to_tokens
from gan_lab.data.captions import Captions
from gan_lab.data.scenes import (
    ABOVE,
    ALONE,
    BESIDE,
    COLOURS,
    FIGURES,
    HELD_OUT,
    KINDS,
    NONE,
    PAPER,
    RADII,
    Shape,
    caption_of,
)  # fmt: skip
from gan_lab.errors import UserError


@pytest.fixture(scope="module")
def drawn():
    return Captions(num=200)


def shapes_of(scene):
    shapes = [Shape(*scene[1:4])]
    return shapes if scene[0] == ALONE else [*shapes, Shape(*scene[4:])]


def test_captions_come_back_as_they_were():
    texts = ["a small red circle", "São Tomé & Príncipe", "日本語", "x" * 40]
    assert to_texts(to_tokens(texts, 40)) == texts
    assert to_texts(to_tokens(["  two   words\n"], 40)) == ["two words"]


def test_a_caption_that_is_too_long_is_refused_with_its_length_and_the_limit():
    with pytest.raises(UserError, match="'abcdef' has 6 bytes.* 5.*max_tokens=6"):
        to_tokens(["abcde", "abcdef"], 5)
    with pytest.raises(UserError, match="max_tokens"):
        Captions(num=40, max_tokens=20)


def test_kinds_held_out_are_in_every_test_scene_and_in_no_training_scene(drawn):
    for split, expected in (("train", 0), ("test", 1)):
        scenes = drawn.reals(split).columns["scene"]
        least = min(sum(s in HELD_OUT for s in shapes_of(scene)) for scene in scenes)
        assert least == expected
        if split == "train":
            assert not any(s in HELD_OUT for scene in scenes for s in shapes_of(scene))
    seen = [kind for kind in KINDS if kind not in HELD_OUT]
    pairs = ("colour", "figure"), ("colour", "size"), ("figure", "size")
    for a, b in pairs:  # each two words are learnt together, in other company
        known, all_there_are = (
            {(getattr(k, a), getattr(k, b)) for k in kinds} for kinds in (seen, KINDS)
        )
        assert known == all_there_are


def test_a_caption_names_what_its_scene_holds():
    red_star, blue_square = (0, 3, 0), (2, 1, 1)
    none = (NONE,) * 3
    assert caption_of([ALONE, *red_star, *none]) == "a small red star"
    above = [ABOVE, *red_star, *blue_square]
    assert caption_of(above) == "a small red star above a large blue square"
    assert caption_of(above, turned=True) == "a large blue square below a small red star"
    beside = [BESIDE, *red_star, *blue_square]
    assert caption_of(beside) == "a small red star left of a large blue square"
    assert caption_of(beside, turned=True) == "a large blue square right of a small red star"


def test_every_picture_shows_what_its_scene_says(drawn):
    """Read back from the pixels: the colours where they should be, the area of the size."""
    reals, palette = drawn.reals("train"), np.array(list(COLOURS.values()), float)
    for number in range(0, 200, 3):
        picture = reals.images([number])[0].permute(1, 2, 0).double().numpy()
        scene = reals.columns["scene"][number]
        shapes = shapes_of(scene)
        y, x = (np.abs(picture - PAPER).max(-1) > 110).nonzero()
        order = np.argsort(y if scene[0] == ABOVE else x)  # the upper or left shape comes first
        ends = order[: len(order) // 6], order[-(len(order) // 6) :]
        for shape, pixels in zip(shapes, ends, strict=False):
            mean = np.median(picture[y[pixels], x[pixels]], 0)
            light = (palette * mean).sum(1) / (palette**2).sum(1)  # how each colour was shaded
            away = np.abs(mean - light[:, None] * palette).sum(1) + 40 * np.abs(light - 1)
            assert away.argmin() == shape.colour, caption_of(scene)
        if scene[0] == ALONE:
            radius = 32 * np.mean(list(RADII.values())[shapes[0].size])
            assert 0.25 < len(y) / (np.pi * radius**2) < 1.25


def test_batches_are_keyed_and_the_mismatched_caption_is_of_another_scene(drawn):
    whole = drawn.minibatches(0, 32)(5)
    for first in (0, 16):  # two processes hold a half each
        half = drawn.minibatches(first, 16)(5)
        for name, value in half.items():
            assert torch.equal(value, whole[name][first : first + 16]), name
    assert set(whole) == set(drawn.gives)
    spelt = {}
    for split_scene, tokens in zip(
        drawn.reals("train").columns["scene"].tolist(), drawn.captions.texts("train"), strict=True
    ):
        for text in tokens:
            spelt[text] = split_scene
    for step in range(5):
        batch = drawn.minibatches(0, 32)(step)
        said = [spelt[text] for text in to_texts(batch["caption"])]
        other = [spelt[text] for text in to_texts(batch["mismatched"])]
        assert said == batch["scene"].tolist()
        assert all(a != b for a, b in zip(said, other, strict=True))


def test_a_mirror_would_make_left_and_right_untrue():
    with pytest.raises(UserError, match="mirror"):
        Captions(num=40, mirror=True)


def test_examples_are_captions_of_what_was_held_out(drawn):
    assert 16 <= len(drawn.examples) <= 32
    texts = [text for texts in drawn.captions.texts("test") for text in texts]
    assert set(drawn.examples) <= set(texts)


def png(value, size=(8, 8)):
    file = BytesIO()
    Image.new("RGB", size, (value, 0, 0)).save(file, "PNG")
    return file.getvalue()


def archive(path, files):
    with zipfile.ZipFile(path, "w") as out:
        for name, content in files.items():
            out.writestr(name, content)
    return str(path)


ITEMS = [
    {"file": "p/a.png", "caption": "one", "split": "train"},
    {"file": "p/b.png", "caption": ["two", "due"]},
    {"file": "p/c.png", "caption": "three", "split": "test", "words": ["more"]},
]
PICTURES = {"p/a.png": png(10, (9, 30)), "p/b.png": png(20), "p/c.png": png(30)}


def test_an_archive_with_a_table_of_captions(tmp_path):
    table = json.dumps({"about": "", "items": ITEMS})
    data = Captions(
        root=archive(tmp_path / "set.zip", {**PICTURES, "dataset.json": table}), resolution=8
    )
    assert data.splits == ("train", "test") and data.judged_split == "test"
    assert data.shape == (3, 8, 8) and data.num_classes is None and data.examples == ["three"]
    reals = data.reals("train")
    assert to_texts(reals.batch([0, 1])["caption"]) == ["one", "two"]
    assert reals.images([0, 1])[:, 0, 4, 4].tolist() == [10, 20]
    said = {
        text for step in range(8) for text in to_texts(data.minibatches(0, 32)(step)["caption"])
    }
    assert said == {"one", "two", "due"}  # one of several, drawn anew each time


def test_texts_beside_pictures(tmp_path):
    for name, content in {"train/a": "first\nanother\n", "train/b": "second", "val/c": "c"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.png").write_bytes(png(1))
        (tmp_path / f"{name}.txt").write_text(content)
    data = Captions(root=str(tmp_path), resolution=8)
    assert data.captions.texts("train") == [["first", "another"], ["second"]]
    assert data.splits == ("train", "val")


@pytest.mark.parametrize(
    "files, message",
    [
        (PICTURES, "no captions"),
        ({**PICTURES, "dataset.json": '{"labels": []}'}, 'items'),
        ({**PICTURES, "dataset.json": "{"}, "not JSON"),
        ({"dataset.json": json.dumps({"items": ITEMS})}, "p/a.png of the caption .*one"),
        ({**PICTURES, "dataset.json": json.dumps({"items": [{"file": "p/a.png"}]})}, '"caption"'),
        (
            {**PICTURES, "dataset.json": json.dumps({"items": [{**ITEMS[0], "caption": " "}]})},
            "p/a.png has an empty caption",
        ),
        ({"a.png": png(1), "a.txt": "a", "b.txt": "b"}, "captions have no picture.*b.txt"),
        ({"a.png": png(1), "a.txt": "a", "b.png": png(2)}, "have no .txt.*b.png"),
        ({"test/a.png": png(1), "test/a.txt": "a"}, "no pictures to train on"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_set_is_named(tmp_path, files, message):
    with pytest.raises(UserError, match=message):
        Captions(root=archive(tmp_path / "set.zip", files), resolution=8)


def test_captions_that_all_say_the_same_are_refused(tmp_path):
    items = [{**item, "caption": "same", "split": "train"} for item in ITEMS]
    files = {**PICTURES, "dataset.json": json.dumps({"items": items})}
    data = Captions(root=archive(tmp_path / "set.zip", files), resolution=8)
    with pytest.raises(UserError, match="the same"):
        data.reals("train")


def test_all_figures_are_drawn_at_their_size():
    from gan_lab.data import drawing

    for figure in FIGURES:
        distance = drawing.distance(figure, (32, 32), 20, 0.0, (64, 64))
        assert distance[32, 32] < 0 and distance[0, 0] > 0
        assert 0.25 < drawing.filled(distance).sum() / (np.pi * 400) < 1.02
