import json

import pytest
from hydra import compose, initialize_config_dir
from metrics.fakes import shapes
from PIL import Image
from support import ROOT

from gan_lab.apps.evaluate import evaluate
from gan_lab.errors import UserError


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
