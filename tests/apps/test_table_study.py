"""Samples of rows beside real ones and SMOTE, before the learners of the efficacy."""

import json

import numpy as np
import pytest
import torch
from support import compose

from gan_lab.apps.augment_study import main
from gan_lab.apps.study.smote import smote
from gan_lab.apps.study.tables import TableStudy
from gan_lab.data.share import first_share
from gan_lab.data.table import TableData
from gan_lab.data.table_files import typed
from gan_lab.metrics.efficacy import Accuracy
from gan_lab.training import train


class Copying:
    """Samples are real rows; their targets are the next class if `wrong`."""

    def __init__(self, data, wrong=0):
        self.medium, self.reals, self.wrong, self.seeds = data.medium, data.reals(), wrong, []

    def sample(self, num, *, seed):
        self.seeds.append((num, seed))
        draws = torch.Generator().manual_seed(seed)
        rows = self.reals.images(torch.randint(len(self.reals), (num,), generator=draws))
        rows[:, -3:] = rows[:, -3:].roll(self.wrong, 1)
        return rows


@pytest.fixture(scope="module")
def iris():
    return TableData(table="iris")


def accuracies(data, gan, share, seed=0, num_samples=60):
    study = TableStudy(data, gan, num_samples=num_samples)
    return study.accuracies(first_share(data.reals(), share), seed)


def test_good_samples_teach_and_wrong_ones_do_not(iris):
    good, bad = (accuracies(iris, Copying(iris, wrong), 0.2) for wrong in (0, 1))
    assert good["samples_only"] > 0.85 and bad["samples_only"] < 0.15
    assert good["real"] == bad["real"] > 0.8 and good["classic"] == bad["classic"] > 0.8
    assert good["samples"] > bad["samples"]


def test_real_rows_have_the_efficacys_score_of_a_run_that_knows_only_the_share(iris):
    found = accuracies(iris, Copying(iris), 0.1, seed=3)["real"]
    few = TableData(table="iris", train_share=0.1)
    learnt, test = (
        few.medium.features(few.reals(split).images(range(len(few.reals(split)))))
        for split in ("train", "test")
    )
    assert found == Accuracy(seed=3).score(learnt, test, few.medium)


def test_each_seed_draws_samples_of_its_own_as_many_as_are_needed(iris):
    gan = Copying(iris)
    for seed, num_samples in ((0, 10), (1, 10), (1, 200)):
        accuracies(iris, gan, 0.5, seed, num_samples)
    nums, seeds = zip(*gan.seeds, strict=True)
    assert nums == (60, 60, 200) and len(set(seeds)) == 2


def test_targets_of_numbers_have_r2():
    data = TableData(table="diabetes", num_modes=2)
    study = TableStudy(data, Copying(data), num_samples=50)
    assert study.score == "R² on the real test split, %" and study.title.endswith("forest")
    assert 0 < study.accuracies(first_share(data.reals(), 0.5), 0)["classic"] < 0.7


# SMOTE ---------------------------------------------------------------------------------------


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def test_new_rows_lie_between_two_of_a_class_and_take_its_words():
    x = np.random.default_rng(0).random((40, 2))
    group = np.arange(40) % 2
    x[group == 1] += 5
    cells = {
        "a": [f"{v:.9f}" for v in x[:, 0]],
        "b": [f"{v:.9f}" for v in x[:, 1]],
        "word": [f"w{n}" for n in range(40)],
    }
    made = smote(typed(cells, "t"), x, group, drawn())
    a, b = made.values["a"], made.values["b"]
    for row in range(40):
        near = np.argsort(((x - x[row]) ** 2).sum(1) + 100 * (group != group[row]))[1:6]
        steps = x[near] - x[row]  # (5, 2)
        gone = np.array([a[row], b[row]]) - x[row]
        way = steps @ gone / (steps**2).sum(1)
        on_it = np.abs(way[:, None] * steps - gone).max(1) < 1e-7
        (other,) = np.flatnonzero(on_it)
        assert 0 <= way[other] <= 1
        nearer = row if way[other] < 0.5 else near[other]
        assert made.cells("word")[row] == f"w{nearer}"
    again, different = (smote(typed(cells, "t"), x, group, drawn(seed)) for seed in (0, 1))
    assert np.array_equal(again.values["a"], a) and not np.array_equal(different.values["a"], a)


def test_a_row_alone_in_its_class_and_missing_numbers_stay_what_they_are():
    table = typed({"a": ["1", None, "3", "7"]}, "t")
    made = smote(table, np.array([[1.0], [0], [3], [7]]), np.array([0, 1, 0, 2]), drawn())
    assert np.isnan(made.values["a"][1]) and made.values["a"][3] == 7
    assert set(made.values["a"][[0, 2]]) <= {1, 2, 3}  # whole, as the column is
    pair = typed({"a": ["1", None]}, "t")
    found = {smote(pair, np.zeros((2, 1)), np.zeros(2), drawn(s)).cells("a")[0] for s in range(9)}
    assert found == {1, None}


# From run to plot ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "iris"
    config = compose(
        "model=ctgan", "data=table", "data.table=iris", "data.train_share=0.5",
        "data.batch_size=20", "model.generator.width=8", "model.discriminator.width=8",
        "trainer.kimg=0.06", "metrics=none", "logger=none", f"run_dir={folder}",
    )  # fmt: skip
    train(config, [])
    return folder


def test_a_study_from_run_to_plot(run, capsys):
    options = ["fractions=[0.2,1]", "seeds=2", "num_samples=30", "checkpoint=last"]
    main([f"run={run}", *options])
    told = " ".join(capsys.readouterr().out.split())
    assert "accuracy on the real test split" in told and "real rows" in told
    assert (
        "24*" in told
        and "learnt from 60 labelled rows, more than the learners" in told
        and "120*" not in told
    )
    record = json.loads((run / "augment_study.json").read_text())
    assert record["num_real_of_gan"] == 60 and len(record["outcomes"]) == 8
    assert record["options"]["learners"] == "logistic, tree, forest"
    assert (run / "augment_study.png").stat().st_size > 5000
    main([f"run={run}", *options])
    assert json.loads((run / "augment_study.json").read_text()) == record


def test_what_rows_do_not_take_is_refused(run, capsys):
    with pytest.raises(SystemExit):
        main([f"run={run}", "checkpoint=last", "steps=5"])
    assert "steps=5: learners of rows take none" in capsys.readouterr().err


def test_tables_without_anything_to_foretell_are_refused(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{n},{n % 7}\n" for n in range(40)))
    config = compose(
        "model=ctgan", "data=table", f"data.root={tmp_path / 't.csv'}", "data.batch_size=20",
        "model.generator.width=8", "model.discriminator.width=8", "trainer.kimg=0.02",
        "metrics=none", "logger=none", f"run_dir={tmp_path / 'run'}",
    )  # fmt: skip
    train(config, [])
    with pytest.raises(SystemExit):
        main([f"run={tmp_path / 'run'}", "checkpoint=last"])
    assert "no target; train with data.target=" in capsys.readouterr().err
