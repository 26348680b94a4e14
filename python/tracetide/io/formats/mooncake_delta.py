"""Mooncake's traces with sessions whose turns are what each adds to those before."""

from __future__ import annotations

from dataclasses import replace

from tracetide.io.formats.mooncake import LENGTHS, aiperf_mooncake
from tracetide.io.formats.mooncake_session import MOONCAKE_SESSION
from tracetide.io.formats.tools import dynamo

PROMPT_LENGTH = "prompt_length"
"""The whole prompt of a turn, by which our own files are told from those of whole prompts."""

_COLUMNS = {**LENGTHS, "session_id": "session_id", "delay": "delay"}

MOONCAKE_DELTA = replace(
    MOONCAKE_SESSION,
    name="mooncake-delta",
    columns=_COLUMNS,
    marks=MOONCAKE_SESSION.marks | {PROMPT_LENGTH},
    optional=frozenset({"delay"}),
    # Ids are of blocks of what is new, and tell nothing of the whole prompt's.
    without=frozenset({"type", "hash_ids"}),
    deltas=True,
    extends="mooncake-session",
    readers=("aiperf", "dynamo"),
    misread_turns={},
    replay=lambda file: [aiperf_mooncake(file), dynamo(file, "mooncake-delta")],
)
