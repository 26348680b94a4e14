"""`tracetide describe`."""

from __future__ import annotations

import json
import os
from typing import Annotated

from cyclopts import Parameter

from tracetide.cli.narrowing import Filters, Top, narrowed
from tracetide.cli.parameters import Json, Span, WholeNumber
from tracetide.cli.reading import FromBlockSize, Reading, is_trace
from tracetide.cli.warned import told_warnings
from tracetide.profile.load import load


def describe(
    what: Annotated[str, Parameter(name="WHAT")],
    /,
    *,
    span: Span = None,
    filter: Filters = None,
    top: Top = None,
    cache_blocks: Annotated[
        list[int] | None,
        Parameter(
            converter=WholeNumber(1),
            negative="",
            help="Size of a prefix cache, for traces with hash ids; several times.",
        ),
    ] = None,
    reading: Reading = Reading(),
    from_block_size: FromBlockSize = 0,
    json_: Json = False,
) -> None:
    """Show clients, rates, burstiness and lengths of a profile or a trace.

    For example:

    `tracetide describe m-small --span 18:00..19:00`

    `tracetide describe log.csv --column timestamp=arrived --column input_tokens=prompt_len
    --column output_tokens=reply_len --unit ms --rebase`

    Parameters
    ----------
    what
        A bundled name, a `.tide` file, a workload (`.toml`, `.yaml`), a ServeGen model folder, or a
        trace file, native or of another tool.
    """
    if is_trace(what):
        from tracetide.describe.trace import describe_trace
        from tracetide.measures.prefixes import DEFAULT_SIZES

        if span is not None or filter or top is not None:
            raise ValueError(
                f"--span, --filter and --top: not allowed; they are for profiles, and {what!r} is a trace"
            )
        trace = reading.scan(what, block_size=from_block_size)
        name = os.path.basename(what)
        found = describe_trace(trace, name, cache_blocks=cache_blocks or DEFAULT_SIZES)
    else:
        from tracetide.describe.pool import describe_pool

        with told_warnings(quiet=False):
            pool = load(what)
            reading.refuse_for(what, block_size=from_block_size)
            found = describe_pool(narrowed(pool, span, filter, top))
    if json_:
        print(json.dumps(found.to_dict(), indent=2))
    else:
        from tracetide.cli.render import render

        render(found)
