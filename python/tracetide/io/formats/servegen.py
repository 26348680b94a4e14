"""ServeGen's folders, which are profiles."""

from __future__ import annotations

from tracetide.io.formats.description import TraceFormat
from tracetide.io.formats.tools import BLIS, File, Replay
from tracetide.io.formats.tools import SERVEGEN as TOOL


def _replay(file: File) -> list[Replay]:
    return [Replay(BLIS.name, f"blis convert servegen --path {file}")]


SERVEGEN = TraceFormat("servegen", written="folder", readers=(BLIS, TOOL), replay=_replay)
