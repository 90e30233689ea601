"""SIGKILL in the middle and taken up again: the same bits and the same log.

The short form of `benchmarks/exactness.py`, which has more cases and kills each run 20 times; that
every variant goes on with the same bits from a checkpoint is in the contract of all variants.
"""

import pytest

from benchmarks.exactness import check


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stylegan2-ada", "cyclegan", "r3gan-2-processes"])
def test_killed_run_ends_with_the_same_bits(name, tmp_path):
    assert check(name, kills=1, kimg=4.0, folder=tmp_path, seed=0)
