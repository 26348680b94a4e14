"""`tracetide describe`."""

from __future__ import annotations

import json
import os
from typing import Annotated

from cyclopts import Parameter

from tracetide.cli.parameters import Json, Span
from tracetide.clientpool import load
from tracetide.describe import Description
from tracetide.durations import parse_span
from tracetide.formats import format_of


def describe(
    what: Annotated[str, Parameter(name="WHAT")], /, *, span: Span = None, json_: Json = False
) -> None:
    """Show clients, rates, burstiness and lengths of a profile or a trace.

    Parameters
    ----------
    what
        A bundled name, a `.tide` file, a ServeGen model folder, or a native trace file.
    """
    found = _describe_trace(what, span) if _is_trace(what) else _describe_profile(what, span)
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


def _describe_profile(what: str, span: str | None) -> Description:
    from tracetide.describe.pool import describe_pool

    pool = load(what)
    return describe_pool(pool if span is None else pool.span(*parse_span(span)))


def _describe_trace(what: str, span: str | None) -> Description:
    from tracetide.describe.trace import describe_trace
    from tracetide.trace import Trace

    if span is not None:
        raise ValueError(f"span: {span!r} is not allowed here; it is for profiles, and {what!r} is a trace")
    return describe_trace(Trace.read(what), os.path.basename(what))
