"""Mooncake's traces: requests that stand alone."""

from __future__ import annotations

from tracetide.io.formats.description import JSONL, TraceFormat
from tracetide.io.formats.tools import File, Replay, aibrix, aiperf, dynamo, guidellm_ids, sglang, vllm_ids

LENGTHS = {"timestamp": "timestamp", "input_tokens": "input_length", "output_tokens": "output_length"}
BLOCK_SIZE = 512


def aiperf_mooncake(file: File) -> Replay:
    """AIPerf's command, which knows no other size of blocks than its own."""
    own = [] if file.block == BLOCK_SIZE else [f"--isl-block-size {file.block}"]
    return aiperf(file, "mooncake_trace", *own)


def _replay(file: File) -> list[Replay]:
    return [
        aiperf_mooncake(file),
        guidellm_ids(file, ",time_scale=0.001"),
        vllm_ids(file, "0.001"),
        *sglang(file),
        dynamo(file),
        aibrix(file, "mooncake"),
    ]


MOONCAKE = TraceFormat(
    "mooncake",
    {**LENGTHS, "hash_ids": "hash_ids"},
    # Without ids the same names are used with seconds by other tools, so it must be named then.
    frozenset({*LENGTHS.values(), "hash_ids"}),
    JSONL,
    unit="ms",
    optional=frozenset({"hash_ids"}),
    rides=True,
    without=frozenset({"session_id", "delay", "type"}),
    block_size=BLOCK_SIZE,
    needs_ids=True,
    from_zero=True,
    readers=("aiperf", "guidellm", "vllm", "sglang", "dynamo", "aibrix"),
    replay=_replay,
)
