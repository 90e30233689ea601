"""A Hydra launcher that gives every trial of a multirun a fresh process.

A crash, a leak or a killed trial is that trial's own affair; GPU memory comes back when a trial
ends; and a trial may itself start several processes (DDP).
"""

import contextlib
import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import List, Optional  # noqa: UP035 (OmegaConf reads these)

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from gan_lab.trial import RESULT, TrialsFailed, read_result
from hydra_plugins.gan_lab.table import Trial, print_table


@dataclass
class ProcessLauncherConfig:
    """Options under `hydra.launcher`."""

    _target_: str = "hydra_plugins.gan_lab.launcher.ProcessLauncher"
    n_jobs: int = 1
    gpus: Optional[List[str]] = None  # noqa: UP006, UP045
    grace_seconds: float = 60.0


class TrialReturn(JobReturn):
    """A job's return that raises without Hydra's own line on stderr: the table has said it."""

    @property
    def return_value(self) -> float | None:
        if self.status == JobStatus.COMPLETED:
            return self._return_value
        raise self._return_value

    @return_value.setter
    def return_value(self, value: float | Exception | None) -> None:
        self._return_value = value


class ProcessLauncher(Launcher):
    """Run each trial as `python <script> <overrides> run_dir=<sweep dir>/<number>`.

    Beside each trial's folder lie its console output, `<number>.log`, and its result,
    `<number>.json`. A trial that has a result for the same overrides is not run again, so a
    multirun with a fixed `hydra.sweep.dir` is continued by its own command.

    Args:
        n_jobs: trials that run at the same time.
        gpus: ids shared out among them, such as [0,1,2,3]; None shows every GPU to every trial.
        grace_seconds: how long an interrupted trial may take to save and end.
    """

    def __init__(self, n_jobs: int, gpus: list[str] | None, grace_seconds: float) -> None:
        self.n_jobs = n_jobs
        self.gpus = gpus
        self.grace_seconds = grace_seconds
        self.running: set[subprocess.Popen] = set()
        self.lock = threading.Lock()
        self.stopping = False

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.config = config
        self.sweep_dir = Path(str(config.hydra.sweep.dir))
        self.base, self.swept = _run_dir(config)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run every job, print the table, and return the values; Hydra raises the failures."""
        numbers = range(initial_job_idx, initial_job_idx + len(job_overrides))
        trials = self.run_trials(job_overrides, numbers)
        print_table(trials)
        failed = sum(trial.status != "done" for trial in trials)
        returns = []
        for trial in trials:
            job = TrialReturn(overrides=trial.overrides, status=JobStatus.COMPLETED)
            job.return_value = trial.value
            if trial.status != "done":
                job.status = JobStatus.FAILED
                job.return_value = TrialsFailed(f"{failed} of {len(trials)} trials failed")
            returns.append(job)
        return returns

    def run_trials(
        self, job_overrides: Sequence[Sequence[str]], numbers: Sequence[int]
    ) -> list[Trial]:
        """Run every job to its end, in `n_jobs` processes at a time; Ctrl-C ends them all."""
        self.sweep_dir.mkdir(parents=True, exist_ok=True)
        trials = [self._trial(n, list(o)) for n, o in zip(numbers, job_overrides, strict=True)]
        slots: queue.SimpleQueue[int] = queue.SimpleQueue()
        for slot in range(self.n_jobs):
            slots.put(slot)
        with ThreadPoolExecutor(self.n_jobs) as pool, _terminate_as_interrupt():
            futures = [pool.submit(self._run, trial, slots) for trial in trials]
            try:
                for future in futures:
                    future.result()
            except KeyboardInterrupt:
                for future in futures:
                    future.cancel()
                self._stop()
                raise
        return trials

    def _trial(self, number: int, overrides: list[str]) -> Trial:
        folder = self.sweep_dir / str(number)
        if self.base is not None:
            folder = Path(self.base) / str(number)
        if self.swept:
            folder = Path(next(o for o in overrides if o.startswith("run_dir=")).split("=", 1)[1])
        return Trial(number, overrides, str(folder), str(self.sweep_dir / f"{number}.log"))

    def _run(self, trial: Trial, slots: queue.SimpleQueue) -> None:
        record = self.sweep_dir / f"{trial.number}.json"
        if record.exists():
            before = json.loads(record.read_text())
            if before["overrides"] == trial.overrides and before["status"] == "done":
                trial.status, trial.value, trial.seconds = (
                    "done",
                    before["value"],
                    before["seconds"],
                )
                print(f"trial {trial.number}: done before", flush=True)
                return
        slot = slots.get()
        try:
            self._run_process(trial, slot)
        finally:
            slots.put(slot)
        record.write_text(json.dumps(asdict(trial), indent=1))
        outcome = trial.error or ("done" if trial.value is None else f"{trial.value:.6g}")
        print(f"trial {trial.number}: {outcome} ({trial.seconds:.0f} s)", flush=True)

    def _run_process(self, trial: Trial, slot: int) -> None:
        result = self.sweep_dir / f"{trial.number}.result"
        result.unlink(missing_ok=True)
        shared = set(self.config.hydra.overrides.task)
        own = [o for o in trial.overrides if o not in shared and not o.startswith("+")]
        print(f"trial {trial.number}: {' '.join(own)}", flush=True)
        start = time.monotonic()
        with open(trial.log, "ab") as log:
            with self.lock:
                if self.stopping:
                    trial.status = "stopped"
                    return
                process = subprocess.Popen(
                    self._command(trial),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self._environment(slot, result),
                    start_new_session=True,  # a Ctrl-C reaches it once, from us
                    preexec_fn=_die_with_parent(),
                )
                self.running.add(process)
            code = process.wait()
        with self.lock:
            self.running.discard(process)
        trial.seconds = time.monotonic() - start
        if self.stopping:
            trial.status, trial.error = "stopped", "stopped"
        elif code == 0 and result.exists():
            trial.status, trial.value = "done", read_result(result)
        else:
            how = f"exit code {code}" if code > 0 else f"signal {-code}" if code else "no result"
            trial.status, trial.error = "failed", f"failed, {how}: {_last_line(trial.log)}"
        result.unlink(missing_ok=True)

    def _command(self, trial: Trial) -> list[str]:
        """The command line of one trial: its own overrides, Hydra's, and a folder of its own."""
        hydra = self.config.hydra
        flags = ["--config-name", hydra.job.config_name]
        for source in hydra.runtime.config_sources:
            if source.provider == "command-line":
                flags += ["--config-dir", source.path]
        overrides = [*hydra.overrides.hydra, *trial.overrides, "hydra.mode=RUN"]
        if "run_dir" in self.config and not self.swept:
            overrides = [o for o in overrides if not o.startswith("run_dir=")]
            overrides.append(f"run_dir={quoted(trial.folder)}")
        return [sys.executable, os.path.abspath(sys.argv[0]), *flags, *overrides]

    def _environment(self, slot: int, result: Path) -> dict[str, str]:
        environment = os.environ | {RESULT: str(result.absolute())}
        environment.pop("HYDRA_FULL_ERROR", None)
        if self.n_jobs > 1:  # trials side by side share the cores
            cores = max(1, len(os.sched_getaffinity(0)) // self.n_jobs)
            environment.setdefault("OMP_NUM_THREADS", str(cores))
        if self.gpus:
            share = self.gpus[slot % len(self.gpus) :: self.n_jobs]
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(share)
        return environment

    def _stop(self) -> None:
        """Interrupt what runs, once; kill what has not saved and ended after the grace time."""
        with self.lock:
            self.stopping = True
            running = list(self.running)
        print(f"stopping {len(running)} trials (again to kill them)", file=sys.stderr, flush=True)
        try:
            _signal(running, signal.SIGINT)
            deadline = time.monotonic() + self.grace_seconds
            for process in running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
        except KeyboardInterrupt:
            pass
        _signal(running, signal.SIGKILL)


def _run_dir(config: DictConfig) -> tuple[str | None, bool]:
    """The `run_dir` given on the command line, if any, and whether each trial has its own."""
    parser = OverridesParser.create()
    for override in parser.parse_overrides(list(config.hydra.overrides.task)):
        if override.get_key_element() == "run_dir":
            if override.is_sweep_override():
                return None, True
            return str(override.value()), False
    return None, False


def quoted(text: str) -> str:
    """A string as one value of Hydra's grammar."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _last_line(log: str) -> str:
    lines = Path(log).read_text(errors="replace").strip().splitlines()
    lines = [line for line in lines if line and not line.startswith("Set the environment variable")]
    return lines[-1][:200] if lines else f"see {log}"


def _signal(processes: Sequence[subprocess.Popen], number: int) -> None:
    """Send a signal to each process that still runs and to all that it started."""
    for process in processes:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux: what a child does first, so that killing the multirun does not orphan a trial."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)  # loaded before the fork
    return lambda: libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


@contextlib.contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """SIGTERM, as a cluster sends it, ends the multirun the way Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


ConfigStore.instance().store(
    group="hydra/launcher", name="process", node=ProcessLauncherConfig, provider="gan_lab"
)
