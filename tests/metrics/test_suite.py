from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from metrics.fakes import Data

from gan_lab.errors import UserError
from gan_lab.media import Points

CONF = str(Path(__file__).parents[2] / "conf")
CPU = torch.device("cpu")


def made(name, *overrides):
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose(overrides=[f"+metrics={name}", *overrides])
    return instantiate(config.metrics, _convert_="all")


class PointsData(Data):
    medium = Points()

    shape = (2,)

    def __init__(self):
        super().__init__(20)
        self.shape, self.name = (2,), "points"

    def modes(self):
        return torch.zeros(1, 2), 1.0


def unlabelled():
    data = Data(20)
    data.num_classes = None
    return data


def test_auto_chooses_by_the_data():
    assert [e.name for e in made("auto").choose(Data(20))] == ["classifier"]
    assert [e.name for e in made("auto").choose(PointsData())] == ["points"]


def test_auto_refuses_unlabelled_pictures_with_remedies():
    with pytest.raises(UserError, match=r"metrics=inception.*metrics=none"):
        made("auto").prepare(unlabelled(), CPU)


def test_points_get_figures_of_points_and_pictures_those_of_pictures():
    suite = made("auto")
    extractors = {extractor.name: extractor for extractor in suite.extractors}
    points, classifier = extractors["points"], extractors["classifier"]
    classifier.num_logits = 3
    named = [n for f in suite.formulas_for(points, PointsData()) for n in f.names]
    assert named[:4] == ["energy", "fd", "modes", "within_3_sigma"]
    named = [n for f in suite.formulas_for(classifier, Data(20)) for n in f.names]
    assert named[:3] == ["fd", "kid", "is"]


def test_full_leaves_out_what_is_not_at_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LAB_INCEPTION", str(tmp_path / "absent.pth"))
    suite = made("full")
    assert [e.name for e in suite.choose(Data(20))] == ["classifier"]
    with pytest.raises(UserError, match="inception"):
        suite.choose(unlabelled())
    (tmp_path / "absent.pth").write_text("")
    assert [e.name for e in suite.choose(unlabelled())] == ["inception"]


def test_none_is_no_suite():
    assert made("none") is None


def test_counts_follow_the_data_unless_told():
    assert made("auto").counts(1797) == (1797, 1797)
    assert made("auto").counts(60_000) == (60_000, 10_000)
    assert made("inception").counts(3000) == (3000, 50_000)
    assert made("auto", "metrics.num_fake=500", "metrics.num_real=600").counts(1797) == (600, 500)


def test_nonsense_counts_are_refused():
    with pytest.raises(Exception, match="num_fake=1"):
        made("auto", "metrics.num_fake=1")
