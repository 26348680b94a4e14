"""`tracetide windows`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from tracetide.cli.console import tell
from tracetide.cli.narrowing import Filters, Top, narrowed
from tracetide.cli.parameters import Quiet, Span, output_path
from tracetide.cli.warned import told_warnings
from tracetide.io.writing import STDOUT
from tracetide.io.writing.table import write_table
from tracetide.profile.load import load


def windows(
    profile: Annotated[str, Parameter(name="PROFILE")],
    /,
    *,
    output: Annotated[
        str,
        Parameter(
            name=("--output", "-o"),
            allow_leading_hyphen=True,
            help="The file to write: `.csv`, `.parquet` or `.arrow`; `-` is standard output, CSV.",
        ),
    ] = STDOUT,
    cdfs: Annotated[
        bool, Parameter(negative="", help="Distributions across clients instead, window by window.")
    ] = False,
    span: Span = None,
    filter: Filters = None,
    top: Top = None,
    quiet: Quiet = False,
) -> None:
    """Write what every client of a profile does in every window: rate, burstiness, statistics of lengths.

    For example:

    `tracetide windows m-small --span 18:00..19:00 --top 5`

    `tracetide windows m-small --filter cv=2.. -o bursty.parquet`

    Parameters
    ----------
    profile
        A bundled name, a `.tide` file, a workload (`.toml`, `.yaml`), or a ServeGen model folder.
    """
    target = output_path(output)
    with told_warnings(quiet=quiet):
        pool = narrowed(load(profile), span, filter, top)
        table = pool.cdfs() if cdfs else pool.windows()
        write_table(table, target)
    if not quiet and target != STDOUT:
        tell(f"{target}: {table.num_rows:,} rows")
