"""The trace formats of other tools: their columns, their units, and what they are recognised by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tracetide.io.reading.fields import NATIVE, Unit

TABLES = frozenset({"csv", "jsonl", "parquet", "arrow", "memory"})
"""Every container: text files, binary files, and tables in memory."""


FORMAT_BLOCKS = {"mooncake": 512, "mooncake-session": 512, "bailian": 16, "baseten": 64}
"""Tokens of a block, by format."""


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
        ordered: whether times may not decrease; where rows stand by session, they may.
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
    ordered: bool = True


_LENGTHS = {"timestamp": "timestamp", "input_tokens": "input_length", "output_tokens": "output_length"}
_JSONL = frozenset({"jsonl"})


def _riding(own: Mapping[str, str], *without: str) -> dict[str, str]:
    """Native columns under their own names, as far as they are neither the format's own nor left out."""
    return {name: name for name in NATIVE if name not in own and name not in without}


_MOONCAKE = {**_LENGTHS, "hash_ids": "hash_ids"}
_MOONCAKE_RIDING = _riding(_MOONCAKE, "session_id", "delay", "type")
_BAILIAN = {**_LENGTHS, "session_id": "chat_id", "turn": "turn", "hash_ids": "hash_ids", "type": "type"}
_BURSTGPT = {
    "timestamp": "Timestamp",
    "input_tokens": "Request tokens",
    "output_tokens": "Response tokens",
    "session_id": "Session ID",
    "model": "Model",
    "log_type": "Log Type",
    "elapsed_time": "Elapsed time",
}
_VIDUR = {
    "timestamp": "arrived_at",
    "input_tokens": "num_prefill_tokens",
    "output_tokens": "num_decode_tokens",
}
_LLMSERVINGSIM = {
    "timestamp": "arrival_time_ns",
    "input_tokens": "input_toks",
    "output_tokens": "output_toks",
}
_SESSION_LINES = {"session_id": "session_id", "turn": "turn", "delay": "tool_duration_ns"}

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
            {**_MOONCAKE, **_MOONCAKE_RIDING},
            # Without ids the same names are used with seconds by other tools, so it must be named then.
            frozenset({"timestamp", "input_length", "output_length", "hash_ids"}),
            _JSONL,
            unit="ms",
            optional=frozenset(_MOONCAKE_RIDING) | {"hash_ids"},
        ),
        Layout(
            "mooncake-session",
            {**_MOONCAKE, **_MOONCAKE_RIDING, "session_id": "session_id", "delay": "delay"},
            frozenset({"session_id", "timestamp", "input_length", "output_length"}),
            _JSONL,
            unit="ms",
            delay_unit="ms",
            optional=frozenset(_MOONCAKE_RIDING) | {"hash_ids", "delay"},
            sparse=True,
            sessions="turns",
            extends="mooncake",
        ),
        Layout(
            "bailian",
            {**_BAILIAN, **_riding(_BAILIAN, "delay")},
            frozenset({"chat_id", "parent_chat_id", "timestamp", "input_length", "output_length"}),
            _JSONL,
            optional=frozenset(_riding(_BAILIAN, "delay")) | {"hash_ids", "type", "turn"},
            sessions="parents",
            extends="mooncake",
        ),
        Layout(
            "burstgpt",
            {**_BURSTGPT, **_riding(_BURSTGPT)},
            frozenset({"Timestamp", "Request tokens", "Response tokens"}),
            optional=frozenset(_riding(_BURSTGPT)) | {"session_id", "model", "log_type", "elapsed_time"},
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
            {**_VIDUR, **_riding(_VIDUR)},
            frozenset({"arrived_at", "num_prefill_tokens", "num_decode_tokens"}),
            optional=frozenset(_riding(_VIDUR)),
        ),
        Layout(
            "blis",
            {
                "request_id": "request_id",
                "timestamp": "arrival_time_us",
                "client": "client_id",
                "session_id": "session_id",
                "turn": "round_index",
                "delay": "think_time_us",
                "input_tokens": "input_tokens",
                "output_tokens": "output_tokens",
                "text_tokens": "text_tokens",
                "reason_ratio": "reason_ratio",
                "model": "model",
            },
            frozenset({"arrival_time_us", "round_index", "input_tokens", "output_tokens"}),
            frozenset({"csv"}),
            unit="us",
            delay_unit="us",
            optional=frozenset(
                {
                    "request_id",
                    "client",
                    "session_id",
                    "turn",
                    "delay",
                    "text_tokens",
                    "reason_ratio",
                    "model",
                }
            ),
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
            {**_LLMSERVINGSIM, **_riding(_LLMSERVINGSIM)},
            frozenset({"arrival_time_ns", "input_toks", "output_toks"}),
            _JSONL,
            unit="ns",
            optional=frozenset(_riding(_LLMSERVINGSIM)),
        ),
        Layout(
            # Lines of whole sessions among those of single requests, made into rows by `session_lines`.
            "llmservingsim-sessions",
            {**_LLMSERVINGSIM, **_SESSION_LINES},
            frozenset({"arrival_time_ns", "session_id"}),
            _JSONL,
            unit="ns",
            delay_unit="ns",
            sparse=True,
            ordered=False,
            extends="llmservingsim",
        ),
        Layout(
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
            rebase=True,
        ),
    )
}
"""All formats by name."""

FORMATS = (*(name for name in LAYOUTS if name != "llmservingsim-sessions"), "table")
"""What `format=` takes; `table` is a table of other columns, named by `columns=`."""
