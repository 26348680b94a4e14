"""`tracetide convert`."""

from __future__ import annotations

import time
from typing import Annotated

from cyclopts import Parameter

from tracetide.cli.parameters import (
    BlockSize,
    Format,
    HashIds,
    Json,
    Quiet,
    Threads,
    output_path,
)
from tracetide.cli.progress import ProgressBar
from tracetide.cli.reading import FromBlockSize, ReadingBesideFormat
from tracetide.cli.written import check_json, report_written
from tracetide.io.writing import format_of


def convert(
    trace: Annotated[str, Parameter(name="TRACE")],
    output: Annotated[str, Parameter(name="OUTPUT", allow_leading_hyphen=True)],
    /,
    *,
    format: Format = None,
    reading: ReadingBesideFormat = ReadingBesideFormat(),
    from_block_size: FromBlockSize = 0,
    drop_empty: Annotated[
        bool, Parameter(negative="", help="Leave out requests without input or output.")
    ] = False,
    hash_ids: HashIds = True,
    block_size: Annotated[
        BlockSize, Parameter(help="Tokens of a block of `hash_ids` in OUTPUT; 0: as its format expects.")
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

    `tracetide convert small.jsonl trace.jsonl --from-block-size 64 --format mooncake`

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
    scan = reading.scan(trace, block_size=from_block_size)
    started = time.monotonic()
    with ProgressBar(0, show=not quiet, warnings=[]) as bar:
        written = convert_trace(
            scan,
            target,
            format=format,
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
        category=scan.category,
        as_json=json_,
        quiet=quiet,
    )
