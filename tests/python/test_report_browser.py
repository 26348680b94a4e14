"""The page of a report in a browser: `pytest -m browser`.

Needs Chromium, of Debian's package or named by TRACETIDE_BROWSER.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tracetide as tt
from test_report import requests_of

pytestmark = pytest.mark.browser

_FIRST = """<script>
const problems = [];
addEventListener("error", event => problems.push(event.message));
addEventListener("unhandledrejection", event => problems.push(String(event.reason)));
addEventListener("securitypolicyviolation", event => problems.push("blocked: " + event.blockedURI));
</script>"""
# A user's clicks, after all has been drawn.
_LAST = """<script>addEventListener("load", async () => {
  const wait = ms => new Promise(done => setTimeout(done, ms));
  const found = {};
  try {
    await wait(500);
    found.drawn_at_first = +document.documentElement.dataset.drawn;
    dispatchEvent(new Event("beforeprint"));
    await wait(1500);
    const plots = [...document.querySelectorAll(".plot")];
    found.plots = plots.length;
    found.drawn = plots.filter(plot => plot.querySelector(".main-svg")).length;
    found.empty = plots.filter(plot => !plot.querySelector(".trace path, .trace .point, .point")).length;
    found.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;

    const hours = plots.filter(plot => plot.layout.xaxis.title.text === "hours");
    await Plotly.relayout(hours[0], {"xaxis.range[0]": 0.1, "xaxis.range[1]": 0.2});
    await wait(500);
    found.hours = hours.length;
    found.zoomed = hours.filter(plot => String(plot.layout.xaxis.range) === "0.1,0.2").length;

    const section = document.querySelector("#gaps");
    const entry = [...section.querySelectorAll(".legend .traces")]
      .find(one => one.textContent.startsWith("gamma"));
    const toggle = entry.querySelector(".legendtoggle");
    const box = toggle.getBoundingClientRect();
    const at = {bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2};
    toggle.dispatchEvent(new MouseEvent("mousedown", at));
    toggle.dispatchEvent(new MouseEvent("mouseup", at));
    await wait(1000);
    const named = [...section.querySelectorAll(".plot")].flatMap(plot => plot.data)
      .filter(trace => trace.name === entry.textContent);
    found.hidden = named.map(trace => trace.visible);

    const table = document.querySelector("table.sortable");
    const column = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent === "mean input tokens");
    const shown = () => [...table.tBodies[0].rows].map(row => +row.cells[column].dataset.value);
    const button = table.tHead.rows[0].cells[column].querySelector("button");
    button.click();
    found.descending = shown();
    button.click();
    found.ascending = shown();
    found.sorted = table.tHead.rows[0].cells[column].getAttribute("aria-sort");
  } catch (error) {
    problems.push(String(error));
  }
  found.problems = problems;
  const text = document.createElement("pre");
  text.id = "found";
  text.textContent = JSON.stringify(found);
  document.body.append(text);
});</script></body>"""


def browser() -> str:
    found = os.environ.get("TRACETIDE_BROWSER") or shutil.which("chromium")
    if found is None:
        pytest.skip("no Chromium; install it, or name one with TRACETIDE_BROWSER")
    return found


def run_browser(page: Path, *options: str) -> str:
    done = subprocess.run(
        [
            browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=30000",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={page.parent / 'user'}",
            *options, page.as_uri(),
        ],
        capture_output=True,
        timeout=120,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    traces = [requests_of(seed) for seed in range(3)]
    report = tt.report(*traces, names=["actual", "one", "two"], ttft=[1, 2], tbt=[0.5])
    report.write(folder / "report.html")
    return folder / "report.html"


@pytest.mark.parametrize("width", [1300, 600])
def test_a_user_zooms_hides_and_sorts(page, width):
    text = page.read_text()
    watched = page.with_name(f"watched-{width}.html")
    watched.write_text(text.replace("<title>", f"{_FIRST}<title>", 1).replace("</body>", _LAST))
    dumped = run_browser(watched, f"--window-size={width},1000", "--dump-dom")
    (told,) = re.findall(r'<pre id="found">(.*?)</pre>', dumped)
    found: dict[str, Any] = json.loads(told)
    assert found["problems"] == []
    assert found["plots"] == found["drawn"] == text.count('class="plot"') == 19 + 8
    # What is far below is drawn when it comes near.
    assert 3 <= found["drawn_at_first"] < found["plots"]
    assert found["empty"] == 0
    assert found["overflow"] <= 0
    assert found["zoomed"] == found["hours"] == 1 + 3 + 4
    assert found["hidden"] == ["legendonly"] * 2
    assert found["descending"] == sorted(found["descending"], reverse=True)
    assert found["ascending"] == found["descending"][::-1]
    assert len(set(found["ascending"])) == 3
    assert found["sorted"] == "ascending"


def test_a_picture_of_the_page_has_its_colours(page, tmp_path):
    pytest.importorskip("PIL")
    from PIL import Image
    from tracetide.charts.house_style import COLOURS

    run_browser(page, "--window-size=1300,6000", "--hide-scrollbars", f"--screenshot={tmp_path / 'page.png'}")
    with Image.open(tmp_path / "page.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    for colour in COLOURS[:4]:
        exact = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        assert (pixels == exact).all(axis=1).sum() > 100
