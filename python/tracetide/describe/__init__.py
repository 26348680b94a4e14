"""What a pool or a trace is like: rates over time, top clients, burstiness, lengths."""

from __future__ import annotations

from tracetide.clientpool import ClientPool
from tracetide.describe.description import Description
from tracetide.describe.pool import describe_pool
from tracetide.describe.trace import describe_trace
from tracetide.trace import Trace

__all__ = ["Description", "describe"]


def describe(what: ClientPool | Trace) -> Description:
    """Statistics of a pool or a trace."""
    return describe_pool(what) if isinstance(what, ClientPool) else describe_trace(what)
