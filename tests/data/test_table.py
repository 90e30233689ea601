import numpy as np
import pytest
import torch

from gan_lab.data.share import first_share
from gan_lab.data.table import Conditions, TableData
from gan_lab.errors import UserError


def written(path, text):
    path.write_text(text)
    return str(path)


ROWS = "age,town,sick\n" + "".join(
    f"{20 + n % 30},{'Bern' if n % 4 else 'Chur'},{'yes' if n % 5 == 0 else 'no'}\n"
    for n in range(100)
)


def test_test_rows_are_kept_out_by_the_targets_shares():
    data = TableData(table="iris", test_share=0.2)
    train, test = data.tables["train"], data.tables["test"]
    assert len(train) == 120 and np.bincount(test.values["target"]).tolist() == [10, 10, 10]
    again = TableData(table="iris", seed=5)
    assert again.fingerprint() == data.fingerprint()
    assert TableData(table="iris", split_seed=1).fingerprint() != data.fingerprint()
    assert data.num_classes == 3 and data.class_names == ["setosa", "versicolor", "virginica"]


def test_a_batch_holds_rows_conditions_and_rows_that_meet_them():
    data = TableData(table="iris", batch_size=64)
    batch = next(iter(data.train_dataloader()))
    start, end = data.conditioned[0]
    assert batch["image"].shape == batch["row"].shape == (64, *data.shape)
    assert torch.equal(batch["row"][:, start:end], batch["condition"])
    assert torch.equal(batch["image"][:, start:end].argmax(1), batch["label"])
    known = {tuple(row.tolist()) for row in data.reals().images(range(120))}
    assert {tuple(row.tolist()) for row in batch["row"]} <= known


def test_the_stream_is_a_pure_function_that_processes_share():
    data = TableData(table="wine", batch_size=32, seed=3)
    whole, second = data.minibatches(0, 32)(7), data.minibatches(16, 16)(7)
    assert all(torch.equal(whole[name][16:], second[name]) for name in whole)
    other = TableData(table="wine", batch_size=32, seed=4).minibatches(0, 32)(7)
    assert not torch.equal(whole["row"], other["row"])


def test_values_are_drawn_by_the_logarithm_of_their_frequency():
    codes = np.stack([np.repeat([0, 2], [90, 10]), np.arange(100) % 2], 1)
    conditions = Conditions(codes, [4, 2])
    draw = np.random.default_rng(0).random((3, 200_000))
    condition, rows = conditions.draw(*draw)
    chosen = condition.argmax(1)
    total = np.log1p(90) + np.log1p(10)
    expected = np.array([np.log1p(90) / total, 0, np.log1p(10) / total, 0, 0.5, 0.5]) / 2
    np.testing.assert_allclose(np.bincount(chosen, minlength=6) / 200_000, expected, atol=4e-3)
    named = np.where(chosen < 4, codes[rows, 0], 4 + codes[rows, 1])
    assert np.array_equal(named, chosen)
    counts = np.bincount(rows[chosen == 2], minlength=100)[90:]  # each of the ten alike
    assert counts.min() > 0.9 * counts.mean()
    assert conditions.frequencies == [[0.9, 0, 0.1, 0], [0.5, 0.5]]
    edge = np.full(3, np.nextafter(1, 0))
    assert conditions.draw(edge, edge, edge)[0].argmax(1).tolist() == [5, 5, 5]


def test_a_file_of_numbers_alone_has_no_conditions(tmp_path):
    root = written(tmp_path / "t.csv", "a,b\n" + "".join(f"{n},{n * n}\n" for n in range(30)))
    data = TableData(root=root, batch_size=8)
    batch = data.minibatches(0, 8)(0)
    assert data.condition_dim == 0 and batch["condition"].shape == (8, 0)
    assert torch.equal(batch["row"], batch["image"]) and "label" not in batch
    assert data.gives == ("image", "condition", "row") and data.num_classes is None
    assert data.rows("test", [0, 1])["condition"].shape == (2, 0)


def test_a_condition_of_a_row_is_its_target(tmp_path):
    data = TableData(root=written(tmp_path / "t.csv", ROWS), target="sick", batch_size=10)
    batch = data.rows("test", range(5))
    codes = data.tables["test"].values["sick"][:5]
    assert (batch["condition"].argmax(1) - 2).tolist() == codes.tolist()
    assert batch["label"].tolist() == codes.tolist()


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("age,town\n1,Bern\n", "has no column 'sick'"),
        ("age,town,sick\n,Bern,no\n", "row 1, column 'age': the cell is empty"),
        ("age,town,sick\n1,Bern,no\n2,Genf,no\n", "row 2, column 'town': 'Genf' is an unknown"),
    ],
)
def test_test_rows_must_fit_those_of_training(tmp_path, test, said):
    root, test = written(tmp_path / "t.csv", ROWS), written(tmp_path / "test.csv", test)
    with pytest.raises(UserError, match=said) as error:
        TableData(root=root, test_root=test)
    assert test in str(error.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"table": "titanic"}, "data.table=titanic"),
        ({"words": ["target"]}, "are for files"),
        ({"test_share": 1.5}, "data.test_share=1.5"),
        ({"num_modes": 0}, "data.num_modes=0"),
        ({"target": "colour"}, "has no column 'colour'"),
    ],
)
def test_what_a_user_can_get_wrong_is_named(options, said):
    with pytest.raises(UserError, match=said):
        TableData(**options)


def test_words_that_mean_something_else_in_a_config_are_refused(tmp_path):
    root = written(tmp_path / "t.csv", "a,b\n1,x\n2,${oc.env:HOME}\n3,x\n")
    with pytest.raises(UserError, match="column 'b'.*spell it differently"):
        TableData(root=root)


def test_modes_come_from_the_cache(monkeypatch):
    first = TableData(table="iris")
    monkeypatch.setattr("gan_lab.data.table_modes.fitted", None)
    assert TableData(table="iris").medium == first.medium


def test_a_share_of_the_rows_is_kept_of_each_class_and_modes_know_no_others():
    whole, few, fewer = (TableData(table="iris", train_share=share) for share in (1.0, 0.5, 0.1))
    counts = np.bincount(few.tables["train"].values["target"]).tolist()
    assert counts == [20, 20, 20] and few.frequencies == [pytest.approx([1 / 3] * 3)]
    assert len(few.tables["test"]) == 30 == len(whole.tables["test"])
    part = first_share(whole.reals(), 0.5)
    rows = whole.medium.decode(part.images(range(60)))
    assert rows.cells("petal length (cm)") == few.tables["train"].cells("petal length (cm)")
    petals = few.tables["train"].values["petal length (cm)"]
    scale = few.medium.scales[2]
    assert scale["mean"] == pytest.approx(petals.mean())
    assert (scale["low"], scale["high"]) == (petals.min(), petals.max())
    assert rows_of(fewer) <= rows_of(few)
    assert len(few.reals()) == 60 and few.reals().labels(range(60)).bincount().tolist() == counts


def rows_of(data):
    table = data.tables["train"]
    return set(zip(*(table.cells(name) for name in table.names), strict=True))


def test_a_column_that_loses_all_its_numbers_is_named(tmp_path):
    rows = "a,b\n" + "".join(f"{n},{'' if n % 50 else n}\n" for n in range(100))
    with pytest.raises(UserError, match="column 'b': no number is left in the 4 training rows"):
        TableData(root=written(tmp_path / "t.csv", rows), train_share=0.05)
    with pytest.raises(UserError, match="data.train_share=0"):
        TableData(table="iris", train_share=0)
