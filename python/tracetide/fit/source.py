"""The trace that is fitted, and the column that tells its clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.compute as pc

from tracetide.base.wording import Option, Told
from tracetide.columns import CATEGORY_COLUMNS
from tracetide.fit.options import Options
from tracetide.io.reading import TraceScan, scan
from tracetide.io.reading.fields import NATIVE, not_empty
from tracetide.io.reading.open_source import open_source
from tracetide.passes.clients import ClientCodes

SESSION = "session"
WHOLE = "whole"


def open_trace(
    trace: Any,
    *,
    client: str | None,
    format: str | None,
    columns: Mapping[str, str] | None,
    units: Mapping[str, str] | None,
    rebase: bool,
    sort: bool,
) -> tuple[TraceScan, str | None]:
    """A scan of the trace, and the name in it of the column of clients, or None for one client.

    Raises:
        ValueError: for arguments that do not go together.
        TraceError: for a file that is no trace, or has no such column.
    """
    if isinstance(trace, TraceScan):
        if format is not None or columns or units or rebase or sort:
            raise ValueError(
                "format, columns, units, rebase, sort: a TraceScan has its own; give them to scan"
            )
        return trace, _column(trace, client)
    source = open_source(trace)  # once, as a pipe can be read only once
    found = scan(source, format=format, columns=columns, units=units, rebase=rebase, sort=sort)
    if client in (None, SESSION, WHOLE) or (client in NATIVE and client in found.columns):
        return found, _column(found, client)
    if columns and "client" in columns:
        raise ValueError(
            Told(
                Option("client"),
                f": {client!r} is not allowed beside ",
                Option("columns", {"client": ...}),
                "; give one of them",
            )
        )
    named = {**(columns or {}), "client": str(client)}
    return scan(source, format=format, columns=named, units=units, rebase=rebase, sort=sort), "client"


def _column(found: TraceScan, client: str | None) -> str | None:
    if client == WHOLE:
        return None
    if client is None:
        return next((name for name in ("client", "client_id") if name in found.columns), None)
    name = "session_id" if client == SESSION else client
    if name not in found.columns:
        raise ValueError(
            f"client: {client!r} is not allowed; {found.origin} has the columns {', '.join(found.columns)}"
        )
    return name


def codes_of(
    found: TraceScan, column: str | None, *, top: int | None, most: int, drop_empty: bool
) -> ClientCodes:
    """The clients' codes. With `top`, the trace is gone through once to find the busiest clients."""
    if column is None or top is None:
        return ClientCodes(column, most=most)
    requests: Counter[Any] = Counter()
    for batch in found.batches([column, "input_tokens", "output_tokens"]):
        if drop_empty:
            batch = batch.filter(not_empty(batch))
        found_values = pc.value_counts(batch.column(column))
        counts = found_values.field("counts").to_pylist()
        for value, count in zip(found_values.field("values").to_pylist(), counts, strict=True):
            requests[value] += count
        if len(requests) > 10 * most:
            raise ValueError(
                Told(
                    Option("client"),
                    f": column {column!r} has more than {10 * most:,} values, which is not allowed; raise ",
                    Option("max_clients"),
                )
            )
    # `most_common` keeps the order of first appearance among equals.
    kept = {value: code for code, (value, _) in enumerate(requests.most_common(top))}
    return ClientCodes(column, most=most, kept=kept)


def check_latent(options: Options, column: str | None) -> None:
    """Refuse latent clients beside those of a column.

    Raises:
        ValueError: naming what is allowed.
    """
    if column is not None and (options.latent_clients or 1) > 1:
        raise ValueError(
            Told(
                Option("latent"),
                f": {options.latent} is not allowed, as the clients are those of column {column!r}; ",
                Option("client", WHOLE),
                " leaves them out",
            )
        )


def columns_of(found: TraceScan, client: str | None) -> Sequence[str]:
    """The columns that a fit reads."""
    wanted = {"timestamp", "input_tokens", "output_tokens", "session_id", "hash_ids", client}
    wanted |= {*CATEGORY_COLUMNS[found.category]}
    return [name for name in found.columns if name in wanted]
