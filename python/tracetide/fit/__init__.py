"""Fitting a profile to a trace: clients, windows, gap families, lengths and correlations.

`fit` gives the pool, `fit_with_report` also how well it fits. `pieces` cuts the trace, `arrivals` and
`lengths` count, `families`, `gap_tables`, `rate_noise` and `parametric` estimate, `fitting` puts the profile
together, `dispersion` tries it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracetide.fit.report import FitReport, FitResult
    from tracetide.profile.pool import ClientPool

__all__ = ["FitReport", "FitResult", "fit", "fit_with_report"]


def fit(
    trace: str | os.PathLike[str] | Any,
    *,
    client: str | None = None,
    window: float | str = 600,
    epoch: float | str = 21600,
    lengths: str = "pmf",
    name: str | None = None,
    duration: float | str | None = None,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    rebase: bool = False,
    sort: bool = False,
    min_gaps: int = 20,
    max_gaps: int = 65536,
    min_lengths: int = 100,
    top_clients: int | None = None,
    max_clients: int = 1_000_000,
    max_values: int = 1 << 23,
    max_sessions: int = 1_000_000,
    max_blocks: int = 1 << 24,
    latent: int | str = "auto",
    sessions: bool | str = False,
    drop_empty: bool = False,
) -> ClientPool:
    """A pool of clients like those of a trace.

    The trace is gone through once, or twice where it has no clients, in bounded memory: see the page
    "Fitting" for what is kept.

    Args:
        trace: what `tracetide.scan` takes (a path, a data frame, a table, a `Trace`), or a `TraceScan`.
        client: the column that tells clients apart; "session" for its sessions, "whole" for one client. By
            default `client` or `client_id` where the trace has them, else one client.
        window: length of a window; seconds or a duration such as "10min".
        epoch: for how long lengths have one distribution; a multiple of `window`.
        lengths: "pmf" for the lengths as counted, "parametric" for Pareto and log-normal mixed (inputs) and
            Exponential (outputs).
        name: of the profile; by default that of the file.
        duration: when the trace ends. By default what the job says that made it, else one mean gap after the
            last request. It decides the rates of a last window that is not over.
        format, columns, units, rebase, sort: as for `tracetide.scan`.
        min_gaps: a window with fewer gaps between a client's requests has its family from pooled ones.
        max_gaps: of a client in a window, at most so many gaps are used for the family, evenly chosen.
        min_lengths: an epoch in which a client has fewer requests is counted together with the next. Latent
            clients have at least so many, and beyond so many a client's failed requests are a client.
        top_clients: keep so many with most requests, and make one client, "rest", of all others; the trace
            is then gone through twice.
        max_clients: more are an error.
        max_values: different lengths that are counted at a time, over all clients and fields; where there
            are more, lengths are put into bins.
        max_sessions, max_blocks: how many sessions and prompt blocks are followed for the provenance.
        latent: where the trace is one client, how many its requests are put into, by their lengths; "auto"
            for as many as their joint distribution tells, 1 for none. The trace is then gone through twice.
        sessions: whether the profile gets models of conversations (from `session_id`, or from prompts that
            share most of an earlier one, by `hash_ids`) and of system prompts (from `hash_ids`), of the first
            four million requests, for all clients alike. The trace is then gone through twice, and lengths
            are those of the requests that stand alone. Text such as "10min", of a trace with clients and
            neither of these columns: a client's requests less than that apart are a session.
        drop_empty: whether requests without input or without output, such as failed ones, are left out.
            Else they are clients of their own, and the profile makes as many of them.

    Raises:
        TraceError: a ValueError, for what is wrong in the trace, naming row and column; also for a trace
            of one request or without duration.
        ValueError: for a wrong option.
        OSError: if it cannot be read.

    Warns:
        EmptyRequestWarning: if there are such requests and they are not left out, with their share.
        DispersionWarning: if counts of requests in ten seconds vary, in what the profile makes, by a factor
            of more than 1.5 more or less than in the trace.
    """
    options = {key: value for key, value in locals().items() if key != "trace"}
    return _result(trace, options, with_ks=False).pool


def fit_with_report(trace: str | os.PathLike[str] | Any, **options: Any) -> FitResult:
    """A pool of clients like those of a trace, and how well every window fits: `(pool, report)`.

    The arguments and errors are those of `fit`.
    """
    return _result(trace, options, with_ks=True)


def _result(trace: Any, given: dict[str, Any], *, with_ks: bool) -> FitResult:
    import inspect

    from tracetide.fit.fitting import Fitting, name_of
    from tracetide.fit.options import Options
    from tracetide.fit.source import check_latent, open_trace

    signature = inspect.signature(fit)
    bound = signature.bind(trace, **given)
    bound.apply_defaults()
    options = dict(bound.arguments)
    options.pop("trace")
    name = options.pop("name")
    reading = {key: options.pop(key) for key in ("client", "format", "columns", "units", "rebase", "sort")}
    checked = Options.checked(**options)
    scan, column = open_trace(trace, **reading)
    check_latent(checked, column)
    fitting = Fitting(scan, column, checked, with_ks=with_ks)
    fitting.run()
    return fitting.result(name or name_of(scan))


def __getattr__(name: str) -> Any:
    if name in ("FitReport", "FitResult"):
        from tracetide.fit import report

        return getattr(report, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
