"""The tables of `fidelity.py`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from fidelity_figures import RATIOS, off

Results: TypeAlias = Mapping[str, Any]
Directions: TypeAlias = Sequence[Mapping[str, Any]]

COLUMNS = ("actual", "chance", "naive", "before", "now")
TITLES = {"naive": "NAIVE"}
SHOWN = (
    *RATIOS[:5],
    "empty 10 s",
    "load 10 s, peak/mean",
    "wait p99 at 0.6",
    "wait p99 at 0.8",
    "Wasserstein of counts 10 s",
    "joint ranks, L1",
    "long output, given a long input",
    "rate and output 3 s",
    "rate and output 10 s",
    "rate and output 60 s",
    "rate and input 10 s",
    "output autocorrelation 2-20",
    "input and output load 10 s",
    "KS input",
    "KS output",
    "mean |ln|",
    "mean |difference|",
)
"""Of the figures of halves; all are in the JSON."""


@dataclass(frozen=True)
class Limit:
    """A figure of two halves, and whether it is what it should be.

    Attributes:
        trace, figure: whose, and which.
        told: the limit, as it is shown.
        is_met: of the figures of both directions, actual and now.
    """

    trace: str
    figure: str
    told: str
    is_met: Callable[[Sequence[float], Sequence[float]], bool]


def _below(most: float) -> Callable[[Sequence[float], Sequence[float]], bool]:
    return lambda actual, now: float(np.mean(now)) <= most


def _within(low: float, high: float) -> Callable[[Sequence[float], Sequence[float]], bool]:
    """Of the actual figure, as a ratio, in the geometric mean of both directions."""
    return lambda actual, now: low <= math.exp(float(np.mean(np.log(np.divide(now, actual))))) <= high


def _apart(most: float) -> Callable[[Sequence[float], Sequence[float]], bool]:
    return lambda actual, now: float(np.mean(np.abs(np.subtract(now, actual)))) <= most


LIMITS = (
    Limit("Azure code", "mean |ln|", "at most 0.35", _below(0.35)),
    Limit("Azure code", "variance/mean 10 s", "0.7 to 1.4 of the actual", _within(0.7, 1.4)),
    Limit("Azure code", "empty 10 s", "within 0.12", _apart(0.12)),
    Limit("Azure code", "load 10 s, peak/mean", "at least 0.7 of the actual", _within(0.7, math.inf)),
    Limit("Azure conversation", "joint ranks, L1", "at most 0.35", _below(0.35)),
    Limit("Azure conversation", "rate and output 10 s", "within 0.12", _apart(0.12)),
    Limit("Azure conversation", "long output, given a long input", "at most 0.2", _below(0.2)),
    Limit("Azure conversation", "KS input", "at most 0.08", _below(0.08)),
    Limit("Azure conversation", "KS output", "at most 0.08", _below(0.08)),
)
NOT_WORSE = ("Mooncake conversation", "Mooncake synthetic")
"""Traces of which no figure may be farther off than before by more than its spread over seeds."""
HITS_WITHIN = {"Mooncake conversation": 0.03, "Mooncake synthetic": 0.08}
CLIENTS_WITHIN = 0.2
WAITS_KS, WAITS_WITHIN = 0.03, 0.08
NOISE_WITHIN, NOTHING_FOUND = 0.2, 0.9
STANDARD_ERRORS = 4
MORE_NS = 2.0
PEAK_WITHIN = 0.15
INSTANCES_WITHIN = 1
QUOTED_BEFORE = {
    "Mooncake conversation": "0.035 off*",
    "Mooncake synthetic": "0.367 off*",
    "wait and output before": "0*",
    "wait and own query": "0*",
    "m-large": "1.87*",
    "m-mid": "1.83*",
    "m-small": "2.07*",
    "deepseek-r1": "2.21*",
    "mm-image": "1.35*",
}
"""Measured when the model was designed, with what there was then; not measured again."""


def markdown(results: Results) -> str:
    """The limits, then what was measured, part by part."""
    tables = [
        _limits(results),
        *(_halves(name, found) for name, found in results.get("halves", {}).items()),
        *(_directions(name, found) for name, found in results.get("idle time", {}).items()),
        *(_directions(name, found) for name, found in results.get("think time", {}).items()),
        *(_hits(name, found) for name, found in results.get("hit rates", {}).items()),
        *(_round_trip(found) for found in results.get("round trip", {}).values()),
        _bundled(results.get("bundled", {})),
    ]
    return "\n".join(line for table in tables if table for line in (*table, ""))


def _limits(results: Results) -> list[str]:
    """One line for each limit, with chance and before beside what is now."""
    lines = [
        "| | limit | " + " | ".join(TITLES.get(name, name) for name in COLUMNS) + " | |",
        "|---|---|" + "---|" * len(COLUMNS) + "---|",
    ]
    halves = results.get("halves", {})
    for limit in LIMITS:
        if limit.trace in halves:
            both = halves[limit.trace]
            now, actual = (_values(both, name, limit.figure) for name in ("now", "actual"))
            is_met = limit.is_met(actual, now)
            what = f"{limit.trace}: {_escaped(limit.figure)}"
            lines.append(_line(what, limit.told, both, limit.figure, is_met))
    for name in NOT_WORSE:
        if name in halves:
            lines.append(_not_worse(name, halves[name]))
    for name, found in results.get("hit rates", {}).items():
        apart = float(np.abs(np.subtract(found["now"], found["actual"])).max())
        most = HITS_WITHIN[name]
        told = {"before": QUOTED_BEFORE[name], "now": f"{apart:.3f} off"}
        lines.append(_told(f"{name}: hit rate", f"within {most}", told, apart <= most))
    lines += _of_users(results)
    lines += _of_model(results)
    return lines


def _values(both: Directions, column: str, figure: str) -> list[float]:
    return [one[column].get(figure, math.nan) for one in both]


def _cell(both: Directions, column: str, figure: str) -> str:
    values = [one[column][figure] for one in both if figure in one.get(column, {})]
    return " / ".join(_short(value) for value in values)


def _line(what: str, limit: str, both: Directions, figure: str, is_met: bool) -> str:
    return _told(what, limit, {name: _cell(both, name, figure) for name in COLUMNS}, is_met)


def _told(what: str, limit: str, cells: Mapping[str, str], is_met: bool) -> str:
    shown = " | ".join(cells.get(name, "") for name in COLUMNS)
    return f"| {what} | {limit} | {shown} | {'met' if is_met else '**not met**'} |"


def _not_worse(name: str, both: Directions) -> str:
    """How many of the ratios are farther off than before; both directions averaged."""
    worse = [figure for figure in RATIOS if figure in both[0]["actual"] and _is_worse(both, figure)]
    cells = {column: _cell(both, column, "mean |ln|") for column in COLUMNS}
    cells["now"] += f"; farther off: {', '.join(worse) or 'none'}"
    return _told(f"{name}: {_escaped('mean |ln|')}", "no figure farther off than before", cells, not worse)


def _is_worse(both: Directions, figure: str) -> bool:
    now, before = (
        float(np.mean([off(one[column], one["actual"], figure) for one in both]))
        for column in ("now", "before")
    )
    spread = np.mean([one["spread"]["now"][figure] / max(one["now"][figure], 1e-9) for one in both])
    return now - before > float(spread)


@dataclass(frozen=True)
class Worst:
    """Of several figures the one that is farthest off, as a share of the actual; both directions averaged."""

    figure: str
    apart: float

    def __str__(self) -> str:
        return f"{self.figure}: {self.apart:.0%} off"


def _worst(both: Directions, column: str) -> Worst:
    found = [
        Worst(name, float(np.mean([abs(one[column][name] / one["actual"][name] - 1) for one in both])))
        for name in both[0]["actual"]
    ]
    return max(found, key=lambda worst: worst.apart)


def _of_users(results: Results) -> list[str]:
    lines = []
    for name, both in results.get("idle time", {}).items():
        chance, before = (_worst(both, method) for method in ("chance", "before"))
        for method in (column for column in both[0] if column.startswith("now")):
            now = _worst(both, method)
            told = {"chance": str(chance), "before": str(before), "now": str(now)}
            what = f"{name}: gaps of clients, windows of {method.removeprefix('now, ')}"
            is_met = now.apart <= CLIENTS_WITHIN
            lines.append(_told(what, f"all within {CLIENTS_WITHIN:.0%}", told, is_met))
    for name, both in results.get("think time", {}).items():
        ks = "KS of waits"
        is_met = _below(WAITS_KS)(_values(both, "actual", ks), _values(both, "now", ks))
        lines.append(_line(f"{name}: {ks}", f"at most {WAITS_KS}", both, ks, is_met))
        for figure in ("wait and output before", "wait and own query"):
            is_met = _apart(WAITS_WITHIN)(_values(both, "actual", figure), _values(both, "now", figure))
            cells = {column: _cell(both, column, figure) for column in COLUMNS}
            cells["before"] = QUOTED_BEFORE[figure]
            lines.append(_told(f"{name}: {figure}", f"within {WAITS_WITHIN}", cells, is_met))
    return lines


def _of_model(results: Results) -> list[str]:
    lines = []
    for found in results.get("round trip", {}).values():
        for law, one in found["laws"].items():
            ratios = [one[f"variance/mean {scale} s"] for scale in (10, 60)]
            told = {"now": " / ".join(f"{ratio:.2f}" for ratio in ratios)}
            is_met = all(abs(ratio - 1) <= NOISE_WITHIN for ratio in ratios)
            what = f"known noise, {law}: variance/mean of 10 s / 60 s, made over actual"
            lines.append(_told(what, f"within {NOISE_WITHIN:.0%}", told, is_met))
            told = {"now": f"{one['nothing found']} of {one['without noise']}"}
            is_met = one["nothing found"] >= NOTHING_FOUND * one["without noise"]
            lines.append(_told(f"no noise, {law}: none found", "in 9 of 10", told, is_met))
    for name, found in results.get("bundled", {}).items():
        peaks = [found[of]["peak/mean"] for of in ("published", "bundled")]
        told = {"actual": f"{peaks[0]:.2f}", "before": QUOTED_BEFORE[name], "now": f"{peaks[1]:.2f}"}
        is_met = abs(peaks[1] / peaks[0] - 1) <= PEAK_WITHIN
        what = f"{name}, bundled: peak/mean of 10 min"
        lines.append(_told(what, f"within {PEAK_WITHIN:.0%}", told, is_met))
    for found in results.get("spike", {}).values():
        low, high = found["totals"]
        told = {"now": f"{found['largest deviation']:.1f}; totals {low} to {high}"}
        is_met = found["largest deviation"] <= STANDARD_ERRORS and high - low <= 1
        what = f"a spike with noise, {found['windows']:,} windows: largest deviation in standard errors"
        lines.append(_told(what, f"at most {STANDARD_ERRORS}; totals exact", told, is_met))
    for name, found in results.get("speed", {}).items():
        told = {"now": f"{found['more']:+.1f} ({found['without']:.1f} to {found['with']:.1f})"}
        is_met = found["more"] <= MORE_NS
        what = f"{name}, all clients with noise: ns/request more"
        lines.append(_told(what, f"at most {MORE_NS:g}", told, is_met))
    for name, found in results.get("instances", {}).items():
        cells = {"actual": str(found["actual"])}
        cells |= {method: _range(found[method]) for method in ("naive", "before", "now")}
        is_met = abs(float(np.median(found["now"])) - found["actual"]) <= INSTANCES_WITHIN
        lines.append(_told(f"{name}: instances needed", f"within {INSTANCES_WITHIN}", cells, is_met))
    return lines


def _halves(name: str, both: Directions) -> list[str]:
    clients = " and ".join(str(one["clients"]) for one in both)
    titles = " | ".join(TITLES.get(column, column) for column in COLUMNS)
    lines = [f"| {name} ({clients} clients) | {titles} |", "|---|" + "---|" * len(COLUMNS)]
    for figure in SHOWN:
        if any(figure in one["now"] for one in both):
            cells = " | ".join(_cell(both, column, figure) for column in COLUMNS)
            lines.append(f"| {_escaped(figure)} | {cells} |")
    return lines


def _directions(name: str, both: Directions) -> list[str]:
    columns = list(both[0])
    lines = [f"| {name} | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for figure in both[0]["actual"]:
        cells = " | ".join(_cell(both, column, figure) for column in columns)
        lines.append(f"| {figure} | {cells} |")
    return lines


def _hits(name: str, found: Results) -> list[str]:
    caches = " | ".join(f"{size:,}" for size in found["caches"])
    lines = [f"| {name}, hit rate with a cache of | {caches} |", "|---|" + "---|" * len(found["caches"])]
    for column in ("actual", "now"):
        lines.append(f"| {column} | {' | '.join(f'{rate:.1%}' for rate in found[column])} |")
    return lines


def _round_trip(found: Results) -> list[str]:
    lines = [
        f"| noise of rho {found['rho']:g}, {found['levels']} levels | rho found | levels found |",
        "|---|---|---|",
    ]
    for law, one in found["laws"].items():
        lines.append(f"| {law} | {one['rho']:.2f} | {one['levels']:g} |")
    return lines


def _bundled(found: Results) -> list[str]:
    if not found:
        return []
    lines = [
        "| bundled | peak/mean of 10 min, published | generated | within the hour, published | generated |",
        "|---|---|---|---|---|",
    ]
    for name, one in found.items():
        cells = [
            f"{one[of][figure]:.3f}"
            for figure in ("peak/mean", "within the hour")
            for of in ("published", "bundled")
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _range(values: Sequence[int]) -> str:
    """The median, with the least and the most where they differ."""
    low, high, middle = min(values), max(values), float(np.median(values))
    return f"{middle:g}" if low == high else f"{middle:g} ({low} to {high})"


def _escaped(figure: str) -> str:
    """In a table."""
    return figure.replace("|", "\\|")


def _short(value: float) -> str:
    if abs(value) >= 10:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 2 else f"{value:.2f}"
