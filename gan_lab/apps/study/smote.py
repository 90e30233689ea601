"""SMOTE: "Synthetic Minority Over-sampling Technique" (Chawla et al. 2002), Section 4.2, for tables
of numbers and words."""

import numpy as np
import torch

from gan_lab.data.table_files import NUMBER, Table
from gan_lab.media.tables import rounded

NEIGHBOURS = 5  # the paper's k


def smote(table: Table, features: np.ndarray, groups: np.ndarray, draws: torch.Generator) -> Table:
    """As many new rows, each at a random place on the way from a row to a near one of its group.

    Words are those of the nearer of the two; so are numbers where one of the two has none. A row
    that is alone in its group comes back as it is.

    Args:
        table: N rows.
        features: (N, F): what is near in them is a neighbour.
        groups: (N,): the classes.
    """
    from sklearn.neighbors import NearestNeighbors

    N = len(table)
    which, way = torch.rand(2, N, generator=draws, dtype=torch.float64).numpy()
    other = np.arange(N)
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        k = min(NEIGHBOURS, len(rows) - 1)
        if k == 0:
            continue
        nearest = NearestNeighbors(n_neighbors=k).fit(features[rows])
        nearest = nearest.kneighbors(return_distance=False)  # (n, k): nobody is his own neighbour
        other[rows] = rows[nearest[np.arange(len(rows)), (which[rows] * k).astype(int)]]
    values = {}
    for column in table.schema:
        own = table.values[column["name"]]
        its = own[other]
        nearer = np.where(way < 0.5, own, its)
        if column["kind"] == NUMBER:
            between = rounded(own + way * (its - own), column)
            nearer = np.where(np.isnan(between), nearer, between)
        values[column["name"]] = nearer
    return Table("SMOTE", table.schema, values)
