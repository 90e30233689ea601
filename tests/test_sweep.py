"""Multiruns on a stand-in for train.py: fresh processes, failures, kills, searches, pruning."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from gan_lab.errors import UserError

optuna = pytest.importorskip("optuna")
space = pytest.importorskip("hydra_plugins.gan_lab.space")

ROOT = Path(__file__).resolve().parents[1]

APP = """
import os, pathlib, sys, time
from gan_lab.command_line import entry
from gan_lab.errors import UserError

@entry("app")
def main(cfg):
    folder = pathlib.Path(cfg.run_dir or "runs/one")
    folder.mkdir(parents=True)  # fails if another trial had it
    print("threads", os.environ["OMP_NUM_THREADS"])
    print("gpus", os.environ.get("CUDA_VISIBLE_DEVICES"))
    if cfg.mode == "crash":
        os.kill(os.getpid(), 9)
    if cfg.mode == "diverge":
        raise UserError("loss/discriminator is not a number any more")
    if cfg.mode == "hang":
        time.sleep(60)
    if cfg.mode == "prune":
        import optuna
        study = optuna.load_study(study_name=cfg.search.study_name, storage=cfg.search.storage)
        trial = optuna.trial.Trial(study, study.trials[cfg.search.trial]._trial_id)
        trial.set_user_attr("pruned", True)
    time.sleep(cfg.pause)
    (folder / "done").write_text(str(cfg.x))
    return float("nan") if cfg.mode == "void" else (cfg.x - 2.0) ** 2

main()
"""

CONFIG = """
defaults:
  - _self_
  - hparams_search: null
  - override hydra/launcher: process
x: 1.0
mode: fine
pause: 0.0
run_dir: null
hydra: {output_subdir: null, run: {dir: .}, job_logging: {disable_existing_loggers: false}}
"""

SEARCH = """
# @package _global_
defaults:
  - override /hydra/sweeper: optuna
hydra:
  mode: MULTIRUN
  sweep: {dir: multirun/search}
  sweeper:
    n_trials: 3
    sampler: {_target_: optuna.samplers.RandomSampler, seed: 1}
    params: {x: "interval(0.0, 4.0)"}
"""


@pytest.fixture
def app(tmp_path):
    """A folder with train.py and conf/, in which nothing heavy is imported."""
    (tmp_path / "train.py").write_text(APP)
    (tmp_path / "conf/hparams_search").mkdir(parents=True)
    (tmp_path / "conf/app.yaml").write_text(CONFIG)
    (tmp_path / "conf/hparams_search/search.yaml").write_text(SEARCH.lstrip())
    return tmp_path


def start(app, *arguments):
    return subprocess.Popen(
        [sys.executable, "train.py", *arguments],
        cwd=app,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(app, *arguments):
    process = start(app, *arguments)
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def alive(app):
    """Processes that still run the stand-in of this test."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (
                os.readlink(entry / "cwd") == str(app)
                and b"train.py" in (entry / "cmdline").read_bytes()
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def study_of(app):
    return optuna.load_study(
        study_name="search", storage=f"sqlite:///{app}/multirun/search/study.db"
    )


def test_each_trial_has_its_process_folder_and_share_of_the_machine(app):
    code, output = run(
        app,
        "-m",
        "x=1,2",
        "hydra.sweep.dir=m",
        "hydra.launcher.n_jobs=2",
        "hydra.launcher.gpus=[4,5]",
    )
    assert code == 0, output
    assert {(app / "m" / n / "done").read_text() for n in "01"} == {"1", "2"}
    assert sorted((app / "m" / f"{n}.log").read_text()[-2] for n in "01") == ["4", "5"]
    assert "threads" in (app / "m/0.log").read_text()
    assert json.loads((app / "m/1.json").read_text())["value"] == 0.0


def test_a_failed_trial_is_named_and_does_not_end_the_others(app):
    code, output = run(app, "-m", "mode=diverge,crash,fine", "hydra.sweep.dir=m")
    assert code == 1
    assert "2 of 3 trials failed" in output
    assert "exit code 2: error: loss/discriminator is not a number" in output
    assert "signal 9" in output
    assert (app / "m/2/done").exists()
    assert "Traceback" not in output

    code, output = run(app, "-m", "mode=diverge,crash,fine", "hydra.sweep.dir=m")
    assert "trial 2: done before" in output


def test_a_given_run_dir_becomes_the_folder_of_all_trials(app):
    assert run(app, "-m", "x=1,2", "run_dir=runs/a b")[0] == 0
    assert (app / "runs/a b/1/done").read_text() == "2"
    assert run(app, "-m", "run_dir=runs/c,runs/d")[0] == 0
    assert (app / "runs/d/done").exists()


def test_interrupt_ends_the_trials(app):
    process = start(app, "-m", "mode=hang", "x=1,2", "hydra.sweep.dir=m")
    wait_for((app / "m/0").exists)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopping 1 trials" in output
    assert "Traceback" not in output
    assert not (app / "m/1").exists()
    assert not alive(app)


def test_a_killed_search_is_continued_and_finished_trials_stay(app):
    arguments = ("-m", "hparams_search=search", "pause=0.2")
    process = start(app, *arguments)
    wait_for((app / "multirun/search/1").exists)
    process.kill()
    process.communicate()
    wait_for(lambda: not alive(app))  # a killed search leaves no trial behind
    before = [t for t in study_of(app).trials if t.state.is_finished()]

    code, output = run(app, *arguments)
    assert code == 0, output
    trials = study_of(app).trials
    ended = [t for t in trials if "interrupted" not in t.user_attrs]
    assert len(ended) == 3
    assert all(t.state.name == "COMPLETE" for t in ended)
    assert [trials[t.number].value for t in before] == [t.value for t in before]
    interrupted = [t for t in trials if "interrupted" in t.user_attrs]
    assert all(any(t.params == i.params for t in ended) for i in interrupted)
    assert len({t.params["x"] for t in ended}) == 3  # the sampler did not repeat itself
    best = min(ended, key=lambda t: t.value)
    assert f"best: {best.value:.6g}, trial {best.number}: " in output
    assert f"value: {best.value}" in (app / "multirun/search/best.yaml").read_text()

    code, output = run(app, *arguments, "mode=void")
    assert code == 2
    assert "made with other options: mode=unset, not void" in output


def test_failed_and_pruned_trials_are_recorded_and_the_search_goes_on(app):
    code, output = run(
        app,
        "-m",
        "hparams_search=search",
        "x=1",
        "mode=choice(fine,crash,void,diverge,prune)",
        "hydra.sweeper.n_trials=5",
        "hydra.sweeper.sampler._target_=optuna.samplers.BruteForceSampler",  # each mode once
        "hydra.launcher.n_jobs=2",
    )
    assert code == 0, output
    trials = {t.params["mode"]: t for t in study_of(app).trials}
    states = {mode: trial.state.name for mode, trial in trials.items()}
    failed = dict.fromkeys(("crash", "void", "diverge"), "FAIL")
    assert states == {"fine": "COMPLETE", "prune": "PRUNED", **failed}
    assert "signal 9" in trials["crash"].user_attrs["error"]
    assert "not a number any more" in trials["diverge"].user_attrs["error"]
    assert "returned no number" in trials["void"].user_attrs["error"]


def test_a_search_without_any_value_fails(app):
    code, output = run(app, "-m", "hparams_search=search", "mode=void", "hydra.sweeper.n_trials=1")
    assert code == 1
    assert "no trial gave a value" in output


def test_a_bad_option_is_found_before_a_trial_starts(app):
    for arguments in (["-m", "x=1,2", "mod=fine"], ["-m", "hparams_search=search", "mod=fine"]):
        code, output = run(app, *arguments)
        assert code == 2
        assert "there is no option `mod`. Did you mean `mode`?" in output
        assert not (app / "runs").exists()


def parse(text):
    return space.distribution(OverridesParser.create().parse_override(text))


def test_search_spaces():
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    assert parse("lr=tag(log, interval(1e-4, 1e-2))") == FloatDistribution(1e-4, 1e-2, log=True)
    assert parse("z=int(interval(1, 9))") == IntDistribution(1, 9)
    assert parse("z=range(2, 9, 3)") == IntDistribution(2, 8, step=3)
    assert parse("z=range(0, 9, 3)") == IntDistribution(0, 6, step=3)  # the stop is excluded
    assert parse("z=choice(16, 32)") == CategoricalDistribution(["16", "32"])
    assert parse("z=a,b") == CategoricalDistribution(["a", "b"])
    assert parse("z='a b',null,{k: 1}").choices == ("'a b'", "null", "{k:1}")


@pytest.mark.parametrize(
    "text", ["z=interval(2, 1)", "z=tag(log, interval(0, 1))", "z=range(3, 1)"]
)
def test_impossible_spaces_are_refused(text):
    with pytest.raises(UserError, match="^z="):
        parse(text)
