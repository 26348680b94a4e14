"""BurstGPT's traces."""

from __future__ import annotations

from shlex import quote

from tracetide.io.formats.description import TraceFormat
from tracetide.io.formats.tools import File, Replay, aiperf, guidellm, vllm


def _replay(file: File) -> list[Replay]:
    columns = (
        "timestamp_column=Timestamp,prompt_tokens_column=Request tokens,output_tokens_column=Response tokens"
    )
    return [
        aiperf(file, "burst_gpt_trace"),
        guidellm(quote(f"kind=trace_synthetic,source.kind=csv_file,source.path={file.path},{columns}")),
        vllm(file, "burstgpt"),
    ]


BURSTGPT = TraceFormat(
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
    rides=True,
    nullable_labels=True,
    from_zero=True,
    readers=("aiperf", "guidellm", "vllm"),
    replay=_replay,
    positions=("Timestamp", "Model", "Request tokens", "Response tokens", "Total tokens", "Log Type"),
    kept_model="GPT-4",
)
