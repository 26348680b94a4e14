"""`tracetide upsample`."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from tracetide.cli.console import tell
from tracetide.cli.parameters import Positive, Quiet, output_path
from tracetide.cli.progress import size
from tracetide.cli.reading import Reading


def upsample(
    trace: Annotated[str, Parameter(name="TRACE")],
    output: Annotated[str, Parameter(name="OUTPUT", allow_leading_hyphen=True)],
    /,
    *,
    factor: Annotated[Positive, Parameter(help="How many times as many requests a second.")],
    method: Annotated[
        Literal["itt", "naive"],
        Parameter(help="itt keeps the times between turns, naive scales all gaps."),
    ] = "itt",
    compare: Annotated[
        str | None, Parameter(help="Also write a table of both methods: .csv, .parquet, .arrow, or -.")
    ] = None,
    figure: Annotated[
        str | None, Parameter(help="Also draw both methods: .png, .svg or .pdf; needs matplotlib.")
    ] = None,
    reading: Reading = Reading(),
    quiet: Quiet = False,
) -> None:
    """Write a trace at another rate, with whole conversations.

    For example:

    `tracetide upsample day.parquet busy.parquet --factor 3`

    `tracetide upsample chats.jsonl busy.csv --factor 3 --method naive --compare - --figure both.png`

    Parameters
    ----------
    trace
        A trace with `session_id`: native, or of another tool.
    output
        The native trace to write: `.parquet`, `.arrow`, `.csv` or `.jsonl`.
    """
    from tracetide.charts.house_style import check_ending
    from tracetide.io.writing import format_of
    from tracetide.io.writing.table import write_table
    from tracetide.trace.read import trace_of_scan
    from tracetide.upsampling import compare_upsampling
    from tracetide.upsampling import upsample as upsampled

    if figure is not None:
        check_ending(figure)
    target = output_path(output)
    format_of(target)
    source = trace_of_scan(reading.scan(trace))
    made = upsampled(source, factor, method=method)
    comparison = compare_upsampling(source, factor) if compare is not None or figure is not None else None
    written = made.write(target)
    if comparison is not None and compare is not None:
        write_table(comparison.table(), compare)
    if comparison is not None and figure is not None:
        comparison.draw(figure)
    if not quiet:
        tell(
            f"{target}: {written.rows:,} requests, {size(written.bytes)}, in "
            f"{made.timestamp[-1] - made.timestamp[0]:,.1f} s instead of "
            f"{source.timestamp[-1] - source.timestamp[0]:,.1f} s"
        )
