"""Two processes with half the minibatch each do what one does with the whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support import ROOT
from two_processes import CASES, NOT_IN_PARTS, precision_of, weights_after_training


def assert_close(state: dict, expected: dict) -> None:
    """Each player, its average and the samples agree to 1e-5 of their length."""
    for part in {key.split(".")[0] for key in expected}:
        ours, theirs = (
            torch.cat([t.flatten().float() for k, t in s.items() if k.split(".")[0] == part])
            for s in (state, expected)
        )
        error = (ours - theirs).norm() / theirs.norm()
        assert error < 1e-5, f"{part}: {error}"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    script = Path(__file__).with_name("two_processes.py")
    subprocess.run(
        [*torchrun, script, folder], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    return folder


@pytest.mark.parametrize("name", CASES)
def test_two_processes_equal_one(name, two, tmp_path):
    with precision_of(name):
        expected = weights_after_training(CASES[name], tmp_path, devices=1)
    ours, theirs = (torch.load(two / f"{name} {rank}.pt", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(ours[key], theirs[key]) for key in expected)
    assert_close(ours, expected)


@pytest.mark.parametrize("name", sorted(CASES.keys() - NOT_IN_PARTS))
def test_accumulated_parts_equal_the_whole(name, tmp_path):
    with precision_of(name):
        whole, parts = (
            weights_after_training([*CASES[name], f"++model.accumulate={n}"], tmp_path, devices=1)
            for n in (1, 4)
        )
    for state in (parts, whole):  # ADA counts parts, whose mean is the same
        for count in ("augment.signs", "augment.num_signs"):
            state.pop(count, None)
    assert_close(parts, whole)
