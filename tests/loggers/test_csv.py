import pytest

from gan_lab.loggers.csv import CSV, Table
from gan_lab.loggers.table import read


def test_row_holds_iteration_kimg_and_values_that_read_back_exactly(tmp_path):
    table = Table(tmp_path / "metrics.csv")
    table.write(50, {"loss/generator": 0.1 + 0.2, "kimg": 3.2})
    assert table.path.read_text() == ("iteration,kimg,loss/generator\n50,3.2,0.30000000000000004\n")
    assert read(table.path)["loss/generator"] == [0.1 + 0.2]


def test_new_column_comes_last_and_leaves_earlier_rows_blank(tmp_path):
    table = Table(tmp_path / "metrics.csv")
    table.write(1, {"kimg": 0.1, "a": 1.0})
    table.write(2, {"kimg": 0.2, "b": 2.0, "a": 3.0})
    assert table.path.read_text() == "iteration,kimg,a,b\n1,0.1,1.0,\n2,0.2,3.0,2.0\n"
    assert read(table.path)["b"] == [None, 2.0]


def test_rows_of_one_iteration_are_merged(tmp_path):
    table = Table(tmp_path / "metrics.csv")
    table.write(1, {"kimg": 0.1, "a": 1.0})
    table.write(2, {"kimg": 0.2, "a": 2.0})
    table.write(2, {"kimg": 0.2, "metric/fd": 9.0})
    table.write(3, {"kimg": 0.3, "a": 3.0})
    assert table.path.read_text() == (
        "iteration,kimg,a,metric/fd\n1,0.1,1.0,\n2,0.2,2.0,9.0\n3,0.3,3.0,\n"
    )


@pytest.mark.parametrize("at", range(0, 8))
def test_table_taken_up_again_anywhere_ends_with_the_same_bytes(tmp_path, at):
    def write(table, rows):
        for i in rows:
            table.write(i, {"kimg": i / 10, "a": i / 3} | ({"b": 1.0} if i > 2 else {}))
            if i == 6:
                table.write(i, {"kimg": i / 10, "metric/fd": 5.0})

    whole = Table(tmp_path / "whole.csv")
    write(whole, range(1, 8))
    killed = Table(tmp_path / "killed.csv")
    write(killed, range(1, 8))
    with open(killed.path, "a") as file:
        file.write("8,0.8,2.6")  # the write that the kill cut short
    again = Table(killed.path)
    again.resume(at)
    write(again, range(at + 1, 8))
    assert again.path.read_bytes() == whole.path.read_bytes()


def test_not_a_number_and_infinity_can_be_read(tmp_path):
    table = Table(tmp_path / "metrics.csv")
    table.write(1, {"kimg": 0.1, "a": float("inf"), "b": float("nan")})
    columns = read(table.path)
    assert columns["a"] == [float("inf")] and columns["b"][0] != columns["b"][0]


def test_clock_goes_to_its_own_file(tmp_path):
    logger = CSV()
    logger.begin(tmp_path, 0)
    logger.log_metrics({"kimg": 0.1, "loss/a": 1.0, "time/seconds": 2.0}, step=1)
    assert (tmp_path / "metrics.csv").read_text() == "iteration,kimg,loss/a\n1,0.1,1.0\n"
    assert (tmp_path / "timing.csv").read_text() == "iteration,kimg,seconds\n1,0.1,2.0\n"


def test_no_file_reads_as_no_columns(tmp_path):
    assert read(tmp_path / "metrics.csv") == {}
