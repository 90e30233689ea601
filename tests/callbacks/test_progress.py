import io
import sys
import time

import lightning as L

from gan_lab.callbacks.progress import Progress, duration, rounded
from gan_lab.callbacks.reports import Reports, paused


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_log_file_gets_a_line_now_and_then_and_where_to_look(tmp_path, fit, capsys):
    fit(tmp_path, [Reports(5), Progress(line_seconds=1e9)])
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 and lines[0].startswith("0.2/0.2 kimg")
    assert "images/s" in lines[0]
    assert last == f"0.2 kimg in {tmp_path}"


def test_terminal_gets_a_bar(tmp_path, fit, monkeypatch):
    class Pause(L.Callback):
        def on_train_batch_end(self, trainer, *_):
            with paused(trainer, "drawing"):
                pass

    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm")
    fit(tmp_path, [Reports(5), Pause(), Progress(bar_seconds=0.0)], steps=20)
    text = screen.getvalue()
    assert "0.2/0.2 kimg" in text and "drawing" in text and "training" in text
    assert text.endswith("kimg in " + str(tmp_path) + "\n")


def test_iteration_that_shows_nothing_costs_next_to_nothing():
    callback = Progress()
    began = time.perf_counter()
    for _ in range(20_000):
        callback.on_train_batch_end(None, None, None, None, 0)
    assert (time.perf_counter() - began) / 20_000 < 5e-6


def test_duration_reads_as_a_clock():
    assert duration(0) == "0:00:00" and duration(3723.4) == "1:02:03"


def test_budget_is_rounded_for_reading():
    budgets = (0.2, 6.016, 30.016, 12.5, 25000.024)
    assert [rounded(kimg) for kimg in budgets] == ["0.2", "6", "30", "12.5", "25000"]
