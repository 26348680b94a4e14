"""`tracetide convert`."""

from __future__ import annotations

import time
from typing import Annotated

from cyclopts import Parameter

from tracetide.cli.parameters import (
    BlockSize,
    Columns,
    Format,
    HashIds,
    Json,
    Quiet,
    Threads,
    Unit,
    output_path,
    parse_columns,
    parse_unit,
)
from tracetide.cli.progress import ProgressBar
from tracetide.cli.written import check_json, report_written
from tracetide.formats import format_of


def convert(
    trace: Annotated[str, Parameter(name="TRACE")],
    output: Annotated[str, Parameter(name="OUTPUT", allow_leading_hyphen=True)],
    /,
    *,
    format: Format = None,
    from_: Annotated[
        str | None, Parameter(name="--from", help="The format of TRACE, whatever its columns.")
    ] = None,
    column: Columns = None,
    unit: Unit = None,
    rebase: Annotated[bool, Parameter(negative="", help="Count times from the first request.")] = False,
    sort: Annotated[
        bool, Parameter(negative="", help="Put rows into the order of their times, in memory.")
    ] = False,
    drop_empty: Annotated[
        bool, Parameter(negative="", help="Leave out requests without input or output.")
    ] = False,
    hash_ids: HashIds = True,
    block_size: Annotated[
        BlockSize, Parameter(help="Tokens of a block of `hash_ids`; 0: as the format expects.")
    ] = 0,
    threads: Threads = 0,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a trace in another format.

    For example:

    `tracetide convert azure.csv trace.jsonl --format mooncake`

    `tracetide convert log.csv trace.csv --column timestamp=arrived --column input_tokens=prompt_len
    --column output_tokens=reply_len --unit ms --sort --format vidur`

    Parameters
    ----------
    trace
        A native trace, one of another tool, or a table; Parquet, Arrow, CSV or JSON lines.
    output
        The file to write; its ending chooses the format. `-` is standard output.
    """
    from tracetide.conversion import convert as convert_trace

    target = output_path(output)
    chosen = format_of(target, format)
    check_json(target, as_json=json_)
    started = time.monotonic()
    with ProgressBar(0, show=not quiet, warnings=[]) as bar:
        written = convert_trace(
            trace,
            target,
            format=chosen.name,
            source_format=from_,
            columns=parse_columns(column),
            units=parse_unit(unit),
            rebase=rebase,
            sort=sort,
            drop_empty=drop_empty,
            hash_ids=hash_ids,
            block_size=block_size,
            threads=threads,
            progress=bar.update,
        )
    report_written(
        target,
        chosen,
        written,
        time.monotonic() - started,
        hash_ids=hash_ids,
        block_size=block_size,
        as_json=json_,
        quiet=quiet,
    )
