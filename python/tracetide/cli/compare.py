"""`tracetide compare`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tracetide.cli.console import console, tell
from tracetide.cli.parameters import Json, Quiet, output_path
from tracetide.cli.reading import Reading
from tracetide.cli.warned import told_warnings

if TYPE_CHECKING:
    from tracetide.compare import TraceComparison


def compare(
    actual: Annotated[str, Parameter(name="ACTUAL")],
    generated: Annotated[tuple[str, ...], Parameter(name="GENERATED")],
    /,
    *,
    name: Annotated[
        list[str] | None,
        Parameter(negative="", help="What to call each trace, the actual one first; once for each."),
    ] = None,
    interval: Annotated[
        str | None,
        Parameter(help='Of rate and mean lengths: seconds, or "10s"; default: with 30 requests on average.'),
    ] = None,
    output: Annotated[
        str | None,
        Parameter(
            name=("--output", "-o"),
            allow_leading_hyphen=True,
            help="Also write the table: .csv, .parquet or .arrow.",
        ),
    ] = None,
    figure: Annotated[
        str | None, Parameter(help="Also draw figure 19: .png, .svg or .pdf; needs matplotlib.")
    ] = None,
    reading: Reading = Reading(),
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell how close generated traces are to an actual one: rates, burstiness, lengths, and distances.

    Options of reading, such as `--format`, are for ACTUAL.

    For example:

    `tracetide compare actual.parquet clients.parquet naive.parquet --figure figure19.png`

    `tracetide compare log.csv mine.parquet --format azure --interval 10s --json`

    Parameters
    ----------
    actual
        A trace of any format.
    generated
        One or more traces, or profiles, which send at their own rates.
    """
    from tracetide.base.durations import parse_duration
    from tracetide.charts.house_style import check_ending, check_matplotlib
    from tracetide.compare.comparison import check_names, compare_sources
    from tracetide.io.writing.table import check_table, write_table
    from tracetide.measures.source import open_source

    if not generated:
        raise ValueError("GENERATED: none is given; there must be a trace to compare with the actual one")
    check_names(name, 1 + len(generated), "--name")
    if output is not None:
        check_table(output_path(output))
    if figure is not None:
        check_ending(figure)
        check_matplotlib()
    with told_warnings(quiet=quiet):
        first = open_source(actual, **reading.options())
        others = [open_source(one) for one in generated]
    found = compare_sources(
        [first, *others],
        name,
        None if interval is None else parse_duration(interval, "--interval"),
    )
    if output is not None:
        write_table(found.table(), output)
    if figure is not None:
        found.draw(figure)
    if json_:
        print(json.dumps(found.to_dict(), indent=2))
    elif not quiet and output != "-":
        _render(found)
    for path in () if quiet else (output, figure):
        if path is not None and path != "-":
            tell(f"{path}: written")


def _render(found: TraceComparison) -> None:
    from rich.box import SIMPLE
    from rich.table import Table

    from tracetide.base.readable import number

    table = Table(box=SIMPLE, pad_edge=False, show_edge=False)
    table.add_column(f"intervals of {found.interval:g} s", no_wrap=True)
    for name in found.names:
        table.add_column(name, justify="right")
    for row in found.rows:
        table.add_row(row.measure + (f", {row.unit}" if row.unit else ""), *map(number, row.values))
    console().print(table)
    if found.has_coarse_clock:
        console().print(found.clock_note, style="dim", highlight=False)
