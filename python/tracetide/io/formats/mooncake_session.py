"""Mooncake's traces with sessions, whose later turns have a delay in the place of a time."""

from __future__ import annotations

from tracetide.io.formats.description import JSONL, TraceFormat
from tracetide.io.formats.mooncake import BLOCK_SIZE, LENGTHS
from tracetide.io.formats.tools import ADDS_UP, dynamo

MOONCAKE_SESSION = TraceFormat(
    "mooncake-session",
    {**LENGTHS, "hash_ids": "hash_ids", "session_id": "session_id", "delay": "delay"},
    frozenset({*LENGTHS.values(), "session_id"}),
    JSONL,
    unit="ms",
    delay_unit="ms",
    optional=frozenset({"hash_ids", "delay"}),
    rides=True,
    without=frozenset({"type"}),
    sparse=True,
    sessions="turns",
    extends="mooncake",
    block_size=BLOCK_SIZE,
    needs_ids=True,
    from_zero=True,
    readers=("dynamo",),
    misread_turns=ADDS_UP,
    replay=lambda file: [dynamo(file)],
)
