"""The trace formats of other tools: their columns, their units, and what they are recognised by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tracetide.readers.fields import NATIVE, Unit

TABLES = frozenset({"csv", "jsonl", "parquet", "arrow", "memory"})
"""Every container: text files, binary files, and tables in memory."""


@dataclass(frozen=True)
class Layout:
    """One format.

    Attributes:
        name: as in `format=`.
        columns: by native name, the column of the source; those that it may lack are in `optional`.
        marks: the columns that it is recognised by.
        containers: what may hold it.
        unit: of `timestamp`.
        delay_unit: of `delay`.
        optional: native names that the source may lack as a whole.
        rebase: whether times are always counted from the first row, because they are dates.
        sparse: whether rows after the first of a session may lack `timestamp`.
        sessions: how sessions are made: from parent ids, by counting turns, or not at all.
        extends: the format that a file of this one has the marks of as well.
    """

    name: str
    columns: Mapping[str, str]
    marks: frozenset[str]
    containers: frozenset[str] = TABLES
    unit: Unit = "s"
    delay_unit: Unit = "s"
    optional: frozenset[str] = field(default_factory=frozenset)
    rebase: bool = False
    sparse: bool = False
    sessions: str = ""
    extends: str = ""


_LENGTHS = {"timestamp": "timestamp", "input_tokens": "input_length", "output_tokens": "output_length"}
_RIDING = {
    name: name
    for name in NATIVE
    if (name.endswith("_tokens") and name not in _LENGTHS) or name in ("client_id", "client", "turn")
}
_MOONCAKE = {**_LENGTHS, "hash_ids": "hash_ids", **_RIDING}
_JSONL = frozenset({"jsonl"})

LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            "native",
            {name: name for name in NATIVE},
            frozenset({"timestamp", "input_tokens", "output_tokens"}),
            optional=frozenset(NATIVE) - {"timestamp", "input_tokens", "output_tokens"},
        ),
        Layout(
            "mooncake",
            _MOONCAKE,
            # Without ids the same names are used with seconds by other tools, so it must be named then.
            frozenset({"timestamp", "input_length", "output_length", "hash_ids"}),
            _JSONL,
            unit="ms",
            optional=frozenset(_RIDING) | {"hash_ids"},
        ),
        Layout(
            "mooncake-session",
            {**_MOONCAKE, "session_id": "session_id", "delay": "delay"},
            frozenset({"session_id", "timestamp", "input_length", "output_length"}),
            _JSONL,
            unit="ms",
            delay_unit="ms",
            optional=frozenset(_RIDING) | {"hash_ids", "delay"},
            sparse=True,
            sessions="turns",
            extends="mooncake",
        ),
        Layout(
            "bailian",
            {**_LENGTHS, "session_id": "chat_id", "turn": "turn", "hash_ids": "hash_ids", "type": "type"},
            frozenset({"chat_id", "parent_chat_id", "timestamp", "input_length", "output_length"}),
            _JSONL,
            optional=frozenset({"hash_ids", "type", "turn"}),
            sessions="parents",
            extends="mooncake",
        ),
        Layout(
            "burstgpt",
            {
                "timestamp": "Timestamp",
                "input_tokens": "Request tokens",
                "output_tokens": "Response tokens",
                "session_id": "Session ID",
                "model": "Model",
                "log_type": "Log Type",
                "elapsed_time": "Elapsed time",
            },
            frozenset({"Timestamp", "Request tokens", "Response tokens"}),
            optional=frozenset({"session_id", "model", "log_type", "elapsed_time"}),
        ),
        Layout(
            "azure",
            {
                "timestamp": "TIMESTAMP",
                "input_tokens": "ContextTokens",
                "output_tokens": "GeneratedTokens",
                "image_count": "NumImages",
            },
            frozenset({"TIMESTAMP", "ContextTokens", "GeneratedTokens"}),
            unit="date",
            optional=frozenset({"image_count"}),
            rebase=True,
        ),
        Layout(
            "vidur",
            {
                "timestamp": "arrived_at",
                "input_tokens": "num_prefill_tokens",
                "output_tokens": "num_decode_tokens",
            },
            frozenset({"arrived_at", "num_prefill_tokens", "num_decode_tokens"}),
        ),
        Layout(
            "splitwise",
            {
                "request_id": "request_id",
                "timestamp": "arrival_timestamp",
                "client_id": "application_id",
                "input_tokens": "prompt_size",
                "output_tokens": "token_size",
            },
            frozenset({"arrival_timestamp", "prompt_size", "token_size"}),
            optional=frozenset({"request_id", "client_id"}),
        ),
        Layout(
            "llmservingsim",
            {"timestamp": "arrival_time_ns", "input_tokens": "input_toks", "output_tokens": "output_toks"},
            frozenset({"arrival_time_ns", "input_toks", "output_toks"}),
            _JSONL,
            unit="ns",
        ),
        Layout(
            "baseten",
            {
                "timestamp": "timestamp_start_unix_ms",
                "input_tokens": "input_tokens",
                "output_tokens": "output_tokens",
                "session_id": "provided_session_id",
            },
            frozenset({"timestamp_start_unix_ms", "input_tokens", "output_tokens"}),
            unit="ms",
            optional=frozenset({"session_id"}),
            rebase=True,
        ),
    )
}
"""All formats by name."""

FORMATS = (*LAYOUTS, "table")
"""What `format=` takes; `table` is a table of other columns, named by `columns=`."""
