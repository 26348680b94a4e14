"""BLIS traces: a CSV file, and a YAML header next to it."""

from __future__ import annotations

import os
from shlex import quote

from tracetide.io.formats.description import CSV, TraceFormat
from tracetide.io.formats.tools import File, Replay, tell


def header_path(path: str | os.PathLike[str]) -> str:
    """Where the header of a CSV file is: `trace.yaml` for `trace.csv` and `trace.csv.gz`."""
    stem = os.fspath(path)
    for ending in (".gz", ".zst", ".csv"):
        stem = stem.removesuffix(ending)
    return f"{stem}.yaml"


def _replay(file: File) -> list[Replay]:
    header = quote(header_path(file.path))
    return [tell("blis", f"blis replay --model MODEL --trace-header {header} --trace-data {file}")]


_NEEDED = {"timestamp": "arrival_time_us", "input_tokens": "input_tokens", "output_tokens": "output_tokens"}
_OPTIONAL = {
    "request_id": "request_id",
    "client": "client_id",
    "session_id": "session_id",
    "turn": "round_index",
    "delay": "think_time_us",
    "text_tokens": "text_tokens",
    "reason_ratio": "reason_ratio",
    "model": "model",
}

_COLUMNS = """
request_id client_id tenant_id slo_class session_id round_index prefix_group prefix_length streaming
input_tokens output_tokens text_tokens image_tokens audio_tokens video_tokens reason_ratio model deadline_us
server_input_tokens arrival_time_us send_time_us first_chunk_time_us last_chunk_time_us num_chunks status
error_message finish_reason
"""
_HEADER_KEYS = """
trace_version time_unit created_at mode warm_up_requests workload_seed workload_spec session_context_growth
server network goodput_slo_targets kv_offload observed_kv_metrics
"""
"""In August 2026."""

BLIS = TraceFormat(
    "blis",
    {**_NEEDED, **_OPTIONAL},
    frozenset({*_NEEDED.values(), "round_index"}),
    CSV,
    unit="us",
    delay_unit="us",
    optional=frozenset(_OPTIONAL),
    whole={"client": "client_id"},  # as we write them; BLIS itself has texts
    nullable_labels=True,
    sessions="rounds",
    header="trace_version: 2\ntime_unit: us\nmode: generated\nwarm_up_requests: 0\n",
    header_keys=frozenset(_HEADER_KEYS.split()),
    readers=("blis",),
    replay=_replay,
    positions=_COLUMNS.split(),
    # All others are found by name, if at all.
    behind={"vllm_priority": "slo_class", "slo_target_us": "deadline_us"},
    # What it takes for a boolean.
    constants={
        "streaming": ("true", "false", "True", "False", "TRUE", "FALSE", "t", "f", "T", "F", "1", "0")
    },
    names_no_model=True,
)
