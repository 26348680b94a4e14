"""What a pool or a trace is like: rates over time, top clients, burstiness, lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracetide.describe.description import Description
from tracetide.describe.pool import describe_pool
from tracetide.profile.pool import ClientPool

if TYPE_CHECKING:
    from tracetide.io.reading import TraceScan
    from tracetide.trace import Trace

__all__ = ["Description", "describe"]


def describe(what: ClientPool | Trace | TraceScan) -> Description:
    """Statistics of a pool, of a trace in memory, or of one that is read in a stream."""
    if isinstance(what, ClientPool):
        return describe_pool(what)
    from tracetide.describe.trace import describe_trace

    return describe_trace(what)
