"""Findings as what the page shows: sections of plots, tables and numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracetide.base.durations import format_duration
from tracetide.base.readable import lines_of, number
from tracetide.charts.interactive import plots
from tracetide.measures.burstiness import NOT_STATIONARY

if TYPE_CHECKING:
    from tracetide.characterize.finding import Finding
    from tracetide.compare.comparison import Row, TraceComparison
    from tracetide.provision.grid import Grid
    from tracetide.report.findings import Findings

_TITLES = {
    "gaps": "Gaps",
    "rates": "Rates",
    "lengths": "Lengths",
    "correlation": "Inputs and outputs",
    "clients": "Clients",
    "modality": "Images, audio and video",
    "reasoning": "Reasoning",
    "conversations": "Conversations",
}
_TEXTS = {
    "gaps": "Times between consecutive requests. Their CV within windows is 1 for a Poisson process; above 1 "
    "requests come in bursts. Shifts of the rate from window to window are no bursts: where they are larger "
    "than such gaps explain, the rate is not stationary, and the CV of all gaps is higher. In every window "
    "three laws are fitted; the smaller a KS distance, the better the fit.",
    "rates": "What the load is like over time: how many requests, how bursty, how long. The index of "
    "dispersion (variance over mean of counts) is 1 at all time scales for a Poisson process.",
    "lengths": "Body and tail of inputs and outputs, and two laws fitted to them. A law may fit the body and "
    "miss the tail, which loads servers most.",
    "correlation": "Outputs of requests whose inputs are about as long.",
    "clients": "Traffic is a sum of clients. How much of it comes from how few; how they differ, with every "
    "client counted by its requests; and the largest ones over time.",
    "modality": "Items per request and tokens per item; items beside text; and the load of both over time.",
    "reasoning": "Tokens of reasons and answers. Two modes of the ratio are two kinds of requests.",
    "conversations": "Sessions of two or more turns, and the times from one turn to the next.",
}
_COMPARING = (
    "Whether bursts and lengths go together as in the actual trace. Every point is a short interval: its "
    "rate, and the mean length of its requests. Two traces with equal mean rates and equal distributions of "
    "lengths can differ in this, and load a server differently. Distances are from {actual}; the smallest "
    "is bold."
)
_PROVISIONING = (
    "The fewest instances ({instance}, simulated) that keep p{percent:g} of the times to first token and "
    "between tokens to both targets; and how many would be provisioned after a benchmark of one instance, "
    "with requests generated client by client, and from the workload as a whole (NAIVE)."
)
_CLIENTS = 25
_HEADINGS = {"rate": "requests/s", "cv": "CV of gaps"}
_METHODS = (("naive", "NAIVE"), ("clients", "client by client"))


@dataclass(frozen=True)
class Table:
    """A table; what is text in the first column is a number in the others.

    Attributes:
        headings: of the columns.
        rows: texts.
        order: by what to sort the rows of each column; None: they cannot be sorted.
        bold: the places (row, column) of texts that stand out.
        caption: "": none.
        colours: of the cells, CSS; by place.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    order: tuple[tuple[float | str | None, ...], ...] | None = None
    bold: frozenset[tuple[int, int]] = frozenset()
    caption: str = ""
    colours: dict[tuple[int, int], str] | None = None


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        name: for links.
        figures: of the study; "": none.
        plots: rows of plots for Plotly.
        wide: the rows are of one plot each, as wide as the page.
        lines: numbers with their names.
    """

    name: str
    title: str
    figures: str
    text: str
    plots: list[list[dict[str, Any]]]
    wide: bool = False
    tables: tuple[Table, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()


def facts_of(report: Findings) -> list[tuple[str, str]]:
    """The numbers at the top: what, and how much."""
    found = report.characterization
    lengths = found["lengths"]
    facts = [
        ("requests", f"{found.requests:,}"),
        ("duration", format_duration(found.duration)),
        ("requests/s", number(found["rates"]["mean"])),
        ("CV of gaps", number(found["gaps"]["cv"])),
        ("rate", _stationarity(found["gaps"])),
        *(
            (f"mean {name.removesuffix('_tokens')}, tokens", number(lengths[name]["mean"]))
            for name in lengths
        ),
    ]
    if "clients" in found.findings:
        clients = found["clients"]
        facts.append(("clients", f"{clients['clients']:,}"))
        facts.append(("clients of 90 % of the requests", f"{clients['clients_of_90_percent']:,}"))
    if "reasoning" in found.findings:
        facts.append(("reasoning, share of output", number(found["reasoning"]["ratio"]["mean"])))
    if "conversations" in found.findings:
        facts.append(("requests in conversations", f"{found['conversations']['share_of_requests']:.1%}"))
    return facts


def _stationarity(gaps: dict[str, Any]) -> str:
    """Whether the rate shifts, and how far."""
    word = str(gaps["stationarity"])
    return f"{word}, shifts by {gaps['rate_shift']:.0%}" if word == NOT_STATIONARY else word


def sections_of(report: Findings) -> list[Section]:
    """The sections in the order of the page."""
    sections = [_section(found) for found in report.characterization.findings.values()]
    if report.comparison is not None:
        sections.append(_compared(report.comparison))
    if report.provisioning is not None:
        sections.append(_provisioned(report.provisioning))
    return sections


def _section(found: Finding) -> Section:
    chart = found.chart
    return Section(
        found.name,
        _TITLES[found.name],
        found.figures,
        _TEXTS[found.name],
        plots(chart),
        wide=chart.same_x,
        tables=(_clients(found),) if found.name == "clients" else (),
        lines=tuple(lines_of(found.numbers)),
    )


def _clients(found: Finding) -> Table:
    table = found.tables["clients"]
    shown = table.select([name for name in table.column_names if not name.endswith(("_low", "_high"))])
    rows = [tuple(row.values()) for row in shown.slice(0, _CLIENTS).to_pylist()]
    headings = tuple(_HEADINGS.get(name, name.replace("_", " ")) for name in shown.column_names)
    return Table(
        headings,
        tuple(tuple(_text(value) for value in row) for row in rows),
        order=tuple(rows),
        caption=f"The largest of {table.num_rows:,} clients" if table.num_rows > _CLIENTS else "",
    )


def _compared(found: TraceComparison) -> Section:
    rows = tuple(
        (row.measure + (f", {row.unit}" if row.unit else ""), *map(number, row.values)) for row in found.rows
    )
    bold = frozenset(place for at, row in enumerate(found.rows) for place in _smallest(at, row))
    return Section(
        "comparison",
        "Comparison",
        "19",
        _COMPARING.format(actual=found.names[0])
        + (f" Here {found.clock_note}." if found.has_coarse_clock else ""),
        plots(found.chart),
        tables=(Table((f"intervals of {found.interval:g} s", *found.names), rows, bold=bold),),
    )


def _smallest(at: int, row: Row) -> list[tuple[int, int]]:
    """The places of the smallest distance, where several are compared; names are in the first column."""
    distances = dict(enumerate(row.values[1:], 2))
    known = [value for value in distances.values() if math.isfinite(value)]
    if len(known) < 2 or not row.measure.startswith(("KS ", "Wasserstein ", "L1 ")):
        return []
    return [(at, column) for column, value in distances.items() if value == min(known)]


def _provisioned(found: Grid) -> Section:
    panels = [_instances(found, name, title) for name, title in (*_METHODS, ("needed", "needed"))]
    return Section(
        "provisioning",
        "Provisioning",
        "20",
        _PROVISIONING.format(instance=found.instance.name, percent=100 * found.quantile),
        [],
        tables=tuple(panels),
        lines=(("requests", f"{found.requests:,}"), ("requests/s", number(found.rate))),
    )


def _instances(found: Grid, name: str, title: str) -> Table:
    """Instances by targets, the longest TTFT at the top as in the study."""
    from tracetide.provision.heatmap import colour_of, percent_text

    cells = {(cell.ttft, cell.tbt): cell for cell in found.cells}
    rows, colours = [], {}
    for number_of_row, ttft in enumerate(reversed(found.ttft)):
        row = [f"TTFT {ttft:g} s"]
        for column, tbt in enumerate(found.tbt, 1):
            cell = cells[ttft, tbt]
            made = cell.needed if name == "needed" else cell.instances[name]
            over = None if name == "needed" else cell.over(name)
            text = "none" if made is None else f"{made:,}"
            row.append(text if over is None else f"{text} ({percent_text(over)})")
            if over is not None:
                colours[number_of_row, column] = colour_of(over)
        rows.append(tuple(row))
    headings = ("", *(f"TBT {tbt:g} s" for tbt in found.tbt))
    return Table(headings, tuple(rows), caption=title, colours=colours)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else number(value)
