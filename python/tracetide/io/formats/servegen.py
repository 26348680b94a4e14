"""ServeGen's folders, which are profiles."""

from __future__ import annotations

from tracetide.io.formats.description import TraceFormat
from tracetide.io.formats.tools import tell

SERVEGEN = TraceFormat(
    "servegen",
    written="folder",
    readers=("blis", "servegen"),
    replay=lambda file: [tell("blis", f"blis convert servegen --path {file}")],
)
