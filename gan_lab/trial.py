"""What one run hands back to the multirun that started it."""

import json
import math
import os
from pathlib import Path

RESULT = "GAN_LAB_RESULT"  # environment variable: the file that a trial writes its result to


class TrialsFailed(RuntimeError):
    """Some trials of a multirun failed; the others are done."""


def hand_back(value: float | None) -> None:
    """Write the value of this run for the launcher; nothing happens outside a multirun.

    Only the first process of a run writes. A value that is no number is handed back as null.
    """
    path = os.environ.get(RESULT)
    rank = os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))
    if path is None or rank != "0":
        return
    finite = isinstance(value, int | float) and math.isfinite(value)
    temporary = Path(f"{path}.part")
    temporary.write_text(json.dumps({"value": float(value) if finite else None}))
    temporary.replace(path)


def read_result(path: Path) -> float | None:
    """The value that a trial handed back; None if it handed back none.

    Raises:
        FileNotFoundError: the trial ended without handing anything back.
    """
    return json.loads(path.read_text())["value"]
