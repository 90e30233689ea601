"""Figures of rows: distances of columns, efficacy, nearest records."""

import numpy as np
import pytest
import torch
from metrics.fakes import CPU, Echo
from metrics.test_suite import made

from gan_lab.data.table import TableData
from gan_lab.metrics import engine
from gan_lab.metrics.columns import (
    CorrelationDifference,
    NumberDistances,
    number_distances,
    total_variations,
)
from gan_lab.metrics.efficacy import Accuracy, Determination, split
from gan_lab.metrics.features import Features
from gan_lab.metrics.nearest_record import NearestRecord
from gan_lab.metrics.rows import Rows, shuffled

MISSING = "size,town\n" + "".join(
    f"{'' if n % 4 == 0 else n},{'' if n % 5 == 0 else 'ab'[n % 2]}\n" for n in range(200)
)


class EchoRows(Echo):
    """Rows of the reals, whose entries of one-hots are blurred."""

    def sample(self, num, *, seed, label=None, raw=False):
        draw = torch.Generator().manual_seed(seed)
        rows = self.reals.images(torch.randint(len(self.reals), (num,), generator=draw))
        return rows + self.noise * torch.rand(rows.shape, generator=draw)


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_LAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        return TableData(table="iris")


@pytest.fixture
def missing(tmp_path):
    (tmp_path / "t.csv").write_text(MISSING)
    return TableData(root=str(tmp_path / "t.csv"), target="town")


def features(data, split="train"):
    real = Features(data.medium.features(data.reals(split).images(range(len(data.reals(split))))))
    if split == "train":
        real.held_out, extractor = features(data, "test"), Rows()
        extractor.prepare(data, CPU)
        real.others = extractor.beside
    return real


def test_equal_rows_have_distance_0_and_shifted_ones_the_shift(iris):
    real = features(iris)
    assert NumberDistances()(real, real, iris) == (0.0, 0.0)
    moved = real.values.clone()
    moved[:, 0] += 0.5
    moved[:, 1] += 100
    found = list(number_distances(real.values, moved, iris.medium).values())
    assert found[0][0] == pytest.approx(0.5, abs=1e-6) and found[1][0] == pytest.approx(100)
    assert found[1][1] == 1.0 and found[2] == (0.0, 0.0)


def test_missing_numbers_count_as_a_value_and_not_as_numbers(missing):
    real = features(missing)
    full = real.values[real.values[:, 1] == 0]  # those with a size
    (wasserstein, ks) = number_distances(real.values, full, missing.medium)["size"]
    assert wasserstein == ks == 0
    found = total_variations(real.values, full, missing.medium)
    assert found["size"] == pytest.approx(float(real.values[:, 1].mean()))
    none = full[:0]
    assert number_distances(real.values, none, missing.medium)["size"] == (1.0, 1.0)


def test_total_variation_of_words_is_half_the_difference_of_shares(iris):
    real = features(iris).values
    start, end = iris.medium.feature_spans()[-1]
    one = real.clone()
    one[:, start:end] = torch.tensor([1.0, 0, 0])
    assert total_variations(real, one, iris.medium)["target"] == pytest.approx(2 / 3)


def test_shuffled_columns_lose_what_is_between_them_and_nothing_else(iris):
    real = features(iris)
    mixed = shuffled(real.values, iris.medium)
    assert torch.equal(mixed.sort(0).values, real.values.sort(0).values)
    assert (mixed[:, -3:].sum(1) == 1).all()
    (lost,) = CorrelationDifference()(real, Features(mixed), iris)
    r = np.abs(np.corrcoef(real.values.T.double()))
    np.fill_diagonal(r, 0)
    r[-3:, -3:] = 0
    between = r.size - 4 - 9
    assert lost == pytest.approx(r.sum() / between, abs=0.12)


def test_what_foretells_the_target_is_worth_as_much_as_the_reals(iris):
    formula, real = Accuracy(), features(iris)
    score, ratio = formula(real, real, iris)
    assert score > 0.9 and ratio == 1
    beside = formula.beside(real, iris)
    assert beside["training"] == (score, 1.0) and beside["shuffled"][0] < 0.7
    only = real.values.clone()
    only[:, -3:] = torch.tensor([0, 1.0, 0])  # a generator of one class
    assert formula(real, Features(only), iris)[0] == pytest.approx(1 / 3)


def test_targets_of_numbers_are_judged_by_regressors():
    data = TableData(table="diabetes")
    formula, real = Determination(), features(data)
    assert formula.applies(Rows(), data) and not Accuracy().applies(Rows(), data)
    assert 0.1 < formula(real, real, data)[0] < 0.7
    assert formula.beside(real, data)["shuffled"][0] < 0.1


def test_the_target_is_no_feature_of_its_own(iris, missing):
    x, y = split(features(iris).values, iris.medium)
    assert x.shape == (120, 4) and y.tolist() == iris.tables["train"].values["target"].tolist()
    x, y = split(features(missing).values, missing.medium)
    assert x.shape == (160, 2) and set(y.tolist()) == {0, 1, 2}  # a missing town is the third


def test_copies_are_near_and_rows_kept_out_less_so(iris):
    formula, real = NearestRecord(), features(iris)
    assert formula(real, Features(real.values[:50]), iris) == (0.0, 0.0)
    median, near = formula.beside(real, iris)["test"]
    assert 0 < median < 1 and near <= median
    far = Features(real.values + torch.tensor([10.0, *[0] * 6]))
    assert formula(real, far, iris)[0] > 5


def test_auto_measures_rows_with_the_reals_beside(iris):
    suite = made("auto")
    extractors = suite.prepare(iris, CPU)
    assert [e.name for e in extractors] == ["rows"]
    fakes = engine.GeneratedFakes(EchoRows(iris.reals(), 0.1), iris.reals())
    records = engine.evaluate(suite, extractors, fakes, iris, CPU)
    found = {record.protocol.metric: record for record in records}
    assert records[0].protocol.metric == "energy" and abs(records[0].value) < 0.1
    assert found["accuracy"].value > 0.85
    assert found["accuracy"].beside.keys() == {"training", "shuffled"}
    assert found["ks"].beside.keys() == found["energy"].beside.keys() == {"test", "shuffled"}
    assert found["energy"].beside["test"] < found["energy"].beside["shuffled"]
    for name in ("wasserstein", "ks", "total_variation", "correlation", "nearest_record", "fd"):
        assert np.isfinite(found[name].value)
    assert engine.evaluate(suite, extractors, fakes, iris, CPU) == records
