import os
import time
from pathlib import Path

import pytest
from PIL import Image

from gan_lab.errors import UserError
from gan_lab.loggers.wandb import WandB, logged_in


@pytest.fixture
def nobody(tmp_path, monkeypatch):
    """A machine where nobody is logged in; its home folder."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith("WANDB_")] + ["NETRC"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    for name in ("DATA", "CACHE", "ARTIFACT", "CONFIG"):  # to be put back after the test
        monkeypatch.setenv(f"WANDB_{name}_DIR", "")
        monkeypatch.delenv(f"WANDB_{name}_DIR")
    return home


def run_once(folder: Path) -> float:
    """Log a little; seconds that the caller was held up before the end."""
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    Image.new("RGB", (8, 8)).save(folder / "a.gif")
    logger = WandB()
    began = time.perf_counter()
    logger.begin(folder, 0)
    for i in range(20):
        logger.log_metrics({"kimg": i / 10, "loss/generator": 0.5}, step=i)
    logger.log_picture("samples", folder / "a.png", step=20, kimg=2.0)
    logger.log_film("film", folder / "a.gif", step=20, kimg=2.0)
    seconds = time.perf_counter() - began
    logger.finalize("success")
    return seconds


def test_offline_run_keeps_its_id_and_stays_out_of_the_home_folder(tmp_path, nobody, caplog):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text("seed: 3\n")
    assert run_once(folder) < 0.5  # does not wait for W&B
    name = (folder / "wandb" / "id").read_text()
    run_once(folder)
    assert (folder / "wandb" / "id").read_text() == name
    assert [p.name[-8:] for p in (folder / "wandb").glob("offline-run-*")] in ([name], 2 * [name])
    assert list((folder / "wandb").glob("offline-run-*/files/media/images/samples*.png"))
    assert list((folder / "wandb").glob("offline-run-*/files/media/videos/film*.gif"))
    assert list(nobody.iterdir()) == []
    assert not caplog.records


def test_failure_of_wandb_does_not_end_training(tmp_path, nobody, monkeypatch, caplog):
    monkeypatch.setattr(WandB, "_start", lambda *_: 1 / 0)
    run_once(tmp_path)
    assert "training goes on: division by zero" in caplog.text


def test_key_is_found_without_the_network(nobody, monkeypatch):
    assert not logged_in()
    (nobody / ".netrc").write_text("machine api.wandb.ai login user password key\n")
    assert logged_in()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org")
    assert not logged_in()
    monkeypatch.setenv("WANDB_API_KEY", "key")
    assert logged_in()


def test_unknown_mode_is_refused():
    with pytest.raises(UserError, match="logger.wandb.mode=off"):
        WandB(mode="off")


def test_disabled_logs_nothing(tmp_path, nobody):
    logger = WandB(mode="disabled")
    logger.begin(tmp_path / "run", 0)
    logger.log_metrics({"kimg": 0.0}, step=0)
    logger.finalize("success")
    assert not (tmp_path / "run").exists()
