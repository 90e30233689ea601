"""Do rows of a table copy those of training? The distance of samples to the nearest training row.

Beside it stands that of rows which were kept out: a generator that knows the distribution and no
single row has the same. Nearer ones are copies in part or whole; farther ones are unlike the data.
It is a figure, and no proof of privacy.
"""

import torch

from gan_lab.metrics.features import Features
from gan_lab.metrics.memorisation import nearest_distances
from gan_lab.metrics.rows import TableFormula

NEAR = 0.05  # the quantile that looks at the nearest


class NearestRecord(TableFormula):
    """The median over the samples, and the distance that 5 % of them fall below.

    Distances are Euclidean; numbers are counted in their deviations, a differing word as sqrt(2).
    """

    names = ("nearest_record", "nearest_record_5th")
    lower_is_better = None  # the test rows' own is the best

    def __call__(self, real: Features, fake: Features, data: object) -> tuple[float, float]:
        distances = nearest_distances(fake.values, real.values)
        median, near = distances.quantile(torch.tensor([0.5, NEAR], dtype=distances.dtype)).tolist()
        return median, near
