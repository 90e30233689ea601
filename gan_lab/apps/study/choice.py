"""Which study fits a run: one of pictures, or one of rows."""

from pathlib import Path
from typing import Protocol

from gan_lab.apps.study.pictures import PictureStudy
from gan_lab.apps.study.tables import TableStudy
from gan_lab.data.base import DataModule, Reals
from gan_lab.errors import UserError
from gan_lab.media import holds_pictures
from gan_lab.media.tables import Rows
from gan_lab.models.base import GAN, Game


class Study(Protocol):
    """Learners that learn from a real part of the training split in four ways.

    Attributes:
        noun: what is learnt from, in the plural.
        who: learns.
        score: what is measured, for an axis.
        title: the same and by whom, over a table; "" for none.
    """

    noun: str
    who: str
    score: str
    title: str

    def accuracies(self, reals: Reals, seed: int) -> dict[str, float]:
        """Way -> score in [0, 1] on the real test split."""

    def settings(self) -> dict[str, int | str]:
        """How they learn, for the record."""


def study_of(
    run: Path,
    data: DataModule,
    gan: Game,
    *,
    num_samples: int,
    steps: int | None = None,
    batch: int | None = None,
) -> Study:
    """The study for what the data hold.

    Args:
        run: its folder, for errors.
        data, gan, num_samples: see the studies.
        steps, batch: of classifiers of pictures; None for the usual ones.

    Raises:
        UserError: the run cannot be studied.
    """
    sizes = {"steps": steps, "batch": batch}
    given = {name: size for name, size in sizes.items() if size is not None}
    if isinstance(gan, GAN) and isinstance(data.medium, Rows):
        refuse_table(run, data.medium, gan)
        for name, size in given.items():
            raise UserError(f"{name}={size}: learners of rows take none; leave it out")
        return TableStudy(data, gan, num_samples=num_samples)
    if not isinstance(gan, GAN) or not gan.conditional or data.num_classes is None:
        raise UserError(f"run={run}: a study needs a GAN that is asked for labels, or data=table")
    if "test" not in data.splits or not holds_pictures(data):
        raise UserError(
            f"run={run}: {data.name} has no pictures kept for testing; take a set with a split"
            " test, such as data=fashion_mnist"
        )
    return PictureStudy(data, gan, num_samples=num_samples, **given)


def refuse_table(run: Path, medium: Rows, gan: GAN) -> None:
    """Refuse a table without anything to foretell, and samples of another one."""
    if medium.target is None:
        raise UserError(f"run={run}: its table has no target; train with data.target=<a column>")
    if len(medium.columns) == 1:
        raise UserError(f"run={run}: its table has no column beside the target")
    if gan.medium.columns != medium.columns:
        raise UserError(
            f"run={run}: the file's columns are no longer those that the run has learnt"
        )
