"""The tables and the picture of `study.py`."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tracetide as tt
from tracetide.charts.house_style import COLOURS, MARKERS, house_style, new_figure, save

METHODS = {
    "chance": "chance",
    "clients": "client-based",
    "naive": "NAIVE",
    "whole": "NAIVE of the whole",
}
Workload = dict[str, Any]
Number = float | None


def markdown(workloads: Sequence[Workload], days: Sequence[dict[str, Any]], grid: tt.provision.Grid) -> str:
    """Five tables: all profiles together, instances, the study's design, likeness, and figure 20."""
    tables = (_summary(workloads), _instances(workloads), _scaled(days), _likeness(workloads), _grid(grid))
    return "\n".join(line for table in tables for line in (*table, ""))


def over(piece: dict[str, Any], method: str) -> Number:
    """Percent that a method provisions too many; negative: too few."""
    made, needed = (piece["instances"].get(trace) for trace in (method, "actual"))
    return None if made is None or needed is None else 100.0 * (made - needed) / needed


def capacity_over(piece: dict[str, Any], method: str) -> Number:
    """The same of the largest rates of one, which are no whole numbers; None where one serves everything."""
    rates, bound = piece["rate_of_one"], piece["one_is_enough"]
    if not rates.get(method) or not rates.get("actual") or bound[method] or bound["actual"]:
        return None
    return 100.0 * (rates["actual"] / rates[method] - 1)


def error(piece: dict[str, Any], measure: str, of: str) -> Number:
    """Percent by which a measure of a generated trace exceeds the actual one's."""
    values = piece["measures"][measure]
    if values.get(of) is None or not values["actual"]:
        return None
    return 100.0 * (values[of] / values["actual"] - 1)


def known(workload: Workload, number: Callable[[dict[str, Any]], Number]) -> list[float]:
    """A number of every piece that has it."""
    return [value for piece in workload["pieces"] if (value := number(piece)) is not None]


def _summary(workloads: Sequence[Workload]) -> list[str]:
    """Over the hold-outs of all profiles; traces have no chance to compare with."""
    profiles = [workload for workload in workloads if workload["source"] != "trace"]
    lines = [
        "| requests | hold-outs | off by, on average | over 20 % too few | over 20 % too many | "
        "rate CV 10 s, median |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for method, label in METHODS.items():
        off = [value for one in profiles for value in known(one, lambda piece, of=method: over(piece, of))]
        cv = [
            value
            for one in profiles
            for value in known(one, lambda piece, of=method: error(piece, "rate CV 10 s", of))
        ]
        if off:
            mean = statistics.fmean(map(abs, off))
            few, many = sum(value < -20 for value in off), sum(value > 20 for value in off)
            told = f"{mean:.0f} % | {few} | {many} | {_percent(statistics.median(cv))}"
            lines.append(f"| {label} | {len(off)} | {told} |")
    return lines


def _likeness(workloads: Sequence[Workload]) -> list[str]:
    shown = {
        "rate CV 1 s": "rate CV 1 s",
        "rate CV 10 s": "rate CV 10 s",
        "gap CV": "gap CV",
        "rate p99": "rate p99",
        "rate and mean input_tokens": "rate and mean input",
        "rate and mean output_tokens": "rate and mean output",
        "input and output mutual information": "mutual information",
    }
    distances = {
        "KS mean input_tokens": "KS mean input",
        "Wasserstein mean input_tokens": "Wasserstein mean input",
        "KS mean output_tokens": "KS mean output",
        "L1 joint ranks": "L1 joint ranks",
    }
    lines = [
        "| workload | clients | " + " | ".join([*shown.values(), *distances.values()]) + " |",
        "|---|---:|" + "---|" * (len(shown) + len(distances)),
    ]
    for workload in workloads:
        cells = [workload["name"], _whole(known(workload, lambda piece: piece["clients"]))]
        for measure in shown:
            cells.append(_medians(workload, measure, ("actual", "clients", "naive", "whole")))
        for measure in distances:
            cells.append(_medians(workload, measure, ("chance", "clients", "naive", "whole")))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _medians(workload: Workload, measure: str, traces: Sequence[str]) -> str:
    values = [known(workload, lambda piece, of=trace: piece["measures"][measure].get(of)) for trace in traces]
    return " / ".join(_short(statistics.median(one)) if one else "-" for one in values)


def _instances(workloads: Sequence[Workload]) -> list[str]:
    lines = [
        "| workload | requests/s | TTFT, s | instances needed | "
        + " | ".join(METHODS.values())
        + " | one instance: "
        + " | ".join(METHODS.values())
        + " |",
        "|---|" + "---:|" * (3 + 2 * len(METHODS)),
    ]
    for workload in workloads:
        rates = known(workload, lambda piece: piece["rate"])
        targets = known(workload, lambda piece: piece["ttft"])
        needed = known(workload, lambda piece: piece["instances"].get("actual"))
        cells = [workload["name"], _short(statistics.median(rates)), _range(targets), _range(needed)]
        for number in (over, capacity_over):
            for method in METHODS:
                values = known(workload, lambda piece, of=method, by=number: by(piece, of))
                cells.append(_percents(values))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _scaled(days: Sequence[dict[str, Any]]) -> list[str]:
    """By target, over the days: instances of each method over those that the actual clients need."""
    lines = [
        "| TTFT, s | days | actual: requests/s of one | client-based | NAIVE | NAIVE of the whole "
        "| behind a router: needed | actual at its rate | NAIVE |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for ttft in sorted({day["ttft"] for day in days}):
        rows = [day for day in days if day["ttft"] == ttft and day["rate_of_one"]["actual"] > 0]
        rates = [row["rate_of_one"] for row in rows]
        cells = [f"{ttft:g}", str(len(rows)), _range([rate["actual"] for rate in rates])]
        for method in ("clients", "naive", "whole"):
            cells.append(_ratios([rate["actual"] / rate[method] for rate in rates if rate[method] > 0]))
        routed = [row for row in rows if row["routed"]]
        cells.append(_range([float(row["routed"]) for row in routed]))
        for method in ("actual", "naive"):
            made = [(_instances_of(row, method), row["routed"]) for row in routed]
            cells.append(_ratios([number / needed for number, needed in made if number]))
        lines.append("| " + " | ".join(cells) + " |")
    return lines if len(lines) > 2 else []


def _instances_of(day: dict[str, Any], method: str) -> float:
    rate = day["rate_of_one"][method]
    return math.ceil(day["rate"] / rate) if rate > 0 else 0.0


def _ratios(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _grid(grid: tt.provision.Grid) -> list[str]:
    lines = [
        "| TTFT, s | TBT, s | actual | client-based | NAIVE |",
        "|---:|---:|---:|---:|---:|",
    ]
    for cell in grid.cells:
        cells = [f"{cell.ttft:g}", f"{cell.tbt:g}", "none" if cell.needed is None else str(cell.needed)]
        for method in ("clients", "naive"):
            made, percent = cell.instances[method], cell.over(method)
            told = "none" if made is None else str(made)
            cells.append(told if percent is None else f"{told} ({_percent(percent)})")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _short(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 10 else f"{value:.2f}"


def _whole(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.0f}"


def _range(values: Sequence[float]) -> str:
    """The median, with the least and the most where they differ."""
    if not values:
        return "-"
    low, high = min(values), max(values)
    middle = f"{statistics.median(values):.3g}"
    return middle if low == high else f"{middle} ({low:.3g} to {high:.3g})"


def _percents(values: Sequence[float]) -> str:
    if not values:
        return "-"
    low, high = min(values), max(values)
    middle = _percent(statistics.median(values))
    return middle if round(low) == round(high) else f"{middle} ({low:+.0f} to {high:+.0f})"


def _percent(value: float) -> str:
    return "0 %" if round(value) == 0 else f"{value:+.0f} %"


def draw(workloads: Sequence[Workload], path: Path) -> None:
    """Left: rate and mean length together. Right: instances too many or too few."""
    names = [workload["name"] for workload in workloads]
    with house_style():
        figure, axes = new_figure(1, 2, width=3.9, height=0.9 + 0.24 * len(names), sharey=True)
        left, right = axes[0]
        _panel(left, workloads, lambda piece, of: error(piece, "rate CV 10 s", of))
        left.set_xlabel("CV of the rate in 10 s: generated over actual, %")
        _panel(right, workloads, over)
        right.set_xlabel("instances too few (-) or too many (+), %")
        right.set_xscale("symlog", linthresh=100)
        ticks = [-50, 0, 50, 100, 1000]
        right.set_xticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
        left.set_yticks(range(len(names)), names)
        left.set_ylim(len(names) - 0.5, -0.5)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=4)
        save(figure, path)


def _panel(axis: Any, workloads: Sequence[Workload], number: Callable[[dict[str, Any], str], Number]) -> None:
    axis.axvline(0, color="#888888", linewidth=0.8)
    for place, (method, label) in enumerate(METHODS.items()):
        style = {"color": COLOURS[place], "marker": MARKERS[place]}
        for row, workload in enumerate(workloads):
            values = known(workload, lambda piece, of=method: number(piece, of))
            if not values:
                continue
            height = row + 0.18 * (place - 1.5)
            axis.plot([min(values), max(values)], [height, height], color=style["color"], linewidth=1)
            axis.plot([statistics.median(values)], [height], linestyle="", markersize=4, **style)
        axis.plot([], [], linestyle="", label=label, markersize=4, **style)
