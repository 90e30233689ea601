"""Search spaces in Hydra's sweep syntax, as Optuna distributions."""

import math
from typing import TYPE_CHECKING

from hydra.core.override_parser.types import (
    ChoiceSweep,
    IntervalSweep,
    Override,
    RangeSweep,
)

from gan_lab.errors import UserError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def distribution(override: Override) -> "BaseDistribution":
    """What a sweep such as `lr=tag(log, interval(1e-4, 1e-2))` draws from.

    choice(a,b) or a,b is categorical; range(start, stop, step) excludes its stop, as in Python;
    interval(low, high) holds both ends and is of floats; int(interval(low, high)) of integers.
    """
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    key, value = override.get_key_element(), override.value()
    if isinstance(value, ChoiceSweep):
        # Strings, as the command line would have them: any choice can be stored and passed on.
        return CategoricalDistribution(list(override.sweep_string_iterator()))
    if isinstance(value, RangeSweep):
        start, stop, step = value.start or 0, value.stop, value.step
        if step <= 0 or not start < stop:
            raise UserError(f"{key}={override.get_value_string()}: an empty or falling range")
        last = start + (math.ceil((stop - start) / step - 1e-9) - 1) * step
        whole = all(isinstance(number, int) for number in (start, stop, step))
        return (IntDistribution if whole else FloatDistribution)(start, last, step=step)
    if isinstance(value, IntervalSweep):
        low, high, log = value.start, value.end, "log" in value.tags
        whole = isinstance(low, int) and isinstance(high, int)
        if not low < high or (log and low <= 0):
            raise UserError(
                f"{key}={override.get_value_string()}: an interval goes from a smaller to a larger"
                " number, and a logarithmic one starts above 0"
            )
        return (IntDistribution if whole else FloatDistribution)(low, high, log=log)
    raise UserError(
        f"{key}={override.get_value_string()}: a search takes choice(...), range(...), "
        "interval(...) or tag(log, interval(...))"
    )
