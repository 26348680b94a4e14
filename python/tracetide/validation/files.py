"""Rules of a file as a whole: its columns, and what lies beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from tracetide.io.reading.place import shown
from tracetide.io.reading.source import Source
from tracetide.io.writing.blis import header_path
from tracetide.validation.report import Recorder

_BURSTGPT = ("Timestamp", "Model", "Request tokens", "Response tokens", "Total tokens", "Log Type")
_AZURE = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_AZURE_IMAGES = ("TIMESTAMP", "NumImages", "ContextTokens", "GeneratedTokens")
_SPLITWISE = (
    "request_id",
    "request_type",
    "application_id",
    "arrival_timestamp",
    "batch_size",
    "prompt_size",
    "token_size",
)
_BLIS = (
    "request_id",
    "client_id",
    "tenant_id",
    "slo_class",
    "session_id",
    "round_index",
    "prefix_group",
    "prefix_length",
    "streaming",
    "input_tokens",
    "output_tokens",
    "text_tokens",
    "image_tokens",
    "audio_tokens",
    "video_tokens",
    "reason_ratio",
    "model",
    "deadline_us",
    "server_input_tokens",
    "arrival_time_us",
    "send_time_us",
    "first_chunk_time_us",
    "last_chunk_time_us",
    "num_chunks",
    "status",
    "error_message",
    "finish_reason",
)
_VIDUR = ("arrived_at", "num_prefill_tokens", "num_decode_tokens")
_VIDUR_OTHER = ("Time", "PromptTokenCount", "CompletionTokenCount")
_BLIS_BEHIND = {"vllm_priority": "slo_class", "slo_target_us": "deadline_us"}
"""Columns that may be there, and then stand behind these; all others are found by name, if at all."""

_BLIS_HEADER = (
    "trace_version",
    "time_unit",
    "created_at",
    "mode",
    "warm_up_requests",
    "workload_seed",
    "workload_spec",
    "session_context_growth",
    "server",
    "network",
    "goodput_slo_targets",
    "kv_offload",
    "observed_kv_metrics",
)
"""The keys that BLIS knew in August 2026."""


def check_file(format: str, source: Source, path: str, recorder: Recorder) -> None:
    """The rules of a format that its columns tell."""
    names = tuple(source.types)
    if format == "burstgpt" and recorder.wants("column-order"):
        _expect_first(names, _BURSTGPT, recorder)
    elif format == "azure":
        _expect_exactly(names, _AZURE_IMAGES if "NumImages" in names else _AZURE, recorder)
    elif format == "splitwise":
        _expect_exactly(names, _SPLITWISE, recorder)
    elif format == "vidur":
        for name in (*_VIDUR, *_VIDUR_OTHER):
            if name not in names:
                recorder.add("column-missing", f"the column {name!r} is missing; Vidur's loaders need it")
    elif format == "blis":
        _expect_first(names, _blis_columns(names), recorder)
        _check_blis_header(path, recorder)


def _expect_first(names: Sequence[str], wanted: Sequence[str], recorder: Recorder) -> None:
    for position, name in enumerate(wanted):
        found = names[position] if position < len(names) else "nothing"
        if found != name:
            recorder.add(
                "column-order",
                f"column {position + 1} is {found!r}; it must be {name!r}, as it is read by position",
            )
            return


def _expect_exactly(names: Sequence[str], wanted: Sequence[str], recorder: Recorder) -> None:
    if tuple(names) != tuple(wanted):
        recorder.add("column-order", f"the columns are {', '.join(names)}; they must be {', '.join(wanted)}")


def _check_blis_header(path: str, recorder: Recorder) -> None:
    import yaml

    header = header_path(path)
    if not os.path.isfile(header):
        recorder.add("header-file", f"{header} is not there; it must be, as the trace's header")
        return
    try:
        with open(header, encoding="utf-8") as file:
            found = yaml.safe_load(file.read(1 << 16))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        recorder.add("header-file", f"{header} cannot be read: {str(error).splitlines()[0]}")
        return
    if not isinstance(found, dict):
        recorder.add("header-file", f"{header} says {shown(found)}; it must have keys and values")
        return
    if found.get("time_unit") not in ("us", "microseconds"):
        recorder.add(
            "header-file",
            f"{header} has the time_unit {shown(found.get('time_unit'))}; it must be us or microseconds, "
            "which BLIS takes it for without looking",
        )
    for key in found:
        if key not in _BLIS_HEADER:
            recorder.add(
                "header-keys",
                f"{header} has the key {shown(key)}, which BLIS did not know in August 2026; it refuses "
                "keys that it does not know",
            )


def _blis_columns(names: Sequence[str]) -> list[str]:
    wanted = list(_BLIS)
    for name, before in _BLIS_BEHIND.items():
        if name in names:
            wanted.insert(wanted.index(before) + 1, name)
    return wanted
