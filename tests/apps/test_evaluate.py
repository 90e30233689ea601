import json

import pytest
from hydra import compose, initialize_config_dir
from metrics.fakes import shapes
from PIL import Image
from support import ROOT

from gan_lab.apps.evaluate import evaluate, show
from gan_lab.errors import UserError
from gan_lab.metrics.protocol import Protocol, Record


def run(*overrides):
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("evaluate", ["accelerator=cpu", *overrides])
    return evaluate(config, "auto")


def pictures(folder, num, *, seed=0, size=8):
    reals = shapes(num, size=size, seed=seed)
    for i, image in enumerate(reals.images(range(num))):
        place = folder / "abc"[int(reals.labels([i]))]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0].numpy()).save(place / f"{i}.png")
    return folder


def test_two_folders(tmp_path, capsys):
    real, fake = pictures(tmp_path / "real", 60), pictures(tmp_path / "fake", 50, seed=1)
    output = tmp_path / "figures.json"
    for _ in range(2):
        records = run(f"folder={fake}", f"against={real}", f"output={output}")
    assert (records[0].name, records[0].protocol.generator) == ("fd_classifier_50", "files")
    assert "fd_classifier_50" in capsys.readouterr().out
    kept = json.loads(output.read_text())
    assert len(kept) == 2 * len(records)
    assert kept[0] == kept[len(records)]


def test_folder_of_any_size_against_a_data_set(tmp_path):
    fake = pictures(tmp_path / "fake", 30, size=20)
    records = run(f"folder={fake}", "data=digits")
    assert records[0].protocol.data == "digits"
    assert records[0].protocol.num_fake == 30


def test_a_copy_of_the_reals_is_perfect(tmp_path):
    real = pictures(tmp_path / "real", 60)
    found = {record.name: record.value for record in run(f"folder={real}", f"against={real}")}
    assert found["fd_classifier_60"] == pytest.approx(0, abs=1e-6)
    assert found["precision_classifier_60"] == found["recall_classifier_60"] == 1


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "run=<a run's folder>"),
        (["folder=a", "run=b"], "run=<a run's folder>"),
        (["folder=a"], "against="),
        (["folder=a", "against=b", "data=digits"], "against="),
        (["run=a", "data=digits"], "leave data out"),
        (["run=a", "checkpoint=first"], "checkpoint=first"),
        (["run=a", "metrics=none"], "metrics=none"),
        (["run=no/such/run"], "no run here"),
        (["folder=no/such/folder", "data=digits"], "no/such/folder"),
        (["folder=a", "data=digits", "accelerator=tpu"], "accelerator=tpu"),
    ],
)
def test_unclear_commands_are_refused(overrides, message):
    with pytest.raises(UserError, match=message):
        run(*overrides)


def test_too_few_pictures_are_refused(tmp_path):
    fake = pictures(tmp_path / "fake", 4)
    with pytest.raises(UserError, match="4 pictures are too few"):
        run(f"folder={fake}", "data=digits")


def test_figures_and_what_stands_beside_fit_eighty_columns(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    protocol = Protocol(
        "auroc", "none", "none", "none", 143, 284, "tumours", "test", "abc", "averaged",
        parameters={"anomalous": 106, "threshold": "percentile 95 of normal val rows"},
    )  # fmt: skip
    beside = {"isolation_forest": 0.95594, "one_class_svm": 0.96126, "pca": 0.90211}
    records = [
        Record("f1_contamination_284", 0.86792, False, protocol, beside=beside),
        Record("auroc_284", 0.96539, False, protocol),
    ]
    show(records, {"checkpoint": "best.ckpt"})
    printed = capsys.readouterr().out
    assert "\u2026" not in printed and max(map(len, printed.splitlines())) <= 80
    rows = [line.split() for line in printed.splitlines() if "284 " in line and "higher" in line]
    assert rows[0][1::2] == [
        "f1_contamination_284",
        "higher",
        "0.86792",
        "0.9559",
        "0.9613",
        "0.9021",
    ]
    assert rows[1][1:6:2] == ["auroc_284", "higher", "0.96539"]
    assert "143 real, 284 fake, anomalous 106, threshold" in printed
