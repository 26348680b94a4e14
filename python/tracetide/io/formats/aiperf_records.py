"""What AIPerf writes of every request that it sent, in `profile_export.jsonl`: a trace of what arrived."""

from __future__ import annotations

from tracetide.io.formats.description import JSONL, TraceFormat

AIPERF_RECORDS = TraceFormat(
    # Nested objects, made into rows by `record_lines`.
    "aiperf-records",
    {
        "timestamp": "request_start_ns",
        "input_tokens": "prompt_tokens",
        "output_tokens": "completion_tokens",
        "session_id": "conversation_id",
        "turn": "turn",
        "elapsed_time": "elapsed_time",
    },
    frozenset({"request_start_ns", "prompt_tokens", "completion_tokens"}),
    JSONL,
    unit="ns",
    nullable_labels=True,
    rebase=True,
    ordered=False,
    written="",
)
