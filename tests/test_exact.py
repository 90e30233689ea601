"""SIGKILL in the middle and taken up again: the same bits and the same log.

The short form of `benchmarks/exactness.py`, which kills each run 20 times.
"""

import pytest

from benchmarks.exactness import CASES, check


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_killed_run_ends_with_the_same_bits(name, tmp_path):
    assert check(name, kills=1, kimg=4.0, folder=tmp_path, seed=0)
