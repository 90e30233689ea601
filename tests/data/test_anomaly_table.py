import pytest
import torch

from gan_lab.data.anomaly_table import AnomalyTable
from gan_lab.errors import UserError
from gan_lab.media.standard_rows import StandardRows


def write(path, rows, header="size,kind,label,difficulty"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


@pytest.fixture
def files(tmp_path):
    train = [f"{n},{'ab'[n % 2]},normal,1" for n in range(40)]
    train += ["3,b,normal,2", "500,c,attack,1"]  # a duplicate but for what is no feature
    test = ["100,a,normal,1", "7,z,attack,1", "5,b,normal,1", ",a,normal,1"]
    return write(tmp_path / "train.csv", train), write(tmp_path / "test.csv", test)


def table(files, **options):
    return AnomalyTable(
        root=files[0], test_root=files[1], label="label", drop=["difficulty"], **options
    )


def test_training_rows_are_normal_different_and_in_no_test(files):
    data = table(files)
    counts = data.counts
    assert counts["training duplicates left out"] == 1
    assert counts["training rows left out that the test part holds"] == 1  # 5,b
    assert counts["rows of train"] + counts["rows of val"] == 39
    assert data.medium.entries == ["size", "kind", "kind"]  # of c no normal row says anything


def test_unknown_words_count_and_are_no_category(files):
    data = table(files)
    assert data.counts["rows of test with unknown words"] == 1
    assert data.counts["rows of test with cells that cannot be read left out"] == 1
    rows = data.reals("test").images(range(3))
    assert rows[1, 1:].tolist() == [0, 0] and rows[0, 1:].tolist() == [1, 0]
    assert data.anomalous("test").tolist() == [False, True, False]


def test_scaler_is_of_the_training_rows_alone_and_applied(files):
    data = table(files)
    train = data.reals("train").images(range(data.counts["rows of train"]))[:, 0]
    assert train.mean().item() == pytest.approx(0, abs=1e-6)
    assert train.std(correction=0).item() == pytest.approx(1, abs=1e-6)
    centre, scale = data.medium.centres[0], data.medium.scales[0]
    test = data.reals("test").images([0])[0, 0].item()
    assert test == pytest.approx((100 - centre) / scale)
    assert table(files, bound=2.0).reals("test").images([0])[0, 0] == 2


def test_breast_cancer_is_divided_by_kinds():
    data = AnomalyTable(table="breast_cancer", normal="benign")
    parts = [len(data.reals(split)) for split in ("train", "val", "test")]
    assert parts == [143, 36, 178 + 106] and data.anomalous("test").sum() == 106


def test_rows_come_back_as_the_file_had_them(files):
    medium = table(files, logarithmic=True).medium
    cells = {"size": ["3", "20"], "kind": ["b", "a"]}
    read, faults = medium.read(cells)
    again = medium.decode(medium.encode(read))
    assert not faults and again.cells("kind") == ["b", "a"] and again.cells("size") == [3, 20]


def test_columns_that_do_not_differ_are_not_blown_up():
    medium = StandardRows.fitted(
        StandardRows([column("x")], [0.0], [1.0]).read({"x": ["0.1"] * 7})[0]
    )
    read, _ = medium.read({"x": ["0.1", "1.1"]})
    torch.testing.assert_close(medium.encode(read), torch.tensor([[0.0], [1.0]]))


def column(name):
    known = {"kind": "number", "categories": [], "whole": False, "decimals": 1, "missing": False}
    return {"name": name, **known}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normal": "nobody"}, "name what is normal"),
        ({"label": "kind2"}, "no column 'kind2'"),
        ({"bound": -1.0}, "data.bound=-1.0"),
        ({"test_share": 0.0}, "data.test_share=0.0"),
    ],
)
def test_what_cannot_be_is_refused(files, options, message):
    with pytest.raises(UserError, match=message):
        AnomalyTable(**{"root": files[0], "label": "label", "drop": ["difficulty"], **options})


def test_text_among_numbers_is_named(tmp_path):
    rows = [f"{n},a,normal,1" for n in range(40)] + [f"many{n},a,normal,1" for n in range(10)]
    with pytest.raises(UserError, match="column 'size': 'many.' is no number"):
        AnomalyTable(root=write(tmp_path / "t.csv", [*rows, "1,a,attack,1"]), label="label")


def test_a_word_that_a_config_would_obey_is_refused(tmp_path):
    rows = [f"{n},${{oc.env:HOME}},normal,1" for n in range(20)] + ["1,a,attack,1"]
    with pytest.raises(UserError, match="drop it"):
        AnomalyTable(root=write(tmp_path / "t.csv", rows), label="label")
