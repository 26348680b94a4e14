"""Baseten's completion traces: Parquet or an Arrow file, without prompts."""

from __future__ import annotations

from tracetide.io.formats.description import TraceFormat
from tracetide.io.formats.tools import TOOLS, File, Replay, guidellm_columns


def _replay(file: File) -> list[Replay]:
    kind = "arrow_file" if file.path.endswith(".arrow") else "parquet_file"
    return [guidellm_columns(file, kind, "timestamp_column=timestamp_start_unix_ms,time_scale=0.001")]


BASETEN = TraceFormat(
    "baseten",
    {
        "timestamp": "timestamp_start_unix_ms",
        "input_tokens": "input_tokens",
        "output_tokens": "output_tokens",
        "session_id": "provided_session_id",
        "hash_ids": "total_hashes",
    },
    frozenset({"timestamp_start_unix_ms", "input_tokens", "output_tokens"}),
    unit="ms",
    optional=frozenset({"session_id", "hash_ids"}),
    nullable_labels=True,
    rebase=True,
    written="table",
    block_size=64,
    readers=("guidellm",),
    misread={"aiperf": f"{TOOLS['aiperf']} sends the prompts that are in the file, and ours are empty"},
    replay=_replay,
)
