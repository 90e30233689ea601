"""Ctrl-C and SIGTERM on a real run of train.py."""

import os
import signal
import subprocess
import sys
import time

import pytest
from support import ROOT, SMALL

from gan_lab.runs import Run, read_checkpoint


def start(run_dir) -> subprocess.Popen:
    options = [*SMALL, "trainer.kimg=500", "trainer.log_every=5", "logger=csv", "metrics=none"]
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), f"run_dir={run_dir}", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def wait_for_rows(run_dir, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not (run_dir / "metrics.csv").is_file():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_saves_and_exits_with_0(number, tmp_path):
    process = start(tmp_path / "run")
    wait_for_rows(tmp_path / "run", process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert f"go on with: python train.py run={tmp_path / 'run'}" in output
    steps = read_checkpoint(Run(tmp_path / "run").checkpoint("last"))["gan"]["steps_done"]
    last_row = (tmp_path / "run/metrics.csv").read_text().splitlines()[-1]
    assert steps - 5 < int(last_row.split(",")[0]) <= steps


@pytest.mark.slow
def test_second_interrupt_stops_at_once_and_loses_nothing(tmp_path):
    process = start(tmp_path / "run")
    wait_for_rows(tmp_path / "run", process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert "Traceback" not in output
    checkpoints = tmp_path / "run/checkpoints"
    for file in checkpoints.iterdir() if checkpoints.is_dir() else []:
        read_checkpoint(file)
