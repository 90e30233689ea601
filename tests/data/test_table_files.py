import gzip
import re

import numpy as np
import pytest

from gan_lab.data.table_files import SHIPPED, decimals_of, read_table, shipped_table, write_table
from gan_lab.errors import UserError

PEOPLE = """age,height,town,code
31,1.80,Bern,001
,1.655,,002
47,NaN,"Basel, west",001
"""


def written(folder, text, name="people.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_kinds_categories_and_decimals_are_seen(tmp_path):
    table = read_table(written(tmp_path, PEOPLE), words=["code"])
    age, height, town, code = table.schema
    assert (age["kind"], age["whole"], age["decimals"], age["missing"]) == ("number", True, 0, True)
    assert (height["whole"], height["decimals"], height["missing"]) == (False, 3, True)
    assert (town["kind"], town["categories"]) == ("word", ["Basel, west", "Bern"])
    assert (code["kind"], code["categories"], code["missing"]) == ("word", ["001", "002"], False)
    np.testing.assert_array_equal(table.values["age"], [31, np.nan, 47])
    np.testing.assert_array_equal(table.values["town"], [1, -1, 0])
    assert table.cells("height") == [1.8, 1.655, None]
    assert table.rows(np.array([2])).cells("age") == [47]


@pytest.mark.parametrize("name", ["again.csv", "again.csv.gz", "again.parquet"])
def test_a_written_table_is_read_back_as_it_was(tmp_path, name):
    table = read_table(written(tmp_path, PEOPLE))
    write_table(table, tmp_path / name)
    again = read_table(tmp_path / name, words=["town"])
    assert again.schema == table.schema and again.fingerprint() == table.fingerprint()


def test_a_byte_order_mark_and_blank_lines_are_no_content(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfa,b\r\n\r\n1,x\r\n"))
    assert read_table(path).names == ["a", "b"] and len(read_table(path)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1\n2\nthree\n", "row 3, column 'a': 'three' is no number"),
        ("1\ninf\n3\n", "row 2, column 'a': 'inf' is not a finite number"),
        ("1\n\n", None),
        ("NA\nNA\n", "column 'a': all cells are missing"),
        ("1\n2,5\n", "row 2: it has 2 cells, and the header 1 columns"),
        ("", "holds no rows"),
        ("".join(f"name{n}\n" for n in range(1001)), "column 'a': 1001 different words"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_by_row_and_column(tmp_path, text, said):
    path = written(tmp_path, "a\n" + text)
    if said is None:
        assert len(read_table(path)) == 1
        return
    with pytest.raises(UserError, match=re.escape(said)) as error:
        read_table(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age,town\n30,Bern\n", "has no column 'height'"),
        ("age,height,town\n,1.5,Bern\n30,,Bern\n", "row 1, column 'age': the cell is empty"),
        ("age,height,town\n9,1.5,Bern\n30,1,Chur\n", "row 2, column 'town': 'Chur' is an unknown"),
        ("age,height,town\n9,tall,Bern\n", "row 1, column 'height': 'tall' is no number"),
    ],
)
def test_a_file_that_does_not_fit_the_schema_is_refused(tmp_path, text, said):
    schema = read_table(written(tmp_path, "age,height,town\n31,1.80,Bern\n41,1.6,Genf\n")).schema
    other = written(tmp_path, text, "other.csv")
    with pytest.raises(UserError, match=re.escape(said)) as error:
        read_table(other, schema=schema)
    assert str(other) in str(error.value)


def test_empty_cells_are_refused_and_unknown_words_taken_for_missing_where_one_says_so(tmp_path):
    path = written(tmp_path, PEOPLE)
    with pytest.raises(UserError, match="row 2, column 'age'"):
        read_table(path, missing_allowed=False)
    schema = read_table(path).schema
    other = written(tmp_path, PEOPLE.replace("Bern", "Chur"), "other.csv")
    table = read_table(other, schema=schema, unknown_allowed=True)
    np.testing.assert_array_equal(table.values["town"], [-1, -1, 0])


@pytest.mark.parametrize(
    ("header", "said"), [("a,a", "names column 'a' twice"), ("a,", "column 2 has no name")]
)
def test_headers_are_checked(tmp_path, header, said):
    with pytest.raises(UserError, match=said):
        read_table(written(tmp_path, f"{header}\n1,2\n"))


def test_files_that_are_no_tables_are_refused(tmp_path):
    for name, content in [("a.txt", b""), ("a.csv", b"\xff\xfe\n"), ("a.csv.gz", b"no"),
                          ("a.parquet", b"no"), ("b.csv", b"")]:  # fmt: skip
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=re.escape(name)):
            read_table(tmp_path / name)
    with pytest.raises(UserError, match="there is no such folder or file"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(UserError, match="has no column 'height'"):
        read_table(written(tmp_path, "a\n1\n"), drop=["height"])


def test_decimals_are_those_written():
    assert [decimals_of(text) for text in ["1", "1.0", "1.50", "2e-3", "1e5", "nan"]] == [
        *(0, 0, 2, 3, 0, 0)
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_tables_have_a_target(name):
    table = shipped_table(name)
    target = table.column("target")
    assert (target["kind"] == "number") == (name == "diabetes") and len(table) > 100
    assert not any(column["missing"] for column in table.schema)


def test_shipped_tables_are_named():
    with pytest.raises(UserError, match="data.table=titanic: choose one of breast_cancer"):
        shipped_table("titanic")
