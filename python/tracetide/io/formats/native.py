"""Our own format, and tables whose columns are named when they are read."""

from __future__ import annotations

import os

from tracetide.io.formats.description import TraceFormat
from tracetide.io.formats.tools import File, Replay, guidellm_columns

_KINDS = {".parquet": "parquet_file", ".arrow": "arrow_file", ".csv": "csv_file", ".jsonl": "json_file"}
_OWN = ("timestamp", "input_tokens", "output_tokens")


def _replay(file: File) -> list[Replay]:
    kind = _KINDS.get(os.path.splitext(file.path)[1], "")
    return [guidellm_columns(file, kind)] if kind else []


NATIVE = TraceFormat(
    "native",
    {name: name for name in _OWN},
    frozenset(_OWN),
    rides=True,
    written="",
    readers=("guidellm",),
    replay=_replay,
)
TABLE = TraceFormat("table", written="", readers=("guidellm",))
