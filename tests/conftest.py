"""Every test gets a cache of its own and one thread."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch


@pytest.fixture(autouse=True)
def apart(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests share one cache of their own, and see no environment of a run around them."""
    monkeypatch.setenv("GAN_LAB_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("GAN_LAB_RUN_DIR", raising=False)
    torch.set_num_threads(1)
