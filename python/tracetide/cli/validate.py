"""`tracetide validate`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from tracetide.base.readable import printable
from tracetide.cli.outcome import Refused
from tracetide.cli.parameters import BlockSize, Json, Quiet, Whole
from tracetide.cli.reading import Columns
from tracetide.cli.words import said
from tracetide.io.formats.tools import TOOLS


def validate(
    trace: Annotated[str, Parameter(name="TRACE")],
    /,
    *,
    for_: Annotated[
        list[str] | None,
        Parameter(
            name="--for",
            negative="",
            help=f"Whose rules: {', '.join(TOOLS)}; several with commas. Default: all that read the format.",
        ),
    ] = None,
    columns: Columns = Columns(),
    block_size: Annotated[
        BlockSize,
        Parameter(
            name=("--from-block-size", "--block-size"),
            help="Tokens of a block of the trace's `hash_ids`; 0: as its job or its format has them.",
        ),
    ] = 0,
    limit: Annotated[Whole, Parameter(help="How many findings of each rule are shown.")] = 20,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check a trace file against the rules of the tools that read its format.

    The exit code is 0 if all are kept, and 2 if not.

    For example:

    `tracetide validate trace.jsonl`

    `tracetide validate trace.jsonl --for aiperf,guidellm --json`

    Parameters
    ----------
    trace
        A trace file of any format, a data set, or a ServeGen folder.
    """
    from tracetide.validation import validate as validate_trace

    tools = [tool.strip() for entry in for_ or [] for tool in entry.split(",")] or None
    report = validate_trace(
        trace,
        tools=tools,
        **columns.options(),
        block_size=block_size,
        limit=limit,
    )
    if json_:
        print(json.dumps(report.to_dict(), indent=2))
    elif not quiet:
        for finding in report.findings:
            print(printable(f"{trace}: {replace(finding, message=said(finding.message))}"))
        for rule, count in report.counts.items():
            hidden = count - sum(finding.rule == rule for finding in report.findings)
            if hidden:
                print(printable(f"{trace}: {rule}: {hidden:,} more rows"))
        verdict = "valid" if report.is_valid else "not valid"
        read = "" if report.complete else ", read in part"
        told = f"{report.format}, {report.rows:,} rows{read}: {verdict} for {', '.join(report.tools)}"
        print(printable(f"{trace}: {told}"))
    if not report.is_valid:
        raise Refused
