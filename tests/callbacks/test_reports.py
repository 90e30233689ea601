import time

import lightning as L

from gan_lab.callbacks import reports
from gan_lab.callbacks.reports import Reports
from gan_lab.loggers.csv import CSV
from gan_lab.loggers.table import read


def test_means_are_logged_every_so_many_iterations_with_kimg(tmp_path, fit):
    fit(tmp_path, [Reports(5)], loggers=[CSV()])
    columns = read(tmp_path / "metrics.csv")
    assert columns["iteration"] == [5, 10, 15, 20]
    assert columns["kimg"] == [0.05, 0.1, 0.15, 0.2]
    assert {"loss/generator", "loss/discriminator", "logits/real", "logits/fake"} <= set(columns)
    assert not any(name.startswith("time/") for name in columns)


def test_clock_is_kept_apart_and_runs_forward(tmp_path, fit):
    fit(tmp_path, [Reports(5)], loggers=[CSV()])
    columns = read(tmp_path / "timing.csv")
    assert {"seconds", "seconds_per_kimg", "images_per_second"} <= set(columns)
    assert columns["seconds"] == sorted(columns["seconds"])


def test_killed_and_resumed_run_writes_the_same_metrics(tmp_path, fit, fit_with_a_kill):
    fit(tmp_path / "whole", [Reports(5)], loggers=[CSV()])
    fit_with_a_kill(tmp_path / "killed", lambda: [Reports(5)], make_loggers=lambda: [CSV()])
    whole = (tmp_path / "whole" / "metrics.csv").read_bytes()
    assert (tmp_path / "killed" / "metrics.csv").read_bytes() == whole


def test_seconds_go_on_over_a_resume(tmp_path, fit_with_a_kill):
    class Slow(L.Callback):
        def on_train_batch_start(self, *_):
            time.sleep(0.01)

    fit_with_a_kill(
        tmp_path, lambda: [Reports(5), Slow()], make_loggers=lambda: [CSV()], at=10, kill=12
    )
    columns = read(tmp_path / "timing.csv")
    assert columns["iteration"] == [5, 10, 15, 20]
    assert columns["seconds"][-1] >= 0.2  # 20 iterations of 0.01 s, 10 of them before the kill


def test_clock_stands_still_in_a_pause(tmp_path, fit):
    heard = []

    class Pause(L.Callback):
        def on_train_batch_end(self, trainer, *_):
            reports.find(trainer).on_pause = [heard.append]
            with reports.paused(trainer, "resting"):
                time.sleep(0.05)

    fit(tmp_path, [Reports(5), Pause()], loggers=[CSV()])
    assert read(tmp_path / "timing.csv")["seconds"][-1] < 0.5 * 20 * 0.05
    assert heard[:2] == ["resting", None]


def test_an_iteration_without_a_row_costs_next_to_nothing(tmp_path):
    class Idle:
        steps_done = 1

    callback, gan = Reports(50), Idle()
    began = time.perf_counter()
    for _ in range(20_000):
        callback.on_train_batch_end(None, gan, None, None, 0)
    assert (time.perf_counter() - began) / 20_000 < 5e-6
