import json

import numpy as np
import pytest
from PIL import Image

from gan_lab.apps.compare import grouped, load_curve, main, mean_and_spread, value_at
from gan_lab.loggers.csv import Table
from gan_lab.metrics.protocol import Protocol, Record


def make_run(folder, *, model="gan", seed=0, lr=0.1, final=2.0, pace=1.0, **protocol):
    """A run whose metric falls from 10 at 1 kimg to `final` at 5, `pace` seconds per kimg."""
    folder.mkdir()
    (folder / "config.yaml").write_text(
        json.dumps(
            {
                "model_name": model,
                "data_name": "digits",
                "seed": seed,
                "model": {"seed": seed, "lr": lr},
                "data": {"seed": seed, "shape": [1, 8, 8]},
            }
        )
    )
    usual = {"metric": "fd", "extractor": "x", "extractor_weights": "0", "resize": "none"}
    usual |= {"num_real": 10, "num_fake": 10, "data": "digits", "split": "train"}
    usual |= {"data_fingerprint": "1", "generator": "raw"}
    timing = Table(folder / "timing.csv")
    lines = []
    for i in range(1, 6):
        value = 10 + (final - 10) * (i - 1) / 4
        record = Record("fd_x_10", value, True, Protocol(**{**usual, "seed": seed, **protocol}))
        lines.append(json.dumps({"iteration": i, "kimg": float(i), **record.to_dict()}) + "\n")
        timing.write(i, {"kimg": float(i), "seconds": i * pace})
    (folder / "evaluations.jsonl").write_text("".join(lines))
    return folder


def test_table_shows_mean_and_spread_over_seeds_at_equal_images_and_time(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "200")
    for seed, final in enumerate((1.0, 2.0, 3.0)):
        make_run(tmp_path / f"a{seed}", seed=seed, final=final)
    make_run(tmp_path / "b", model="slow", final=4.0, pace=2.0)
    main([str(tmp_path), "--output", str(tmp_path / "out.png")])
    shown = capsys.readouterr().out
    gan = next(line for line in shown.splitlines() if "gan on digits" in line)
    slow = next(line for line in shown.splitlines() if "slow on digits" in line)
    assert "at 5.0 kimg" in shown and "at 5 s" in shown
    assert gan.count("2 ± 1") == 3  # at 5 kimg, after 5 s, best
    assert "7.75" in slow  # 5 s are 2.5 kimg of the slow one: 10 - 6 * 1.5 / 4
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.width > 1000


def test_recipes_of_one_name_are_told_apart_by_what_differs(tmp_path):
    runs = [
        make_run(tmp_path / "a", lr=0.1),
        make_run(tmp_path / "b", lr=0.1, seed=1),
        make_run(tmp_path / "c", lr=0.2),
    ]
    groups = grouped([load_curve(run, "fd_x_10") for run in runs])
    assert {label: len(group) for label, group in groups.items()} == {
        "gan on digits, lr=0.1": 2,
        "gan on digits, lr=0.2": 1,
    }


def test_nodes_of_different_kinds_are_told_apart_by_their_class_alone(tmp_path):
    curves = [load_curve(make_run(tmp_path / name), "fd_x_10") for name in "ab"]
    curves[0].recipe.update({"augment._target_": "gan_lab.augment.base.Augmentation"})
    curves[1].recipe.update({"augment._target_": "gan_lab.augment.ada.ADA", "augment.target": 0.6})
    assert list(grouped(curves)) == [
        "gan on digits, augment=Augmentation",
        "gan on digits, augment=ADA",
    ]


@pytest.mark.parametrize("field, value", [("num_fake", 20), ("data_fingerprint", "2")])
def test_unlike_protocols_are_refused_and_the_field_is_named(tmp_path, capsys, field, value):
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", **{field: value})]
    with pytest.raises(SystemExit) as stop:
        main([str(run) for run in runs])
    assert stop.value.code == 2
    assert f"{field}: " in capsys.readouterr().err


def test_seed_is_no_part_of_the_protocol(tmp_path):
    runs = [make_run(tmp_path / "a", seed=0), make_run(tmp_path / "b", seed=1)]
    main([*map(str, runs), "--output", str(tmp_path / "out.png")])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda folder: folder.mkdir(), "config.yaml is missing"),
        (lambda folder: (make_run(folder) / "evaluations.jsonl").unlink(), "nothing was evaluated"),
    ],
)
def test_folder_without_figures_is_refused(tmp_path, capsys, make, message):
    make(tmp_path / "a")
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path / "a")])
    assert stop.value.code == 2 and message in capsys.readouterr().err


def test_unknown_metric_is_refused_with_those_there_are(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(make_run(tmp_path / "a")), "--metric", "fid_50k"])
    assert "it has fd_x_10" in capsys.readouterr().err


def test_runs_without_a_clock_are_compared_at_equal_images(tmp_path, capsys):
    (make_run(tmp_path / "a") / "timing.csv").unlink()
    main([str(tmp_path / "a"), "--output", str(tmp_path / "out.png")])
    assert "–" in capsys.readouterr().out


def test_values_between_evaluations_lie_on_a_line():
    x, y = np.array([1.0, 3.0]), np.array([10.0, 20.0])
    assert value_at(x, y, 2.0) == 15
    assert np.isnan(value_at(x, y, 0.5))
    assert mean_and_spread([1.0, 3.0]) == "2 ± 1.4"
    assert mean_and_spread([1.0, float("nan")]) == "–"
