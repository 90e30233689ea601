import csv
import gzip
import importlib
import sys

import pytest
import torch
from PIL import Image
from support import SMALL, compose

from gan_lab.apps import score as app
from gan_lab.data.table_chunks import chunks
from gan_lab.data.table_files import shipped_table, spelt
from gan_lab.errors import UserError
from gan_lab.runs import load
from gan_lab.training import train

COMMON = [*SMALL, "logger=none", "callbacks=checkpoint", "trainer.kimg=0.064"]


def run_of(folder, *overrides):
    """A run of a few steps."""
    train(compose(*COMMON, *overrides, f"run_dir={folder}"), [])
    return folder


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    options = ["model=ganomaly_table", "data=anomaly_table", "metrics=none"]
    return run_of(tmp_path_factory.mktemp("run") / "table", *options)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    options = ["model=ganomaly", "data=one_class", "metrics=none"]
    return run_of(tmp_path_factory.mktemp("run") / "pictures", *options)


@pytest.fixture
def rows():
    """A header and the cells of some rows, as texts."""
    table = shipped_table("breast_cancer")
    names = [name for name in table.names if name != "target"]
    columns = [spelt(table.cells(name)[:20]) for name in names]
    return [names, *(list(row) for row in zip(*columns, strict=True))]


def write(path, rows):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def asked(run, source, output, **options):
    overrides = [f"{k}={v}" for k, v in {"run": run, "input": source, **options}.items()]
    return app.score(compose(*overrides, f"output={output}", name="score"))


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_rows_have_the_models_scores_in_chunks_as_in_one(tables, rows, tmp_path):
    source = write(tmp_path / "rows.csv.gz", rows)
    asked(tables, source, tmp_path / "a.csv", chunk=3, threshold=0.5)
    asked(tables, source, tmp_path / "b.csv", threshold=0.5)
    a, b = read(tmp_path / "a.csv"), read(tmp_path / "b.csv")
    assert [line["row"] for line in a] == [str(n) for n in range(1, 21)]
    torch.testing.assert_close(*(torch.tensor([float(x["score"]) for x in y]) for y in (a, b)))
    gan = load(tables / "checkpoints/last.ckpt")
    table, _ = gan.medium.read(dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True)))
    scores = gan.anomaly_score({"image": gan.medium.encode(table)})
    assert [f"{value:.6g}" for value in scores.tolist()] == [line["score"] for line in b]
    assert [line["anomalous"] for line in b] == [str(int(v > 0.5)) for v in scores.tolist()]


def test_the_column_that_is_off_is_named_first(tables, rows, tmp_path):
    rows[5][7] = "900"
    asked(tables, write(tmp_path / "rows.csv", rows), tmp_path / "s.csv", threshold=0.5)
    line = read(tmp_path / "s.csv")[4]
    assert line["column_1"] == rows[0][7] and float(line["share_1"]) > 0.9


def test_rows_that_cannot_be_read_are_listed_and_the_rest_scored(tables, rows, tmp_path):
    rows[1][2], rows[4][0], rows[6][1], rows[9] = "much", "", "nan", rows[9][:5]
    num = asked(tables, write(tmp_path / "rows.csv", rows), tmp_path / "s.csv", threshold=0.5)
    assert num == 16
    found = {(line["row"], line["column"]) for line in read(tmp_path / "s-left-out.csv")}
    names = rows[0]
    assert found == {("1", names[2]), ("4", names[0]), ("6", names[1]), ("9", "")}


def test_a_missing_column_and_a_file_without_a_readable_row_are_errors(tables, rows, tmp_path):
    lacking = write(tmp_path / "lacking.csv", [row[1:] for row in rows])
    with pytest.raises(UserError, match="no column 'mean radius'"):
        asked(tables, lacking, tmp_path / "s.csv", threshold=0.5)
    words = write(tmp_path / "words.csv", [rows[0], ["x"] * len(rows[0])])
    with pytest.raises(UserError, match="nothing in it could be scored"):
        asked(tables, words, tmp_path / "s.csv", threshold=0.5)
    assert not (tmp_path / "s.csv").exists()


def parquet(path, rows):
    """Columns of doubles, but of words where a cell is no number; "" is null."""
    pa = pytest.importorskip("pyarrow")
    columns = {}
    for name, *texts in zip(*rows, strict=True):
        cells = [None if text == "" else text for text in texts]
        words = any(text == "much" for text in texts)
        columns[name] = cells if words else [t if t is None else float(t) for t in cells]
    importlib.import_module("pyarrow.parquet").write_table(pa.table(columns), path, 6)
    return path


def test_rows_of_parquet_are_scored_as_those_of_csv(tables, rows, tmp_path):
    rows[1][2], rows[4][0], rows[6][1] = "much", "", "nan"
    rows = [["more", *rows[0]], *(["0", *row] for row in rows[1:])]
    for name, source in {
        "a": write(tmp_path / "rows.csv", rows),
        "b": parquet(tmp_path / "rows.parquet", rows),
    }.items():
        assert asked(tables, source, tmp_path / f"{name}.csv", threshold=0.5, chunk=4) == 17
    (a, b), (out_a, out_b) = (
        [read(tmp_path / f"{name}{end}.csv") for name in "ab"] for end in ("", "-left-out")
    )
    assert [line["row"] for line in a] == [line["row"] for line in b]
    for ours, theirs in zip(a, b, strict=True):
        assert float(ours["score"]) == pytest.approx(float(theirs["score"]), rel=1e-4)
        assert ours["column_1"] == theirs["column_1"]
    assert [list(x.values())[1:] for x in out_a] == [list(x.values())[1:] for x in out_b]
    assert {line["row"] for line in out_b} == {"1", "4", "6"}


def test_parquet_is_read_some_rows_at_a_time(rows, tmp_path):
    source, names = parquet(tmp_path / "rows.parquet", rows), rows[0][3:5]
    some = list(chunks(source, names, 5, None))
    assert all(len(numbers) <= 5 and list(cells) == names for numbers, cells in some)
    assert [n for numbers, _ in some for n in numbers] == list(range(1, 21))
    assert [c for _, cells in some for c in cells[names[1]]] == [
        str(float(row[4])) for row in rows[1:]
    ]


def test_parquet_that_cannot_be_read_is_named(tables, rows, tmp_path, monkeypatch):
    lacking = parquet(tmp_path / "lacking.parquet", [row[1:] for row in rows])
    with pytest.raises(UserError, match="no column 'mean radius'"):
        asked(tables, lacking, tmp_path / "s.csv", threshold=0.5)
    (tmp_path / "broken.parquet").write_bytes(b"no")
    with pytest.raises(UserError, match="broken.parquet: it cannot be read"):
        asked(tables, tmp_path / "broken.parquet", tmp_path / "s.csv", threshold=0.5)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match="input=.*lacking.parquet: Parquet needs pyarrow"):
        asked(tables, lacking, tmp_path / "s.csv", threshold=0.5)
    assert not (tmp_path / "s.csv").exists()


def test_threshold_is_that_of_normal_validation_rows(tables, rows, tmp_path, capsys):
    gan = load(tables / "checkpoints/last.ckpt")
    run = app.Run(tables)
    threshold = app.reckoned_threshold(run, gan)
    data = app.build_data(run.config)
    scores = gan.anomaly_score({"image": data.reals("val").images(range(36))})
    assert (scores > threshold + 1e-6).float().mean() <= 0.05
    asked(tables, write(tmp_path / "rows.csv", rows), tmp_path / "s.csv")
    assert f"above the threshold {threshold:.5g}" in capsys.readouterr().out


def test_pictures_have_scores_and_heat_maps(pictures, tmp_path):
    folder = tmp_path / "in" / "sub"
    folder.mkdir(parents=True)
    Image.new("L", (8, 8), 255).save(folder / "white.png")
    Image.new("RGB", (20, 20)).save(folder / "black.png")
    (folder / "broken.png").write_bytes(b"no picture")
    assert asked(pictures, tmp_path / "in", tmp_path / "s.csv", threshold=0.5) == 2
    lines = read(tmp_path / "s.csv")
    assert [line["picture"] for line in lines] == ["sub/black.png", "sub/white.png"]
    heat = sorted(path.name for path in (tmp_path / "s-heat").iterdir())
    assert heat == ["sub_black.png.png", "sub_white.png.png"]
    assert read(tmp_path / "s-left-out.csv")[0]["row"] == "sub/broken.png"


def test_what_scores_nothing_is_refused(tmp_path):
    run = run_of(tmp_path / "run", "model=gan", "metrics=none")
    with pytest.raises(UserError, match="OriginalGAN gives no anomaly scores"):
        asked(run, tmp_path, tmp_path / "s.csv")
