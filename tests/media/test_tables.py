import dataclasses

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from gan_lab.data.table_files import Column, Table, read_table, shipped_table
from gan_lab.data.table_modes import fitted, modes_of
from gan_lab.media.tables import Rows, correlations, placed


@pytest.fixture
def mixed() -> Table:
    """Two modes with missing numbers, integers, a constant, words with missing ones."""
    draw = np.random.default_rng(0)
    N = 300
    wage = np.where(draw.random(N) < 0.3, draw.normal(-50, 1, N), draw.normal(200, 20, N)).round(2)
    wage[::7] = np.nan
    town = draw.integers(-1, 3, N)
    columns = [
        Column(name="wage", kind="number", categories=[], whole=False, decimals=2, missing=True),
        Column(name="town", kind="word", categories=["a", "b", "c"], whole=False, decimals=None,
               missing=True),
        Column(name="age", kind="number", categories=[], whole=True, decimals=0, missing=False),
        Column(name="one", kind="number", categories=[], whole=True, decimals=0, missing=False),
        Column(name="sex", kind="word", categories=["f", "m"], whole=False, decimals=None,
               missing=False),
    ]  # fmt: skip
    values = {
        "wage": wage,
        "town": town,
        "age": draw.integers(0, 100, N).astype(float),
        "one": np.ones(N),
        "sex": draw.integers(0, 2, N),
    }
    return Table("mixed", columns, values)


def medium_of(table: Table, target: str | None = None) -> Rows:
    return Rows(columns=table.schema, scales=modes_of(table, 10), target=target)


def assert_equal(table: Table, other: Table) -> None:
    assert table.schema == other.schema
    for name in table.names:
        np.testing.assert_array_equal(table.values[name], other.values[name], err_msg=name)


def test_encoded_and_decoded_a_table_is_itself(mixed):
    for table in (mixed, shipped_table("wine"), shipped_table("diabetes")):
        medium = medium_of(table)
        rows = medium.encode(table)
        assert rows.abs().max() <= 1 and rows.dtype == torch.float32
        assert_equal(table, medium.decode(rows))
        assert torch.equal(rows, medium.encode(table))


def test_a_row_is_places_in_modes_and_one_hots(mixed):
    medium = medium_of(mixed)
    rows = medium.encode(mixed)
    assert medium.spans()[-1][1] == rows.shape[1]
    for start, end in medium.one_hots():
        part = rows[:, start:end]
        assert set(part.unique().tolist()) <= {0.0, 1.0} and (part.sum(1) == 1).all()
    (wage, wage_end), (town, town_end), *_ = medium.spans()
    missing = torch.from_numpy(np.isnan(mixed.values["wage"]))
    assert torch.equal(rows[:, wage_end - 1].bool(), missing)
    assert (rows[missing, wage] == 0).all()
    assert torch.equal(rows[:, town_end - 1].bool(), torch.from_numpy(mixed.values["town"] < 0))


def test_modes_are_where_they_were_drawn_and_faint_ones_are_left_out(mixed):
    scale = fitted(mixed.values["wage"], 10)
    weights, means = np.array(scale["weights"]), np.array(scale["means"])
    low = means < 0
    assert len(means) < 10 and weights.sum() == pytest.approx(1)
    assert weights[low].sum() == pytest.approx(0.3, abs=0.06)
    assert (weights * means)[low].sum() / weights[low].sum() == pytest.approx(
        -50, abs=5
    )  # the prior draws
    assert (weights * means)[~low].sum() / weights[~low].sum() == pytest.approx(200, abs=5)


def test_a_mode_is_drawn_by_its_posterior():
    scale = {"weights": [0.25, 0.75], "means": [-1.0, 1.0], "deviations": [1.0, 2.0],
             "reaches": [4.0, 8.0]}  # fmt: skip
    u = (np.arange(10_000) + 0.5) / 10_000
    mode, place = placed(np.full(10_000, 0.5), scale, u)
    density = np.array([0.25 * np.exp(-1.125), 0.75 / 2 * np.exp(-0.03125)])
    assert mode.mean() == pytest.approx(density[1] / density.sum(), abs=2e-4)
    np.testing.assert_allclose(place, np.where(mode == 0, 1.5 / 4, -0.5 / 8))
    mode, place = placed(np.array([3.5, 100.0]), scale, np.zeros(2))
    assert mode.tolist() == [1, 1] and place.tolist() == [2.5 / 8, 1.0]  # out of the first's reach


def test_a_config_gives_the_medium_back(mixed, tmp_path):
    columns = [{**mixed.schema[1], "categories": ["1e3", "null", "yes"]}, *mixed.schema[2:]]
    medium = Rows(columns, modes_of(mixed, 10)[1:], "sex")
    OmegaConf.save(OmegaConf.create({"medium": dataclasses.asdict(medium)}), tmp_path / "c.yaml")
    kept = OmegaConf.to_container(OmegaConf.load(tmp_path / "c.yaml"), resolve=True)
    assert Rows(**kept["medium"]) == medium


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_written_rows_are_the_table(mixed, tmp_path, suffix):
    medium = medium_of(mixed)
    path = tmp_path / f"rows{suffix}"
    medium.write(medium.encode(mixed), path, 1)
    assert_equal(mixed, read_table(path, schema=mixed.schema))
    assert read_table(path).schema == mixed.schema


def test_samples_stay_within_the_training_rows_and_have_their_digits(mixed):
    medium = medium_of(mixed)
    samples = torch.randn(200, sum(medium.widths()), generator=torch.Generator().manual_seed(0))
    table = medium.decode(samples * 3)
    for name in ("wage", "age"):
        values = table.values[name][~np.isnan(table.values[name])]
        assert values.min() >= np.nanmin(mixed.values[name])
        assert values.max() <= np.nanmax(mixed.values[name])
    assert all(isinstance(cell, int) for cell in table.cells("age"))
    assert set(table.cells("town")) == {"a", "b", "c", None}


def test_features_are_scaled_numbers_and_one_hots(mixed):
    medium = medium_of(mixed)
    features = medium.features(medium.encode(mixed)).double()
    (wage, end), (town, _), (age, _), (one, _), (sex, last) = medium.feature_spans()
    assert features.shape == (300, last) and end - wage == 2
    filled = features[:, wage][features[:, wage + 1] == 0]
    assert filled.mean().abs() < 1e-6 and filled.std(correction=0) == pytest.approx(1)
    assert features[:, age].std(correction=0) == pytest.approx(1)
    assert (features[:, one] == 0).all()
    expected = np.eye(4)[mixed.values["town"]]
    np.testing.assert_array_equal(features[:, town : town + 4], expected)


def test_correlations_are_numpys_and_0_of_constants():
    x = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    x[:, 2] = 3.0
    found = correlations(x)
    keep = [0, 1, 3]
    np.testing.assert_allclose(found[keep][:, keep], np.corrcoef(x[:, keep].T.double()), atol=1e-7)
    assert (found[2] == 0).all() and (found[:, 2] == 0).all()


def test_sheets_show_samples_over_reals(mixed):
    medium = medium_of(mixed, "sex")
    rows = medium.encode(mixed)
    beside = medium.sheet(rows, 1, rows[:100])
    assert beside.size[0] > 500 and medium.sheet(torch.randn_like(rows), 1).mode == "RGB"
    many = medium_of(shipped_table("wine"), "target")
    assert many.sheet(many.encode(shipped_table("wine")), 1).size[0] > 900
