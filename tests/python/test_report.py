"""The page of a report: what is in it, and that it needs nothing else."""

from __future__ import annotations

import html.parser
import json
import re
import sys

import numpy as np
import pytest
import tracetide as tt
from cli_tools import fails, succeeds
from small_profiles import Client, IntegerPmf, build, constant
from tracetide.base.durations import format_duration
from tracetide.base.readable import lines_of, number

pytest.importorskip("plotly")
pytest.importorskip("jinja2")


class Page(html.parser.HTMLParser):
    """What a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[str] = []
        self.plots: list[dict] = []
        self.rows: list[list[str]] = []
        self.bold: list[str] = []
        self._open: list[str] = []
        self._json = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "br"):
            self._open.append(tag)
        self._json = dict(attributes).get("type") == "application/json"
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        tag = self._open[-1] if self._open else ""
        if tag == "script" and self._json:
            self.plots.append(json.loads(data))
        elif tag == "h2":
            self.headings.append(data.strip())
        elif data.strip() and self.rows and {"th", "td"} & set(self._open):
            self.rows[-1].append(data.strip())
            if tag == "b":
                self.bold.append(data.strip())


def requests_of(seed: int, seconds: float = 1200.0, client: str = "busy") -> tt.Trace:
    random = np.random.default_rng(seed)
    size = round(seconds * 2)
    tokens = (random.integers(1, 1000, size).astype(np.uint32) for _ in range(2))
    return tt.Trace(
        {
            "timestamp": np.sort(random.uniform(0, seconds, size)),
            "client_id": random.integers(0, 3, size).astype(np.uint32),
            **dict(zip(("input_tokens", "output_tokens"), tokens, strict=True)),
        },
        {"duration": seconds},
    )


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    for seed, name in enumerate(("actual", "one", "two")):
        requests_of(seed).write(folder / f"{name}.parquet")
    return folder


def test_a_page_has_all_findings(traces):
    report = tt.report(traces / "actual.parquet")
    found = report.characterization
    page = Page(report.html())
    assert [name for name in page.headings if name] == [
        "Gaps", "Rates", "Lengths", "Inputs and outputs", "Clients"
    ]  # fmt: skip
    panels = [panel for finding in found.findings.values() for row in finding.chart.rows for panel in row]
    assert len(page.plots) == len(panels) == 3 + 3 + 4 + 1 + 8
    for plot, panel in zip(page.plots, panels, strict=True):
        assert plot["layout"]["yaxis"]["title"]["text"] == panel.y.label.replace("\n", "<br>")
    assert report.comparison is None
    assert report.provisioning is None
    for finding in found.findings.values():
        for line in lines_of(finding.numbers):
            assert list(line) in page.rows
    clients = found.tables()["clients"].to_pylist()
    assert [row[:2] for row in page.rows if row[0].startswith("client ")] == [
        [client["client"], number(client["requests"])] for client in clients
    ]
    text = report.html()
    for fact in (f"{found.requests:,}", format_duration(found.duration), number(found["gaps"]["cv"])):
        assert f"<dd>{fact}</dd>" in text


@pytest.mark.parametrize("name", ["mm-omni", "deepseek-r1"])
def test_categories_have_sections_of_their_own(name):
    page = Page(tt.report(name, rate=2.0, duration="1h").html())
    more = ["Images, audio and video"] if name == "mm-omni" else ["Reasoning", "Conversations"]
    assert [heading for heading in page.headings if heading][5:] == more


def test_a_page_needs_nothing_else(traces):
    text = tt.report(traces / "actual.parquet", traces / "one.parquet").html()
    page = Page(text)
    addresses = [value for _, given in page.tags for name, value in given.items() if name in ("src", "href")]
    assert addresses
    assert all(address.startswith("#") for address in addresses)
    names = {given.get("id") for tag, given in page.tags if tag == "section"}
    assert {address[1:] for address in addresses} == names
    (policy,) = (given["content"] for tag, given in page.tags if given.get("http-equiv"))
    assert policy.startswith("default-src 'none'; ")
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_the_same_findings_make_the_same_bytes(traces, tmp_path):
    for name in ("a.html", "b.html"):
        tt.report(traces / "actual.parquet", traces / "one.parquet").write(tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_names_are_text(tmp_path):
    evil = "</script><img src=x onerror=alert(1)>&\"'"
    table = {
        "timestamp": np.arange(100.0),
        "client": [evil, "b"] * 50,
        "input_tokens": np.full(100, 5),
        "output_tokens": np.arange(1, 101),
    }
    import pyarrow as pa

    trace = pa.table(table)
    text = tt.report(trace, trace, names=[evil, "<i>other"]).html()
    page = Page(text)
    assert not [tag for tag, _ in page.tags if tag in ("img", "i")]
    assert "onerror=alert(1)>" not in text
    names = {trace["name"] for plot in page.plots for trace in plot["data"] if "name" in trace}
    # As Plotly takes them: it shows &lt; as <.
    assert evil.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in names
    assert [evil, "b"] == sorted({row[0] for row in page.rows if row and row[0] in (evil, "b")})


def test_compared_traces(traces):
    paths = [traces / f"{name}.parquet" for name in ("actual", "one", "two")]
    report = tt.report(*paths, interval="5s", names=["actual", "one", "two"])
    expected = tt.compare(*paths, interval=5, names=["actual", "one", "two"])
    assert report.comparison is not None
    assert report.comparison.to_dict() == expected.to_dict()
    assert "<title>actual</title>" in report.html()
    page = Page(report.html())
    distances = 0
    for row in expected.rows:
        shown = [row.measure + (f", {row.unit}" if row.unit else ""), *map(number, row.values)]
        assert shown in page.rows
        distances += row.measure.startswith(("KS ", "Wasserstein "))
    assert distances == 12
    smallest = [
        min(row.values[1:]) for row in expected.rows if row.measure.startswith(("KS ", "Wass", "L1 "))
    ]
    assert page.bold == list(map(number, smallest))
    # One generated trace is the nearest to whatever it is compared with.
    assert Page(tt.report(*paths[:2]).html()).bold == []


@pytest.mark.parametrize("kind", ["file", "job"])
def test_provisioned_instances(traces, kind):
    pool = tt.ClientPool(
        build(
            [Client(2.0, fields={"input_tokens": IntegerPmf([500, 2000], [0.5, 0.5]),
                                 "output_tokens": constant(50)})],
            windows=1, window_s=600,
        ),
        name="p",
    )  # fmt: skip
    what = traces / "actual.parquet" if kind == "file" else tt.Job(pool, seed=4)
    targets = {"ttft": [2.0, 1.0], "tbt": [0.1, 0.5]}
    report = tt.report(what, **targets, instance="h100-8b")
    seed = 1 if kind == "file" else 5
    expected = tt.provision.grid(what, "h100-8b", **targets, seed=seed)
    assert report.provisioning is not None
    assert report.provisioning.to_dict() == expected.to_dict()
    rows = [row for row in Page(report.html()).rows if row and row[0].startswith("TTFT ")]
    assert [row[0] for row in rows] == ["TTFT 2 s", "TTFT 1 s"] * 3
    cells = {(cell.ttft, cell.tbt): cell for cell in expected.cells}
    assert rows[4][1:] == [str(cells[2.0, 0.1].needed), str(cells[2.0, 0.5].needed)]
    over = cells[1.0, 0.5].over("naive")
    assert rows[1][2].startswith(f"{cells[1.0, 0.5].instances['naive']} (")
    assert rows[1][2].endswith("(0 %)" if round(over) == 0 else f"({over:+.0f} %)")


def test_a_stream_that_can_be_read_once_is_characterized(traces):
    stream = requests_of(3).to_arrow().to_reader()
    assert tt.report(stream).characterization.requests == 2400
    stream = requests_of(3).to_arrow().to_reader()
    with pytest.raises(ValueError, match="once"):
        tt.report(stream, traces / "one.parquet")


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (["actual"], {"ttft": [1.0]}, "ttft: not allowed without tbt; provisioning takes targets of both"),
        (["actual"], {"tbt": [1.0]}, "tbt: not allowed without ttft"),
        (["actual"], {"names": ["a", "b"]}, "names: 2 are not allowed; there must be 1, one a trace"),
        (["actual"], {"rate": 5.0}, "rate: not allowed for"),
        (["actual"], {"window": 0}, "window: 0 is not allowed"),
        (["actual", "one"], {"interval": 0}, "interval: 0 is not allowed"),
        (["actual"], {"ttft": [1.0], "tbt": [1.0], "instance": "x"}, "'x' is not"),
    ],
)
def test_what_is_wrong_is_named(traces, arguments, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        tt.report(*(traces / f"{name}.parquet" for name in arguments), **options)


@pytest.mark.parametrize("package", ["plotly", "jinja2"])
def test_without_a_package_the_error_says_what_to_install(traces, package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    report = tt.report(traces / "actual.parquet")
    with pytest.raises(tt.MissingPackageError, match=rf"{package} .*pip install 'tracetide\[report\]'"):
        report.write(tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_the_command_line(traces):
    done = succeeds(
        "report", "actual.parquet", "one.parquet", "--name", "a", "--name", "b", "--interval", "10s",
        "--ttft", "2", "--tbt", "0.5", "--instance", "h100-8b", "-o", "r.html",
        cwd=traces,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (b"", b"r.html: written\n")
    expected = tt.report(
        traces / "actual.parquet", traces / "one.parquet", names=["a", "b"], interval=10,
        ttft=[2], tbt=[0.5], instance="h100-8b",
    )  # fmt: skip
    assert (traces / "r.html").read_text(encoding="utf-8") == expected.html()
    done = succeeds("report", "actual.parquet", "-q", "-o", "-", cwd=traces)
    assert done.stdout.decode() == tt.report(traces / "actual.parquet").html()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["actual.parquet", "-o", "r.pdf"], "--output: 'r.pdf' is not allowed; it must end in .html"),
        (["actual.parquet", "-o", "r.html", "--name", "a", "--name", "b"], "--name: 2 are not allowed"),
        (["actual.parquet", "-o", "r.html", "--ttft", "1"], "ttft: not allowed without tbt"),
        (["actual.parquet", "-o", "r.html", "--ttft", "x", "--tbt", "1"], "--ttft: 'x' is not allowed"),
        (["actual.parquet", "-o", "r.html", "--ttft", "1", "--tbt", "1", "--instance", "x"], "'x' is not"),
        (["nothing.parquet", "-o", "r.html"], "nothing.parquet"),
        (["actual.parquet", "-o", "no/r.html"], "no/r.html"),
    ],
)
def test_wrong_usage_is_one_line(traces, arguments, says):
    fails("report", *arguments, says=[says], cwd=traces)
