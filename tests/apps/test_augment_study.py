import gzip
import json

import numpy as np
import pytest
from metrics.fakes import Data, shapes
from scipy.stats import t as student
from support import compose

from gan_lab.apps.augment_study import Outcome, main, options_of
from gan_lab.apps.study.pictures import PictureStudy
from gan_lab.data.base import as_float
from gan_lab.data.digits import read_digits
from gan_lab.data.share import first_share
from gan_lab.media import Pictures
from gan_lab.training import train


class Split(Data):
    splits, mirror = ("train", "test"), False

    def __init__(self):
        super().__init__(200)
        self.test = shapes(100, seed=1)

    def reals(self, split="train"):
        return self.test if split == "test" else self.set


class Obedient:
    """Samples are new pictures of the class asked for, or of the next one if `wrong`."""

    medium = Pictures()

    def __init__(self, wrong=0):
        self.pool, self.wrong = shapes(300, seed=2), wrong

    def sample(self, num, *, seed, label):
        labels = self.pool.labels(range(300))
        rows = [int((labels == (c + self.wrong) % 3).nonzero()[0]) for c in label.tolist()]
        return as_float(self.pool.images(rows))


def accuracies(gan, share=0.05):
    study = PictureStudy(Split(), gan, num_samples=60, steps=30, batch=16)
    return study.accuracies(first_share(Split().set, share), seed=0)


def test_good_samples_teach_and_wrong_ones_do_not():
    good, bad = accuracies(Obedient()), accuracies(Obedient(wrong=1))
    assert good["samples_only"] > 0.9 and bad["samples_only"] < 0.1
    assert good["real"] == bad["real"] > 0.6 and good["classic"] == bad["classic"]
    assert good["samples"] > bad["samples"]


def test_an_interval_is_student_s():
    outcome = Outcome("real", 0.1, 10, [0.5, 0.6, 0.8])
    low, high = student.interval(
        0.95, 2, np.mean([0.5, 0.6, 0.8]), np.std([0.5, 0.6, 0.8], ddof=1) / 3**0.5
    )
    assert outcome.mean - outcome.reach == pytest.approx(low)
    assert outcome.mean + outcome.reach == pytest.approx(high)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["fractions=[0.1]"], "run= is missing"),
        (["run=a", "fractions=[0]"], "fractions=.*above 0"),
        (["run=a", "seeds=0"], "seeds=0"),
        (["run=a", "seed=0"], "the options are run, fractions"),
        (["run=a", "steps=many"], "steps"),
    ],
)
def test_options_that_are_wrong_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        options_of(arguments)


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def test_a_study_from_run_to_plot(tmp_path, capsys):
    pixels, labels = read_digits()
    pixels = np.pad((pixels * 15).astype(np.uint8), ((0, 0), (10, 10), (10, 10)))
    raw = tmp_path / "data/MNIST/raw"
    raw.mkdir(parents=True)
    for part, rows in (("train", slice(0, 300)), ("t10k", slice(300, 400))):
        images = raw / f"{part}-images-idx3-ubyte.gz"
        images.write_bytes(gzip.compress(idx(pixels[rows])))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels[rows].astype(np.uint8)))
    config = compose(
        "model=acgan", "data=mnist", f"data.root={tmp_path / 'data'}", "data.resolution=16",
        "data.batch_size=16", "model.generator.width=8", "model.discriminator.width=8",
        "data.train_share=0.5", "trainer.kimg=0.048", "metrics=none", "logger=none",
        f"run_dir={tmp_path / 'run'}",
    )  # fmt: skip
    train(config, [])
    main([
        f"run={tmp_path / 'run'}", "fractions=[0.2,1]", "seeds=2", "steps=2", "batch=8",
        "num_samples=20", "checkpoint=last",
    ])  # fmt: skip
    told = " ".join(capsys.readouterr().out.split())
    assert "20 %" in told and "labelled pictures, more than the classifier here" in told
    record = json.loads((tmp_path / "run/augment_study.json").read_text())
    assert 140 < record["num_real_of_gan"] < 160 and len(record["outcomes"]) == 8
    assert record["options"]["steps"] == 2 and record["options"]["batch"] == 8
    assert (tmp_path / "run/augment_study.png").stat().st_size > 5000


def test_runs_that_cannot_be_studied_are_refused(tmp_path, capsys):
    small = ["model.generator.width=8", "model.discriminator.width=8", "trainer.kimg=0.064"]
    more = ["data=digits", "metrics=none", "logger=none", f"run_dir={tmp_path / 'run'}"]
    train(compose("model=acgan", *small, *more), [])
    with pytest.raises(SystemExit):
        main([f"run={tmp_path / 'run'}", "checkpoint=last"])
    assert "digits has no pictures kept for testing" in capsys.readouterr().err
