"""A hopeless trial of a search is told to stop."""

from types import SimpleNamespace

import pytest
import torch

from gan_lab.callbacks.evaluation import Evaluation
from gan_lab.callbacks.pruning import Pruning
from gan_lab.errors import UserError

optuna = pytest.importorskip("optuna")


@pytest.fixture
def study(tmp_path):
    """A study in which three trials reached 1.0 at 2 kimg and a fourth is running."""
    study = optuna.create_study(study_name="s", storage=f"sqlite:///{tmp_path}/study.db")
    for _ in range(3):
        trial = study.ask()
        trial.report(1.0, step=2000)
        study.tell(trial, 1.0)
    study.ask()
    return study


def started(study, tmp_path, **options):
    options = {"pruner": optuna.pruners.MedianPruner(n_startup_trials=1), "trial": 3} | options
    callback = Pruning(f"sqlite:///{tmp_path}/study.db", "s", **options)
    evaluation = Evaluation(None, 1.0)
    trainer = SimpleNamespace(callbacks=[evaluation], is_global_zero=True, should_stop=False)
    callback.on_fit_start(trainer, SimpleNamespace(device=torch.device("cpu")))
    return trainer, evaluation.on_evaluation


def test_a_trial_worse_than_the_median_stops_and_says_so_in_the_study(study, tmp_path):
    trainer, (judge,) = started(study, tmp_path)
    judge(2.0, {"fd": 9.0, "recall": 0.5})
    assert trainer.should_stop
    assert study.trials[3].user_attrs == {"pruned": True}
    assert study.trials[3].intermediate_values == {2000: 9.0}


def test_a_good_trial_goes_on(study, tmp_path):
    trainer, (judge,) = started(study, tmp_path)
    judge(2.0, {"fd": 0.5})
    assert not trainer.should_stop
    assert study.trials[3].user_attrs == {}


def test_outside_a_search_nothing_is_judged(study, tmp_path):
    _, listeners = started(study, tmp_path, trial=None)
    assert listeners == []


def test_it_needs_an_evaluation(study, tmp_path):
    trainer = SimpleNamespace(callbacks=[], is_global_zero=True)
    with pytest.raises(UserError, match=r"callbacks.pruning needs callbacks.evaluation"):
        Pruning("sqlite://", "s", 3, object()).on_fit_start(trainer, None)
