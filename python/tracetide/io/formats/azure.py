"""Azure's traces of LLM inference, with dates."""

from __future__ import annotations

from tracetide.io.formats.description import TraceFormat
from tracetide.io.formats.tools import File, Replay, aibrix, tell


def _replay(file: File) -> list[Replay]:
    trace = f"trace: {{file: {file}}}"
    # Stages must be there, and are not looked at.
    lines = (
        "api: {type: completion}",
        f"data: {{type: random, {trace}}}",
        f"load: {{type: trace_replay, {trace}, stages: [{{rate: 1, duration: 1}}]}}",
    )
    more = ("--prompt-file PROMPTS", "--interval-ms 1000", "--group-interval-seconds 1")
    return [tell("inference-perf", "\n".join(lines)), aibrix(file, "azure", *more)]


_OWN = {"timestamp": "TIMESTAMP", "input_tokens": "ContextTokens", "output_tokens": "GeneratedTokens"}

AZURE = TraceFormat(
    "azure",
    {**_OWN, "image_count": "NumImages"},
    frozenset(_OWN.values()),
    unit="date",
    optional=frozenset({"image_count"}),
    rebase=True,
    readers=("inference-perf", "aibrix"),
    replay=_replay,
    positions=tuple(_OWN.values()),
    # As we write it; in the file of 2025 it is the second column, which only readers by name take.
    behind={"NumImages": "GeneratedTokens"},
    alone=True,
)
