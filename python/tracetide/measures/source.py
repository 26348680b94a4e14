"""Requests to measure: of a trace, a job or a profile, in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tracetide.base.errors import TraceError
from tracetide.base.grid import NS
from tracetide.base.wording import Option, Told
from tracetide.io.job_facts import facts_of
from tracetide.io.reading import TraceScan, scan
from tracetide.io.reading.origin import check_origin
from tracetide.job import Job
from tracetide.passes.clients import ClientCodes
from tracetide.passes.pieces import Grid, Piece, pieces
from tracetide.profile.bundled import is_profile
from tracetide.profile.load import load
from tracetide.profile.pool import ClientPool
from tracetide.trace import Requests, Trace

_GRID = Grid(600 * NS, 1 << 40)
"""Pieces end at windows; no epoch does."""


@dataclass(frozen=True)
class Source:
    """Something with requests.

    Attributes:
        name: of the file, the profile, or what it is.
        scan: its requests in a stream.
        client_names: by `client_id`, of a job; None where the trace tells names itself, or nothing.
        job: what makes the requests; None for a trace.
    """

    name: str
    scan: TraceScan
    client_names: Sequence[str] | None = None
    job: Job | None = None

    def codes(self, most: int) -> ClientCodes:
        """What tells clients apart: the column `client` or `client_id`, or nothing."""
        column = next((name for name in ("client", "client_id") if name in self.scan.columns), None)
        return ClientCodes(column, most=most, option="max_clients")

    def pieces(self, columns: Sequence[str], codes: ClientCodes | None = None) -> Iterator[Piece]:
        """The requests with those of `columns` that there are, cut where no batch size decides.

        Without `codes` all requests are of one client.

        Raises:
            TraceError: as the scan's; also for a request without a time.
            ValueError: for too many clients.
        """
        codes = ClientCodes(None, most=1) if codes is None else codes
        wanted = [name for name in self.scan.columns if name in {*columns, "timestamp", codes.column}]
        batches = _with_times(self.scan.batches(wanted), self.scan.origin)
        return pieces(batches, codes, _GRID, self.scan.origin)

    def names_of(self, codes: ClientCodes) -> list[str]:
        """The names of the clients, by code."""
        if self.client_names is None or codes.column != "client_id":
            return codes.names()
        return [self.client_names[int(number)] for number in codes.values]

    def duration(self, first_s: float, last_s: float, requests: int) -> float:
        """When the trace ends: as its job says, or one mean gap after the last request.

        Raises:
            TraceError: for a trace of one request or without duration, or one that does not begin near 0.
        """
        if requests < 2 or last_s <= first_s:
            raise TraceError(
                f"{self.scan.origin}: {requests:,} requests from {first_s:.9g} s to {last_s:.9g} s are not "
                "allowed; there must be two at different times"
            )
        check_origin(self.scan.origin, first_s, last_s)
        told = facts_of(self.scan.metadata).duration
        if told is not None and told > last_s:
            return told
        return last_s + (last_s - first_s) / (requests - 1)


def open_source(
    what: Any,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    rebase: bool = False,
    sort: bool = False,
    **job_options: Any,
) -> Source:
    """Open what has requests.

    Args:
        what: a trace (a file of any format, a `Trace`, a `TraceScan`, a data frame or other Arrow data), a
            `Job`, a `ClientPool`, or the name or file of a profile.
        format, columns, units, rebase, sort: of a trace, as for `tracetide.scan`.
        job_options: of a pool or a profile, as for `tracetide.Job`; None is the default.

    Raises:
        ValueError: for options that are not for it.
        TraceError, ProfileError, OSError: if it cannot be read.
    """
    reading: dict[str, Any] = {
        "format": format,
        "columns": columns,
        "units": units,
        "rebase": rebase,
        "sort": sort,
    }
    given = {name: value for name, value in job_options.items() if value is not None}
    if isinstance(what, ClientPool) or is_profile(what):
        _refuse(reading, "traces", what)
        what = Job(what if isinstance(what, ClientPool) else load(what), **given)
        given = {}
    if given:
        _refuse(given, "profiles", what)
    if isinstance(what, Job):
        _refuse(reading, "traces", what)
        return Source(what.pool.name, scan(what), what.pool.client_names, what)
    if isinstance(what, TraceScan):
        _refuse(reading, "what is not a TraceScan yet", what)
        return Source(_name(what), what)
    found = scan(what, **reading)
    if isinstance(what, Trace):
        found.metadata = found.metadata or what.metadata
    return Source(_name(found), found)


def _name(found: TraceScan) -> str:
    return "trace" if found.container == "memory" else Path(found.origin).name


def _refuse(options: Mapping[str, Any], whose: str, what: Any) -> None:
    names = [name for name, value in options.items() if value is not None and value is not False]
    if names:
        shown = what if isinstance(what, Requests | ClientPool | Job | TraceScan) else repr(str(what))
        raise ValueError(Told(Option(names[0]), f": not allowed for {shown}; it is for {whose}"))


def _with_times(batches: Iterator[pa.RecordBatch], origin: str) -> Iterator[pa.RecordBatch]:
    row = 0
    for batch in batches:
        times = batch.column("timestamp")
        if times.null_count:
            at = row + times.is_null().to_numpy(zero_copy_only=False).argmax()
            raise TraceError(
                f"{origin}: row {at + 1}, column 'timestamp': a request without a time is not allowed; later "
                "turns of a session need the time at which they arrived"
            )
        row += batch.num_rows
        yield batch
