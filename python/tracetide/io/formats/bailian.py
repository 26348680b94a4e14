"""Bailian's traces: chats that name their parents."""

from __future__ import annotations

from tracetide.io.formats.description import JSONL, TraceFormat
from tracetide.io.formats.mooncake import LENGTHS
from tracetide.io.formats.tools import ADDS_UP, guidellm_ids, vllm_ids

BAILIAN = TraceFormat(
    "bailian",
    {**LENGTHS, "session_id": "chat_id", "turn": "turn", "hash_ids": "hash_ids", "type": "type"},
    frozenset({*LENGTHS.values(), "chat_id", "parent_chat_id"}),
    JSONL,
    optional=frozenset({"hash_ids", "type", "turn"}),
    rides=True,
    without=frozenset({"delay"}),
    sessions="parents",
    extends="mooncake",
    block_size=16,
    needs_ids=True,
    from_zero=True,
    readers=("guidellm", "vllm", "dynamo"),
    misread_turns=ADDS_UP,
    replay=lambda file: [guidellm_ids(file), vllm_ids(file, "1")],
)
