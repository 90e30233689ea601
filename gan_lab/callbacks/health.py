"""Says in words how the game stands, from the numbers that the loggers get anyway.

Verdicts, the gravest first. `gap` is logits/real - logits/fake, the mean over a report:

- diverging: a loss, a logit or a gradient norm is no finite number, or above 1e4.
- collapsed: samples are good but alike: recall (or coverage) below 0.05 while precision (or
  density) is above 0.3; or, of known modes, fewer than half are found by samples of which half
  lie on one; or the samples of the last picture spread less than 0.05 times as far as the data.
- discriminator wins: gap above 8 in 3 reports on end: it errs on one pair in 3,000, and little
  gradient is left for the generator. Not where its loss is below -gap / 2: a Wasserstein critic's
  gap is a distance and may be large.
- discriminator fooled: gap below -0.5 in 3 reports on end: it takes fakes for reals.
- healthy: none of these.

Early in training all samples are alike, and that is no collapse: a generator is judged by its
samples only once it has seen `settled_kimg`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import lightning as L
from torch import Tensor

from gan_lab.callbacks import reports
from gan_lab.callbacks.progress import find_evaluation
from gan_lab.callbacks.samples import Samples
from gan_lab.models.base import Game
from gan_lab.runs import keep_lines

PATIENCE = 3  # reports on end
HUGE = 1e4
GAP_WON, GAP_LOST = 8.0, -0.5
FEW, GOOD = 0.05, 0.3  # recall and precision of collapsed samples

HEALTHY = "healthy: neither player wins"
REMEDIES = {
    "diverging": "lower the learning rates or raise the penalty's weight",
    "collapsed": "the samples are alike; try a gradient penalty, a larger minibatch or more data",
    "discriminator wins": "raise the penalty's weight, or let the discriminator learn more slowly",
    "discriminator fooled": "give the discriminator more steps, width or learning rate",
}


class Health(L.Callback):
    """Prints a verdict whenever it changes, and keeps the verdicts in health.txt.

    `verdict` is the last one.

    Args:
        settled_kimg: samples are not judged before.
    """

    def __init__(self, *, settled_kimg: float = 10.0):
        self.settled_kimg = settled_kimg
        self.verdict = ""
        self._recent: list[dict[str, float]] = []  # the last `PATIENCE` reports

    def on_train_start(self, trainer: L.Trainer, gan: Game) -> None:
        self._reports = reports.find(trainer)
        self._evaluation = find_evaluation(trainer)
        self._samples = next((c for c in trainer.callbacks if isinstance(c, Samples)), None)
        modes = getattr(trainer.datamodule, "modes", None)
        self._num_modes = len(modes()[0]) if modes is not None else None
        self._every = self._reports.every if self._reports is not None else None
        self._path = Path(trainer.default_root_dir) / "health.txt"
        if trainer.is_global_zero:
            keep_lines(self._path, gan.steps_done)

    def on_train_batch_end(
        self, trainer: L.Trainer, gan: Game, outputs: None, batch: dict[str, Tensor], batch_idx: int
    ) -> None:
        if self._every is None or gan.steps_done % self._every or not trainer.is_global_zero:
            return
        kimg = gan.kimg_at(gan.steps_done)
        self._recent = [*self._recent[1 - PATIENCE :], dict(self._reports.latest)]
        metrics = self._evaluation.latest if self._evaluation is not None else {}
        diversity = self._samples.diversity if self._samples is not None else None
        if kimg < self.settled_kimg:
            metrics, diversity = {}, None
        verdict = judge_game(self._recent, metrics, diversity=diversity, num_modes=self._num_modes)
        if verdict != self.verdict and len(self._recent) == PATIENCE:
            self.verdict = verdict
            self._write(gan.steps_done, kimg)

    def _write(self, done: int, kimg: float) -> None:
        word = self.verdict.split(":")[0]
        text = self.verdict + (f"; {REMEDIES[word]}" if word in REMEDIES else "")
        print(f"{kimg:.1f} kimg: {text}", flush=True)
        if not self._path.exists():
            self._path.write_text("iteration, kimg, verdict\n")
        with open(self._path, "a") as file:
            file.write(f"{done}, {kimg:.1f}, {text}\n")

    def state_dict(self) -> dict:
        return {"verdict": self.verdict, "recent": self._recent}

    def load_state_dict(self, state: dict) -> None:
        self.verdict, self._recent = state["verdict"], state["recent"]


def judge_game(
    recent: Sequence[Mapping[str, float]],
    metrics: Mapping[str, float] | None = None,
    *,
    diversity: float | None = None,
    num_modes: int | None = None,
) -> str:
    """The gravest verdict that the numbers allow, `word: the numbers that say so`.

    Args:
        recent: the last reports, newest last.
        metrics: name -> value of the last evaluation.
        diversity: spread of the samples over that of the data.
        num_modes: how many modes the data have, where that is known.
    """
    return (
        divergence(recent[-1])
        or collapse(metrics or {}, diversity, num_modes)
        or winner(recent)
        or HEALTHY
    )


def divergence(report: Mapping[str, float]) -> str:
    """`diverging: ...`, or nothing."""
    for name, value in report.items():
        if name.startswith(("loss/", "logits/", "gradient_norm/")) and not abs(value) <= HUGE:
            return f"diverging: {name} is {value:.3g}"
    return ""


def collapse(metrics: Mapping[str, float], diversity: float | None, num_modes: int | None) -> str:
    """`collapsed: ...`, or nothing. Rounded, so that the verdict changes seldom."""
    found = {name.split("_")[0]: value for name, value in metrics.items()}
    if num_modes and found.get("within", 0) > 0.5 and found.get("modes", num_modes) < num_modes / 2:
        return f"collapsed: {found['modes']:.0f} of {num_modes} modes are found"
    for width, quality in (("recall", "precision"), ("coverage", "density")):
        if found.get(width, 1) < FEW and found.get(quality, 0) > GOOD:
            return f"collapsed: {width} is below {FEW} and {quality} above {GOOD}"
    if diversity is not None and diversity < FEW:
        return f"collapsed: samples spread less than {FEW} times as far as the data"
    return ""


def winner(recent: Sequence[Mapping[str, float]]) -> str:
    """`discriminator wins: ...`, `discriminator fooled: ...`, or nothing."""
    gaps = [r["logits/real"] - r["logits/fake"] for r in recent if "logits/real" in r]
    if len(gaps) < PATIENCE:
        return ""
    losses = [r.get("loss/discriminator", 0.0) for r in recent if "logits/real" in r]
    is_critic = all(loss < -gap / 2 for loss, gap in zip(losses, gaps, strict=True))
    if min(gaps) > GAP_WON and not is_critic:
        return f"discriminator wins: real and fake logits are more than {GAP_WON:g} apart"
    if max(gaps) < GAP_LOST:
        return "discriminator fooled: it takes fakes for reals"
    return ""
