import json
import math

import pytest
import torch

from gan_lab.callbacks.evaluation import Evaluation
from gan_lab.callbacks.reports import Reports
from gan_lab.errors import UserError
from gan_lab.loggers.csv import CSV
from gan_lab.metrics.extractor import Extractor
from gan_lab.metrics.features import Formula
from gan_lab.metrics.frechet import FrechetDistance
from gan_lab.metrics.precision_recall import PrecisionRecall
from gan_lab.metrics.suite import Suite


class Pixels(Extractor):
    name, dim, fingerprint = "pixels", 16, "none"

    def __call__(self, images):
        return images.flatten(1).float() / 255, None


class Script(Formula):
    """Values that are known beforehand."""

    names = ("script",)

    def __init__(self, values, *, lower_is_better=True):
        super().__init__()
        self.values, self.lower_is_better = iter(values), lower_is_better

    def __call__(self, real, fake, data):
        return (next(self.values),)


def evaluation(every_kimg=0.05, **formulas):
    formulas = formulas or {"frechet": FrechetDistance(), "pr": PrecisionRecall()}
    return Evaluation(Suite({"pixels": Pixels()}, formulas, block=30), every_kimg)


def lines(folder):
    return [json.loads(line) for line in (folder / "evaluations.jsonl").read_text().splitlines()]


def test_measures_at_every_crossing_and_at_the_end(tmp_path, fit):
    callback = evaluation()
    fit(tmp_path, [Reports(5), callback], loggers=[CSV()], steps=12)
    found = lines(tmp_path)
    names = ["fd_pixels_100", "precision_pixels_100", "recall_pixels_100"]
    assert [line["iteration"] for line in found] == [5] * 3 + [10] * 3 + [12] * 3
    assert [line["name"] for line in found[:3]] == names
    assert list(found[0])[0] == "iteration"
    assert found[-1]["kimg"] == 0.12
    assert callback.latest == {line["name"]: line["value"] for line in found[-3:]}
    header, *rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert "metric/fd_pixels_100" in header
    assert rows[0].startswith("5,0.05,")


def test_killed_and_resumed_leaves_the_same_bytes(tmp_path, fit, fit_with_a_kill):
    def callbacks():
        return [Reports(5), evaluation(0.04)]

    fit(tmp_path / "whole", callbacks(), loggers=[CSV()], steps=25)
    fit_with_a_kill(tmp_path / "cut", callbacks, make_loggers=lambda: [CSV()], steps=25)
    for name in ("evaluations.jsonl", "metrics.csv"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_does_not_disturb_training(tmp_path, fit):
    with_it = fit(tmp_path / "a", [evaluation()]).lightning_module.state_dict()
    without = fit(tmp_path / "b", []).lightning_module.state_dict()
    assert all(torch.equal(with_it[name], without[name]) for name in without)


@pytest.mark.parametrize(
    ("values", "lower_is_better", "best", "at"),
    [
        ([3.0, 1.0, 2.0], True, 1.0, 10),
        ([3.0, 1.0, 2.0], False, 3.0, 5),
        ([math.nan, 2.0, math.nan], True, 2.0, 10),
        ([1.0, 1.0, 1.0], True, 1.0, 5),
    ],
)
def test_best_is_the_first_metrics_and_never_nan(tmp_path, fit, values, lower_is_better, best, at):
    callback = evaluation(script=Script(values, lower_is_better=lower_is_better))
    improvements = []
    callback.on_evaluation.append(lambda kimg, metrics: improvements.append(callback.improved))
    fit(tmp_path, [callback], steps=15)
    assert callback.best == {
        **{"name": "script_pixels_100", "stage": 0},
        **{"value": best, "iteration": at},
    }
    assert sum(improvements) == (2 if values[:2] == [3.0, 1.0] and lower_is_better else 1)


def test_nan_is_recorded(tmp_path, fit):
    callback = evaluation(script=Script([math.nan] * 3))
    fit(tmp_path, [callback], steps=10)
    assert all(math.isnan(line["value"]) for line in lines(tmp_path))
    assert callback.best_value is None


def test_unfit_data_fail_before_training(tmp_path, fit):
    class Absent(Pixels):
        def prepare(self, data, device):
            raise UserError("no weights")

    callback = Evaluation(Suite({"absent": Absent()}, {"frechet": FrechetDistance()}), 1.0)
    with pytest.raises(UserError, match="no weights"):
        fit(tmp_path, [callback])
    assert not (tmp_path / "evaluations.jsonl").exists()


def test_without_metrics_nothing_happens(tmp_path, fit):
    callback = Evaluation(None, 0.05)
    fit(tmp_path, [callback], steps=5)
    assert not (tmp_path / "evaluations.jsonl").exists()
    assert not callback.improved


def test_an_interval_of_nothing_is_refused():
    with pytest.raises(ValueError, match="evaluate_every_kimg=0"):
        Evaluation(None, 0)


def test_the_best_is_that_of_the_last_stage(tmp_path, fit, monkeypatch):
    from gan_lab.models.base import Game

    monkeypatch.setattr(Game, "stage", property(lambda gan: int(gan.steps_done > 10)))
    callback = evaluation(script=Script([1.0, 2.0, 4.0, 3.0]))
    fit(tmp_path, [Reports(5), callback], steps=20)
    assert (callback.best["value"], callback.best["iteration"]) == (3.0, 20)
