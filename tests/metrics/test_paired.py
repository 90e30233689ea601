import pytest
import torch
from metrics.fakes import CPU
from support import build

from gan_lab.data.base import as_floats
from gan_lab.metrics import engine
from gan_lab.metrics.paired import AbsoluteError
from gan_lab.metrics.suite import Suite


def figures(gan, data, block=7):
    suite = Suite({}, {}, paired={"l1": AbsoluteError()}, split=None, block=block)
    suite.prepare(data, CPU)
    return engine.evaluate(suite, [], engine.fakes_of(gan, data, suite.split), data, CPU)


@pytest.fixture(scope="module")
def built():
    return build("model=pix2pix", "data=pairs", "data.resolution=16", "data.num=80")


def test_mean_is_over_the_held_out_rows_and_baselines_stand_beside(built):
    data, gan = built
    (record,) = figures(gan, data)
    batch = as_floats(data.rows("test", range(20)))
    output = gan.generate(batch).add(1).mul(127.5).round().div(127.5).sub(1)
    expected = (output - batch["target"]).abs().mean()
    assert (record.name, record.protocol.split) == ("l1_20", "test")
    assert record.value == pytest.approx(float(expected), rel=1e-5)
    assert set(record.beside) == {"identity", "mean"}
    identity = (batch["source"] - batch["target"]).abs().mean()
    assert record.beside["identity"] == pytest.approx(float(identity), rel=1e-5)


def test_blocks_do_not_change_the_figure(built):
    data, gan = built
    assert figures(gan, data, 7)[0].value == pytest.approx(figures(gan, data, 20)[0].value)


def test_a_perfect_translator_has_no_error(built):
    data, _ = built

    class Perfect:
        def generate(self, batch, *, seed=0, raw=False):
            return batch["target"]

    assert figures(Perfect(), data)[0].value == 0


def test_absolute_error_is_of_pictures_between_minus_one_and_one():
    black, white = torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.full((2, 3, 4, 4), 255).byte()
    assert AbsoluteError()(black, white).tolist() == [[2.0], [2.0]]
