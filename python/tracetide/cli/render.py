"""Descriptions for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tracetide.base.durations import format_duration
from tracetide.base.readable import number, printable
from tracetide.cli.console import console
from tracetide.describe import Description
from tracetide.measures.burstiness import NOT_STATIONARY

if TYPE_CHECKING:
    from rich.table import Table

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII_BLOCKS = "_.-:=+*#"
_WIDTH = 56
_ENOUGH = 5
_LIKE = 0.05
"""CVs that differ by less are not told twice."""


def sparkline(values: Sequence[float], width: int = _WIDTH, blocks: str = _BLOCKS) -> str:
    """Values from 0 up as a line of at most `width` blocks, each the mean of the values it stands for."""
    if not values:
        return ""
    pieces = np.array_split(np.asarray(values, dtype=np.float64), min(width, len(values)))
    means = np.array([piece.mean() for piece in pieces])
    top = means.max()
    levels = np.zeros(means.size) if top <= 0 else means / top * (len(blocks) - 1)
    return "".join(blocks[round(level)] for level in levels.tolist())


def render(found: Description) -> None:
    """Print a description on standard output."""
    from rich.text import Text

    out = console()
    out.print(Text(printable(found.name), "bold"), f": {_kind(found)}", sep="")
    out.print(_facts(found, is_ascii=out.options.ascii_only))
    if found.top:
        out.print("", _top_clients(found), sep="\n")
    if found.lengths:
        out.print("", _lengths(found), sep="\n")


def _kind(found: Description) -> str:
    return f"{found.category} {found.kind}"


def _facts(found: Description, *, is_ascii: bool) -> Table:
    table = _table()
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.show_header = False
    for name, text in _fact_rows(found, is_ascii=is_ascii):
        table.add_row(name, text)
    return table


def _fact_rows(found: Description, *, is_ascii: bool) -> list[tuple[str, str]]:
    rate = found.rate
    idle = found.clients - found.active_clients
    rows = [
        ("clients", f"{found.clients:,}" + (f", {idle:,} of them idle" if idle else "")),
        ("duration", format_duration(found.duration)),
        ("requests", f"{found.requests:,.0f}{_without_time(found)}"),
        ("rate", f"{number(rate.mean)} requests/s on average, {number(rate.lowest)} to {number(rate.peak)}"),
        ("", sparkline(rate.rates, blocks=_ASCII_BLOCKS if is_ascii else _BLOCKS)),
        ("top clients", ", ".join(f"{share:.1%} by {n}" for n, share in found.top_shares.items())),
        (
            "burstiness",
            _burstiness(found.burstiness, found.details.get("stationarity", "")),
        ),
        *_more_burstiness(found),
    ]
    if found.families:
        rows.append(
            ("gaps", ", ".join(f"{share:.0%} {name}" for name, share in found.families.items() if share))
        )
    kept = found.details.get("kept")
    if kept:
        clients = f"{kept['clients']:,} of {kept['of_clients']:,} clients"
        rows.append(("kept", f"{clients}, {kept['requests']:.2%} of the requests"))
    if found.left_out:
        some = ", ".join(found.left_out[:_ENOUGH]) + (", ..." if len(found.left_out) > _ENOUGH else "")
        rows.append(("left out", f"{len(found.left_out)} without distributions ({some}), "
                                 f"{found.left_out_share:.2%} of the requests"))  # fmt: skip
    source = found.details.get("provenance", {}).get("source")
    if source:
        rows.append(("source", str(source)))
    sessions = found.details.get("sessions")
    if sessions:
        rows.append(
            ("sessions", f"{sessions['share']:.1%} of the requests, {sessions['turns_mean']:.3g} turns each")
        )
        rows.extend(_lengths_in_sessions(sessions))
    if "prefixes_share" in found.details:
        rows.append(("prefixes", f"{found.details['prefixes_share']:.1%} of the requests"))
    prefixes = found.details.get("prefixes")
    if prefixes:
        rows.append(("prefixes", _prefixes(prefixes)))
    job = found.details.get("job", {})
    if job:
        profile = job.get("profile", {}).get("name")
        rows.append(("made from", f"{profile}, seed {job.get('seed')}, counts {job.get('counts')}"))
    return rows


def _lengths_in_sessions(sessions: dict[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    tokens = (("wait_output", "token of the output before"), ("wait_tokens", "new token"))
    growth = [f"{sessions[name]:.3%} a {what}" for name, what in tokens if name in sessions]
    if growth:
        rows.append(("think time", f"grows by {', '.join(growth)}"))
    if "persistence" in sessions:
        of = sessions["persistence"].items()
        lasting = [f"{name} {pair['share']:.2f} (x {pair['memory']:.2f} a turn)" for name, pair in of]
        rows.append(("lengths last", ", ".join(lasting)))
    return rows


def _without_time(found: Description) -> str:
    without = found.details.get("without_time", 0)
    return f", {without:,} of them later turns without a time, which rates leave out" if without else ""


def _prefixes(found: dict[str, Any]) -> str:
    caches = ", ".join(f"{rate:.1%} of {int(size):,}" for size, rate in found["hit_rates"].items())
    levels = ", ".join(f"{share:.1%} {name}" for name, share in found.get("hits_by_level", {}).items())
    tokens = f" of {found['block_size']:,} tokens" if "block_size" in found else ""
    return (
        f"{found['blocks']:,} blocks{tokens}, {found['different_blocks']:,} different; "
        f"{found['hit_rate']:.1%} hits of a cache of all{f' ({levels})' if levels else ''}, "
        f"LRU: {caches} blocks"
    )


def _more_burstiness(found: Description) -> list[tuple[str, str]]:
    """Of a profile: what was recorded, where it is another, and how rates move inside windows."""
    rows: list[tuple[str, str]] = []
    recorded = found.details.get("recorded_burstiness")
    if recorded is not None:
        is_like = [
            abs(recorded[name] - value) <= _LIKE * max(abs(value), abs(recorded[name]))
            for name, value in found.burstiness.items()
        ]
        if not all(is_like):
            rows.append(("", f"as recorded: {_cvs(recorded)}"))
    noise = found.details.get("modulation")
    if noise is not None:
        rows.append(
            (
                "rate noise",
                f"inside windows, of clients with {noise['share']:.1%} of the requests: rho "
                f"{number(noise['rho'])}, {number(noise['levels'])} levels on average",
            )
        )
    return rows


def _burstiness(found: dict[str, float], stationarity: str) -> str:
    if "cv" in found:
        cv, dispersion = number(found["cv"]), number(found["dispersion"])
        shifts = f", the rate shifts by {found['rate_shift']:.0%}" if stationarity == NOT_STATIONARY else ""
        step = found["dispersion_step"]
        per = "second" if step == 1 else format_duration(step)
        return (
            f"CV of gaps {cv} within {format_duration(found['window'])}, index of dispersion per {per} "
            f"{dispersion}; stationarity: {stationarity}{shifts}"
        )
    return f"CV of clients' gaps by rate: {_cvs(found)}"


def _cvs(found: dict[str, float]) -> str:
    mean, low, middle, high = (number(found[f"cv_{name}"]) for name in ("mean", "p10", "p50", "p90"))
    return f"mean {mean}, 10 % {low}, 50 % {middle}, 90 % {high}"


def _top_clients(found: Description) -> Table:
    table = _table()
    for heading in ("client", "share", "requests/s", "CV of gaps"):
        table.add_column(heading, justify="left" if heading == "client" else "right")
    for client in found.top:
        table.add_row(client.name, f"{client.share:.1%}", number(client.rate), number(client.cv))
    return table


def _lengths(found: Description) -> Table:
    table = _table()
    for heading in ("per request", "mean", "50 %", "90 %", "99 %", "highest"):
        table.add_column(heading, justify="left" if heading == "per request" else "right")
    for field in found.lengths:
        table.add_row(
            field.name, *(number(v) for v in (field.mean, field.p50, field.p90, field.p99, field.highest))
        )
    return table


def _table() -> Table:
    from rich.box import SIMPLE
    from rich.table import Table

    return Table(box=SIMPLE, pad_edge=False, show_edge=False)
