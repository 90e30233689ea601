"""Ends a hopeless trial of a search early."""

import lightning as L

from gan_lab.callbacks.evaluation import Evaluation
from gan_lab.errors import UserError
from gan_lab.models.base import Game
from gan_lab.strategy import any_process

PRUNED = "pruned"  # attribute of a trial in its study: the sweeper reads it


class Pruning(L.Callback):
    """Reports the first metric of each evaluation to an Optuna study, and stops if told to.

    Args:
        storage: address of the study, such as sqlite:///multirun/search/study.db.
        study_name: its name there.
        trial: this run's number in the study; None where no search started it: then do nothing.
        pruner: decides from the values of the other trials (optuna.pruners); None never stops.
    """

    def __init__(
        self,
        storage: str | None,
        study_name: str | None,
        trial: int | None,
        pruner: object | None = None,
    ) -> None:
        self.storage, self.study_name, self.trial, self.pruner = storage, study_name, trial, pruner

    def on_fit_start(self, trainer: L.Trainer, gan: Game) -> None:
        if self.trial is None or self.pruner is None:
            return
        evaluations = [c for c in trainer.callbacks if isinstance(c, Evaluation)]
        if not evaluations:
            raise UserError(
                "callbacks.pruning needs callbacks.evaluation, whose values it judges by."
                " Put it back, or remove this one with ~callbacks.pruning"
            )
        self.trainer, self.gan = trainer, gan
        if trainer.is_global_zero:
            import optuna

            optuna.logging.set_verbosity(optuna.logging.WARNING)
            study = optuna.load_study(
                study_name=self.study_name, storage=self.storage, pruner=self.pruner
            )
            frozen = study.get_trials(deepcopy=False)[self.trial]
            self.handle = optuna.trial.Trial(study, frozen._trial_id)
        evaluations[0].on_evaluation.append(self.judge)

    def judge(self, kimg: float, values: dict[str, float]) -> None:
        """Report the first value; every process calls this, and all stop together."""
        hopeless = False
        if self.trainer.is_global_zero:
            self.handle.report(next(iter(values.values())), step=round(1000 * kimg))
            hopeless = self.handle.should_prune()
            if hopeless:
                self.handle.set_user_attr(PRUNED, True)
                print(f"\npruned at {kimg:.1f} kimg: {values} is no better than earlier trials")
        if any_process(hopeless, self.gan.device):
            self.trainer.should_stop = True
