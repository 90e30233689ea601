import sys

import pytest
from PIL import Image

from gan_lab.errors import UserError
from gan_lab.loggers.tensorboard import TensorBoard


def test_values_and_pictures_are_found_at_the_images_seen(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    logger = TensorBoard()
    logger.begin(tmp_path, 0)
    logger.log_metrics({"kimg": 12.8, "loss/generator": 0.5}, step=200)
    logger.log_picture("samples", tmp_path / "a.png", step=200, kimg=12.8)
    logger.finalize("success")
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    (scalar,) = events.Scalars("loss/generator")
    assert (scalar.step, scalar.value) == (12_800, 0.5)
    assert events.Images("samples")[0].step == 12_800


def test_resumed_run_hides_what_was_written_after_the_checkpoint(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for began, values in ((0, (0.1, 0.2, 0.3)), (1, (0.2,))):
        logger = TensorBoard()
        logger.begin(tmp_path, began)
        for kimg in values:
            logger.log_metrics({"kimg": kimg, "loss/generator": began}, step=1)
        logger.finalize("success")
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(s.step, s.value) for s in events.Scalars("loss/generator")] == [(100, 0.0), (200, 1.0)]


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match="pip install tensorboard"):
        TensorBoard()
