import json
import math

import pytest

from gan_lab.callbacks.report import Chart, Report, averaged, figures_of, make_charts, ticks


def test_report_is_written_when_training_ends(tmp_path, fit):
    (tmp_path / "config.yaml").write_text("model_name: gan\ndata_name: tiny\nseed: 0\n")
    fit(tmp_path, [Report()], steps=2)
    assert "gan on tiny" in (tmp_path / "report.html").read_text()
    assert json.loads((tmp_path / "environment.json").read_text())["device"] == "cpu"


@pytest.mark.parametrize("low, high", [(0, 1), (-3.7, 12.2), (1e-6, 3e-6), (0, 25_000)])
def test_ticks_are_few_round_and_inside(low, high):
    found = ticks(low, high, 4)
    assert 2 <= len(found) <= 6
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)
    steps = {
        round((b - a) / 10 ** math.floor(math.log10(b - a)), 6) for a, b in zip(found, found[1:])
    }
    assert steps <= {1.0, 2.0, 5.0, 10.0}


def test_metrics_get_a_chart_each_and_come_first():
    nothing = [None, None]
    columns = {
        "iteration": [1, 2],
        "kimg": [0.1, 0.2],
        "loss/a": [1.0, 2.0],
        "loss/b": [3.0, 4.0],
        "metric/fd": [None, 5.0],
        "metric/none": nothing,
    }
    charts = make_charts(columns, {"fd": "lower"})
    assert [chart.title for chart in charts] == ["fd", "loss"]
    assert charts[0].names == ["lower is better"] and charts[0].x == [0.2]
    assert charts[1].names == ["a", "b"] and charts[1].series == [[1.0, 2.0], [3.0, 4.0]]


def test_long_curves_are_averaged_over_neighbours():
    rows = [(float(i), 1.0 if i else math.nan) for i in range(1000)]
    short = averaged(rows)
    assert len(short) <= 400
    assert short[0] == [1.0, 1.0] and short[-1][0] == 999


def test_one_point_and_constant_values_can_be_drawn():
    for series in ([2.0], [0.0]):
        assert "circle" in Chart("a", ["b"], [1.0], [series], high=1.0).html()


def test_wide_range_is_drawn_in_powers_of_ten():
    chart = Chart("a", ["b"], [1.0, 2.0], [[0.01, 100.0]], high=2.0)
    assert chart.is_log and chart.down(1.0) == pytest.approx(
        (chart.down(0.01) + chart.down(100)) / 2
    )


def test_figures_stand_beside_those_without_learning():
    protocol = {"metric": "l1", "seed": 0}
    record = {
        "name": "l1_8",
        "value": 0.25,
        "lower_is_better": True,
        "protocol": protocol,
        "kimg": 1,
    }
    assert "without learning" not in figures_of([record])
    page = figures_of([{**record, "beside": {"identity": 0.5}}])
    assert "without learning" in page and "identity 0.5" in page
