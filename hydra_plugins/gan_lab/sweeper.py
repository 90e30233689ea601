"""A Hydra sweeper that searches with Optuna, and can be killed and continued at any time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Optional  # noqa: UP035 (OmegaConf reads these)

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from gan_lab.errors import UserError
from gan_lab.trial import TrialsFailed
from hydra_plugins.gan_lab.launcher import quoted
from hydra_plugins.gan_lab.space import distribution

if TYPE_CHECKING:
    import optuna


@dataclass
class OptunaSweeperConfig:
    """Options under `hydra.sweeper`."""

    _target_: str = "hydra_plugins.gan_lab.sweeper.OptunaSweeper"
    _recursive_: bool = False  # Optuna is imported when a search starts, not before
    _convert_: str = "all"
    study_name: str = "search"
    storage: Optional[str] = None  # noqa: UP045
    n_trials: int = 20
    n_jobs: Optional[int] = None  # noqa: UP045
    direction: str = "minimize"
    sampler: Any = None
    params: Dict[str, Any] = field(default_factory=dict)  # noqa: UP006


class OptunaSweeper(Sweeper):
    """Ask a study for trials, run each with Hydra's launcher, tell the study what came of it.

    The study lies in a database. Started again, a search adds what is missing to `n_trials`:
    trials that were running when it was killed are noted as failed and their parameters are tried
    again under new numbers, so that no finished trial is lost and no folder is written twice. A
    trial that fails is recorded and does not end the search. One process may search a study at a
    time; `n_jobs` is how it runs trials side by side.

    Args:
        study_name: name of the study in its storage.
        storage: address of the database; None puts study.db into the sweep's folder.
        n_trials: how many trials are wanted in all: finished, pruned and failed ones together.
        n_jobs: trials asked for at a time; None asks for as many as the launcher runs at a time.
        direction: of the value that a run returns, minimize or maximize.
        sampler: node that makes an Optuna sampler; None is Optuna's default.
        params: option -> search space; the command line adds to them and overrides them.
    """

    def __init__(
        self,
        study_name: str,
        storage: str | None,
        n_trials: int,
        n_jobs: int | None,
        direction: str,
        sampler: dict | None,
        params: dict[str, object],
    ) -> None:
        if direction not in ("minimize", "maximize"):
            raise UserError(f"hydra.sweeper.direction={direction}: must be minimize or maximize")
        self.study_name = study_name
        self.storage = storage
        self.n_trials = n_trials
        self.n_jobs = n_jobs
        self.direction = direction
        self.sampler = sampler
        self.params = params
        self.exhausted = False  # whether a sampler of a finite space has drawn all of it

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.hydra_context = hydra_context
        self.config = config
        self.sweep_dir = Path(str(config.hydra.sweep.dir))
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )
        self.n_jobs = self.n_jobs or getattr(self.launcher, "n_jobs", 1)

    def sweep(self, arguments: list[str]) -> None:
        """Run what is missing to `n_trials`, then print the table and write best.yaml."""
        optuna = _optuna()
        self.space, self.fixed = self._parse(arguments)
        self.sweep_dir.mkdir(parents=True, exist_ok=True)
        self.storage = self.storage or f"sqlite:///{self.sweep_dir}/study.db"
        self.study = self._load_study(optuna)
        wanted = self.n_trials - self._num_done()
        print(
            f"search {self.study_name}: {self._num_done()} trials done, {max(0, wanted)} to go,"
            f" in {self.sweep_dir}",
            flush=True,
        )
        while not self.exhausted and (missing := self.n_trials - self._num_done()) > 0:
            self._run_batch([self._ask(optuna) for _ in range(min(self.n_jobs, missing))])
        self._conclude()

    def _parse(self, arguments: list[str]) -> tuple[dict[str, object], dict[str, str]]:
        """Split the options into those that are searched and those that all trials share."""
        lines = [f"{key}={value}" for key, value in self.params.items()] + list(arguments)
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        overrides = {o.get_key_element(): o for o in parser.parse_overrides(lines)}
        space = {k: distribution(o) for k, o in overrides.items() if o.is_sweep_override()}
        fixed = {k: o.get_value_element_as_str() for k, o in overrides.items() if k not in space}
        if not space:
            raise UserError(
                "nothing to search: give an option a space, such as"
                " 'model.ema_halflife_kimg=interval(1.0, 20.0)', or fill hydra.sweeper.params"
            )
        return space, fixed

    def _load_study(self, optuna: Any) -> "optuna.Study":
        """Open or make the study; what a killed search left running is queued again."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            study_name=self.study_name,
            storage=self.storage,
            direction=self.direction,
            load_if_exists=True,
        )
        shared = {k: v for k, v in self.fixed.items() if k.lstrip("+") != "run_dir"}
        before = study.user_attrs.setdefault("options", shared)
        if before != shared:
            raise UserError(
                f"the study {self.study_name} in {self.storage} was made with other options:"
                f" {_difference(before, shared)}. Use the same ones to continue it, or another"
                " hydra.sweeper.study_name to start anew"
            )
        study.set_user_attr("options", shared)
        if self.sampler is not None:
            sampler = dict(self.sampler)
            if sampler.get("seed") is not None:  # a continued search must not draw the same again
                sampler["seed"] += len(study.trials)
            study.sampler = instantiate(sampler, _convert_="all")
        running = optuna.trial.TrialState.RUNNING
        for left in study.get_trials(states=(running,)):
            optuna.trial.Trial(study, left._trial_id).set_user_attr("interrupted", True)
            study.enqueue_trial(left.params)
            study.tell(left.number, state=optuna.trial.TrialState.FAIL)
        return study

    def _num_done(self) -> int:
        """Trials that ended by themselves, whatever came of them."""
        return sum(
            t.state.is_finished() and "interrupted" not in t.user_attrs
            for t in self.study.get_trials(deepcopy=False)
        )

    def _ask(self, optuna: Any) -> "optuna.Trial":
        try:
            return self.study.ask(self.space)
        except ValueError as error:  # Optuna refuses another space for a name that it knows
            raise UserError(
                f"the study {self.study_name} was made with another search space ({error})."
                " Use another hydra.sweeper.study_name"
            ) from error

    def _run_batch(self, trials: "Sequence[optuna.Trial]") -> None:
        """Run trials side by side and record each."""
        jobs = [self._overrides(trial) for trial in trials]
        self.validate_batch_is_legal(jobs)
        numbers = [trial.number for trial in trials]
        if hasattr(self.launcher, "run_trials"):
            outcomes = [(t.value, t.error) for t in self.launcher.run_trials(jobs, numbers)]
        else:
            outcomes = [_outcome(job) for job in self.launcher.launch(jobs, numbers[0])]
        for trial, (value, error) in zip(trials, outcomes, strict=True):
            self._tell(trial, value, error)

    def _overrides(self, trial: "optuna.Trial") -> list[str]:
        options = {**self.fixed, **trial.params}
        return [
            *(f"{key}={value}" for key, value in options.items()),
            f"++search.storage={quoted(self.storage)}",
            f"++search.study_name={quoted(self.study_name)}",
            f"++search.trial={trial.number}",
        ]

    def _tell(self, trial: "optuna.Trial", value: float | None, error: str) -> None:
        from optuna.trial import TrialState

        attributes = self.study.get_trials(deepcopy=False)[trial.number].user_attrs
        state = TrialState.COMPLETE
        if attributes.get("pruned"):  # said by callbacks.pruning
            state, value = TrialState.PRUNED, None
        elif value is None or value != value:
            trial.set_user_attr("error", error or "returned no number")
            state, value = TrialState.FAIL, None
        try:
            self.study.tell(trial, value, state)
        except RuntimeError:  # the trial is recorded; a grid's sampler then asks to stop
            self.exhausted = True

    def _conclude(self) -> None:
        """Print every trial, and write the best one's value and options to best.yaml."""
        from optuna.trial import TrialState
        from rich.console import Console
        from rich.table import Table

        table = Table("trial", *self.space, "value", "state", title=f"search {self.study_name}")
        for trial in self.study.trials:
            value = "" if trial.value is None else f"{trial.value:.6g}"
            cells = (_short(trial.params.get(key, "")) for key in self.space)
            table.add_row(str(trial.number), *cells, value, _state(trial))
        Console(width=None if Console().is_terminal else 160).print(table)
        if not self.study.get_trials(states=(TrialState.COMPLETE,)):
            raise TrialsFailed(f"no trial gave a value; their output is in {self.sweep_dir}/*.log")
        best = self.study.best_trial
        file = self.sweep_dir / "best.yaml"
        OmegaConf.save({"value": best.value, "trial": best.number, "params": best.params}, file)
        options = {k: v for k, v in {**self.fixed, **best.params}.items() if k != "hparams_search"}
        options = " ".join(f"{key}={value}" for key, value in options.items())
        print(f"best: {best.value:.6g}, trial {best.number}: {options}\nwritten to {file}")


def _optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise UserError(
            "hparams_search=optuna needs Optuna: pip install -c constraints.txt -e '.[optuna]'"
        ) from error
    return optuna


def _outcome(job: Any) -> tuple[float | None, str]:
    """Value and error of a job that another launcher ran."""
    if job.status == JobStatus.COMPLETED:
        return job._return_value, ""
    return None, repr(job._return_value)


def _difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    return ", ".join(
        f"{key}={before.get(key, 'unset')}, not {now.get(key, 'unset')}" for key in keys
    )


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _state(trial: "optuna.trial.FrozenTrial") -> str:
    if "interrupted" in trial.user_attrs:
        return "interrupted, tried again"
    error = trial.user_attrs.get("error")
    return f"failed: {error}" if error else trial.state.name.lower()


ConfigStore.instance().store(
    group="hydra/sweeper", name="optuna", node=OptunaSweeperConfig, provider="gan_lab"
)
