"""`tracetide describe`."""

from __future__ import annotations

import json
import os
from typing import Annotated

from cyclopts import Parameter

from tracetide.cli.narrowing import Filters, Top, narrowed
from tracetide.cli.parameters import Json, Span, WholeNumber
from tracetide.clientpool import load
from tracetide.describe import Description
from tracetide.formats import format_of


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
    json_: Json = False,
) -> None:
    """Show clients, rates, burstiness and lengths of a profile or a trace.

    Parameters
    ----------
    what
        A bundled name, a `.tide` file, a workload (`.toml`, `.yaml`), a ServeGen model folder, or a
        trace file, native or of another tool.
    """
    from tracetide.describe.pool import describe_pool

    if _is_trace(what):
        if span is not None or filter or top is not None:
            raise ValueError(
                f"--span, --filter and --top: not allowed; they are for profiles, and {what!r} is a trace"
            )
        found = _describe_trace(what, cache_blocks)
    else:
        found = describe_pool(narrowed(load(what), span, filter, top))
    if json_:
        print(json.dumps(found.to_dict(), indent=2))
    else:
        from tracetide.cli.render import render

        render(found)


def _is_trace(what: str) -> bool:
    try:
        format_of(what)
    except ValueError:
        return False
    return not os.path.isdir(what)


def _describe_trace(what: str, cache_blocks: list[int] | None) -> Description:
    from tracetide.describe.trace import describe_trace
    from tracetide.prefixes import DEFAULT_SIZES
    from tracetide.readers import read

    return describe_trace(read(what), os.path.basename(what), cache_blocks=cache_blocks or DEFAULT_SIZES)
