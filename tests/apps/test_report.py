import json
import re
import shutil
import subprocess

import pytest
from PIL import Image

from gan_lab.apps.report import main
from gan_lab.loggers.csv import Table

RECORD = {
    "name": "fd_x_10",
    "lower_is_better": True,
    "protocol": {"metric": "fd", "extractor": "x", "parameters": {}, "seed": 0},
}


@pytest.fixture
def run(tmp_path):
    """A run's folder as training leaves it, with a name that must be escaped."""
    folder = tmp_path / "run"
    (folder / "samples").mkdir(parents=True)
    (folder / "config.yaml").write_text(
        "model_name: <b>gan\ndata_name: digits\nseed: 0\nweb: https://example.org/x.js\n"
    )
    metrics, timing = Table(folder / "metrics.csv"), Table(folder / "timing.csv")
    for i in range(1, 30):
        metrics.write(i, {"kimg": i / 10, "loss/generator": i**0.5, "logits/real": float("nan")})
        timing.write(i, {"kimg": i / 10, "seconds": i * 2.0, "images_per_second": 1234.0})
    metrics.write(29, {"metric/fd_x_10": 3.25})
    record = {"iteration": 29, "kimg": 2.9, "value": 3.25, **RECORD}
    (folder / "evaluations.jsonl").write_text(json.dumps(record) + "\n")
    (folder / "health.txt").write_text("iteration, kimg, verdict\n20, 2.0, healthy: fine\n")
    for i, name in enumerate(("000000.0", "000001.0", "000002.9", "real")):
        Image.new("RGB", (32, 32), (60 * i, 0, 0)).save(folder / "samples" / f"{name}.png")
    return folder


def test_page_shows_the_run_and_loads_nothing(run):
    main([str(run)])
    page = (run / "report.html").read_text()
    assert "&lt;b&gt;gan on digits" in page and "<b>gan" not in page
    assert "3.25" in page and "1234" in page and "healthy: fine" in page and "0:00:58" in page
    assert page.count("data:image/png;base64,") >= 4
    addresses = re.findall(r"""(?:src|href|action)\s*=\s*["']?([^"'\s>]+)""", page)
    assert all(a.startswith("data:") for a in addresses if a != "frame.source;")
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|<link", page)
    assert "default-src 'none'" in page


def test_report_of_a_run_that_has_only_begun(tmp_path):
    (tmp_path / "config.yaml").write_text("model_name: gan\n")
    main([str(tmp_path)])
    assert "gan on data" in (tmp_path / "report.html").read_text()


def test_folder_without_a_run_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path)])
    assert stop.value.code == 2 and "config.yaml is missing" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium here")
def test_slider_and_pointer_work_in_a_browser(run, tmp_path):
    main([str(run)])
    probe = """<script>
const s = document.getElementById("slider"), source = () => document.getElementById("picture").src;
const last = source(); s.value = 0; s.dispatchEvent(new Event("input"));
const svg = document.querySelector("svg"), box = svg.getBoundingClientRect();
svg.dispatchEvent(new PointerEvent("pointermove", {clientX: box.right - 1, clientY: box.top + 5}));
document.body.dataset.seen = [source() !== last, document.getElementById("caption").textContent,
  document.querySelector(".key").textContent,
  document.documentElement.scrollWidth <= innerWidth].join("|");
</script></body>"""
    page = tmp_path / "probe.html"
    page.write_text((run / "report.html").read_text().replace("</body>", probe))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    shown = subprocess.run(
        ["chromium", *options, f"--user-data-dir={tmp_path / 'profile'}", "--window-size=500,900"]
        + ["--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    changed, caption, key, fits = re.search(r'data-seen="([^"]*)"', shown).group(1).split("|")
    assert changed == "true" and caption == "generated, after 0 kimg"
    assert "3.25" in key and "at 2.9 kimg" in key
    assert fits == "true"
