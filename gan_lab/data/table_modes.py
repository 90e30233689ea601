"""Modes of columns of numbers, for mode-specific normalisation: "Modeling Tabular Data using
Conditional GAN" (Xu et al. 2019), Section 4.2. Fitted once for a table, and kept in the cache."""

import json
import warnings

import numpy as np

from gan_lab.data.base import cache_folder, digest
from gan_lab.data.table_files import NUMBER, Table
from gan_lab.errors import UserError
from gan_lab.files import atomic_write
from gan_lab.media.tables import MODES, Scale
from gan_lab.randomness import key

RECIPE = 1  # raise it when the fit changes: kept modes are then fitted anew
REACH = 4.0  # deviations from a mode's mean to -1 and 1
FAINT = 0.005  # modes of a smaller weight are left out
PRIOR = 0.001  # concentration of the Dirichlet process: how readily modes go empty
MOST_ROWS = 10_000  # that a mixture is fitted to


def modes_of(table: Table, num_modes: int) -> list[Scale | None]:
    """The scale of each column, None of words; from the cache where it is known."""
    name = digest(table.fingerprint(), num_modes, RECIPE)
    path = cache_folder() / "tables" / f"{name}.json"
    if path.is_file():
        return json.loads(path.read_text())
    scales = [
        fitted(table.values[column["name"]], num_modes) if column["kind"] == NUMBER else None
        for column in table.schema
    ]
    text = json.dumps(scales)
    try:
        atomic_write(path, lambda file: file.write_text(text))
    except OSError as error:
        raise UserError(
            f"the cache folder {path.parent} cannot be written ({error.strerror}); set the"
            " environment variable GAN_LAB_CACHE to a folder that can"
        ) from error
    return scales


def fitted(values: np.ndarray, num_modes: int) -> Scale:
    """A variational Gaussian mixture of numbers (N,), missing ones left out.

    The mixture is fitted to numbers of mean 0 and deviation 1: scikit-learn's priors know no scale.
    A mode whose four deviations do not reach a number that no other reaches reaches farther, so
    that each number of the table comes back as it was.

    Args:
        num_modes: at most so many (paper: 10).
    """
    values = values[~np.isnan(values)]
    mean, deviation = float(values.mean()), float(values.std())
    low, high = float(values.min()), float(values.max())
    if low == high:
        weights, means, deviations = np.ones(1), np.array([low]), np.zeros(1)
    else:
        weights, means, deviations = mixture((values - mean) / deviation, num_modes)
        means, deviations = mean + deviation * means, deviation * deviations
    reaches = REACH * deviations
    away = np.abs(np.unique(values)[:, None] - means)  # (U, K)
    if low < high:
        left = away[(away > reaches).all(1)]
        nearest = (left / reaches).argmin(1)
        np.maximum.at(reaches, nearest, left[np.arange(len(left)), nearest] * (1 + 1e-9))
    return Scale(
        weights=weights.tolist(),
        means=means.tolist(),
        deviations=deviations.tolist(),
        reaches=reaches.tolist(),
        low=low,
        high=high,
        mean=mean,
        deviation=deviation,
    )


def mixture(values: np.ndarray, num_modes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and deviations, each (K,), by rising means, of numbers (N,)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture

    seed = key(MODES) & 0xFFFFFFFF
    if len(values) > MOST_ROWS:
        values = np.random.default_rng(seed).choice(values, MOST_ROWS, replace=False)
    model = BayesianGaussianMixture(
        n_components=min(num_modes, len(np.unique(values))),
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=PRIOR,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(values[:, None])
    kept = model.weights_ > FAINT
    order = np.flatnonzero(kept)[model.means_[kept, 0].argsort()]
    weights = model.weights_[order]
    return (
        weights / weights.sum(),
        model.means_[order, 0],
        np.sqrt(model.covariances_[order, 0, 0]),
    )
