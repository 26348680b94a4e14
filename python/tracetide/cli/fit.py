"""`tracetide fit`."""

from __future__ import annotations

import os
import time
from typing import Annotated, Literal

from cyclopts import Parameter

from tracetide.base.durations import format_duration
from tracetide.cli.console import tell
from tracetide.cli.parameters import (
    Count,
    Quiet,
    WholeNumber,
    output_path,
)
from tracetide.cli.progress import size
from tracetide.cli.reading import Reading
from tracetide.cli.warned import told_warnings
from tracetide.io.writing.output import check_folder


def fit(
    trace: Annotated[str, Parameter(name="TRACE")],
    /,
    *,
    output: Annotated[
        str,
        Parameter(
            name=("--output", "-o"), allow_leading_hyphen=True, help="The profile to write, a `.tide` file."
        ),
    ],
    client: Annotated[
        str | None,
        Parameter(
            help="The column that tells clients apart; `session` for sessions, `whole` for one client. "
            "Default: `client` or `client_id` where there is one, else one client."
        ),
    ] = None,
    window: Annotated[str, Parameter(help='Length of a window: seconds, or "10min".')] = "600",
    epoch: Annotated[
        str, Parameter(help="For how long lengths have one distribution; a multiple of the window.")
    ] = "21600",
    lengths: Annotated[
        Literal["pmf", "parametric"],
        Parameter(help="Lengths as counted, or Pareto and log-normal (inputs) and Exponential (outputs)."),
    ] = "pmf",
    duration: Annotated[
        str | None,
        Parameter(help="When the trace ends; default: as its job says, or after the last request."),
    ] = None,
    top_clients: Annotated[
        Count | None, Parameter(help="Keep so many busiest clients; all others become one, `rest`.")
    ] = None,
    min_gaps: Annotated[
        Annotated[int, Parameter(converter=WholeNumber(2))],
        Parameter(help="Fewer gaps of a client in a window are pooled with those of its other windows."),
    ] = 20,
    min_lengths: Annotated[
        Count, Parameter(help="An epoch with fewer requests of a client is counted with the next.")
    ] = 100,
    latent: Annotated[
        Annotated[int, Parameter(converter=WholeNumber(1, 64))] | None,
        Parameter(
            help="Into how many clients a trace without any is put, by lengths; 1 for none. Default: as many "
            "as it tells."
        ),
    ] = None,
    sessions: Annotated[
        bool | str,
        Parameter(
            negative="",
            help="Fit conversations and system prompts too, where the trace has any. With an idle time, "
            '"10min": a client\'s requests less than that apart are a session.',
        ),
    ] = False,
    drop_empty: Annotated[
        bool, Parameter(negative="", help="Leave out requests without input or output, such as failed ones.")
    ] = False,
    report: Annotated[
        str | None, Parameter(help="A CSV file to write: how well each client and window fits.")
    ] = None,
    lengths_report: Annotated[
        str | None, Parameter(help="A CSV file to write: the distributions of lengths.")
    ] = None,
    reading: Reading = Reading(),
    quiet: Quiet = False,
) -> None:
    """Make a profile from a trace: clients, rates, burstiness, lengths and correlations.

    For example:

    `tracetide fit trace.parquet -o mine.tide`

    `tracetide fit log.csv --column timestamp=arrived --column input_tokens=prompt_len
    --column output_tokens=reply_len --unit ms --client user -o mine.tide --report fit.csv`

    Parameters
    ----------
    trace
        A native trace, one of another tool, or a table; Parquet, Arrow, CSV or JSON lines.
    """
    from tracetide.fit import fit as fit_only
    from tracetide.fit import fit_with_report

    target = output_path(output)
    if not target.endswith(".tide"):
        raise ValueError(f"--output: {target!r} is not allowed; a profile file must end in .tide")
    check_folder(target)
    options = {
        "client": client,
        "window": window,
        "epoch": epoch,
        "lengths": lengths,
        **reading.options(),
        "duration": duration,
        "top_clients": top_clients,
        "min_gaps": min_gaps,
        "min_lengths": min_lengths,
        "latent": "auto" if latent is None else latent,
        "sessions": sessions,
        "drop_empty": drop_empty,
    }
    started = time.monotonic()
    with told_warnings(quiet=quiet):
        if report is None and lengths_report is None:
            pool = fit_only(trace, **options)
        else:
            pool, found = fit_with_report(trace, **options)
            if report is not None:
                found.write(report)
            if lengths_report is not None:
                found.write_lengths(lengths_report)
        pool.write(target)
    if not quiet:
        tell(
            f"{target}: {pool.category} profile of {len(pool):,} clients, {format_duration(pool.period)}, "
            f"{size(os.path.getsize(target))}, from {pool.provenance['rows']:,} requests in "
            f"{time.monotonic() - started:.2f} s"
        )
