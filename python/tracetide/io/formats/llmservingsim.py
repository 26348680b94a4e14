"""LLMServingSim's JSON lines: requests that stand alone, and whole sessions."""

from __future__ import annotations

from tracetide.io.formats.description import JSONL, Layout, TraceFormat
from tracetide.io.formats.tools import tell

_OWN = {"timestamp": "arrival_time_ns", "input_tokens": "input_toks", "output_tokens": "output_toks"}

LLMSERVINGSIM = TraceFormat(
    "llmservingsim",
    _OWN,
    frozenset(_OWN.values()),
    JSONL,
    unit="ns",
    rides=True,
    from_zero=True,
    readers=("llmservingsim",),
    replay=lambda file: [
        tell(
            "llmservingsim",
            "python -m serving --cluster-config CONFIG --dtype bfloat16 --block-size 16 "
            f"--dataset {file} --output OUTPUT.csv",
        )
    ],
)

SESSION_LINES = Layout(
    # Lines of whole sessions among those of single requests, made into rows by `session_lines`.
    "llmservingsim-sessions",
    {**_OWN, "session_id": "session_id", "turn": "turn", "delay": "tool_duration_ns"},
    frozenset({"arrival_time_ns", "session_id"}),
    JSONL,
    unit="ns",
    delay_unit="ns",
    sparse=True,
    ordered=False,
    extends="llmservingsim",
)
