"""AIPerf's records of what it sent, as a trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tracetide as tt

START = 1_796_078_128_529_608_135


def record(
    session: str, turn: int, start: int, tokens: dict[str, float], phase: str = "profiling", **more: Any
) -> str:
    metadata = {
        "session_num": 0,
        "conversation_id": session,
        "turn_index": turn,
        "request_start_ns": START + start,
        "request_end_ns": START + start + 250_000_000,
        "benchmark_phase": phase,
        "was_cancelled": False,
    }
    metrics = {name: {"value": value, "unit": "tokens"} for name, value in tokens.items()}
    metrics["inter_chunk_latency"] = {"value": [1.5, 2.5], "unit": "ms"}
    return json.dumps({"metadata": metadata, "metrics": metrics} | more) + "\n"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "profile_export.jsonl"
    path.write_text("".join(lines))
    return path


def counted(prompt: int, output: int) -> dict[str, float]:
    """By the server, and by AIPerf, whose counts lack or have the tokens of a chat template."""
    own = {"input_sequence_length": prompt + 2, "output_sequence_length": output + 1}
    return own | {"usage_prompt_tokens": prompt, "usage_completion_tokens": output}


def test_records_are_read_in_the_order_of_their_times(tmp_path):
    path = written(
        tmp_path,
        record("warm", 0, -5_000_000_000, counted(9, 9), phase="warmup"),
        record("b", 0, 500_000_000, counted(128, 16)),
        record("a", 0, 0, counted(300, 40)),
        record("a", 1, 1_500_000_001, {"input_sequence_length": 420, "output_sequence_length": 50}),
        record("c", 0, 2_000_000_000, {}, error={"code": 500}),
    )
    assert tt.scan(path).format == "aiperf-records"
    trace = tt.read(path, sort=True)
    assert trace.timestamp.tolist() == [0, 0.5, 1.500000001, 2]
    assert trace.session_id.tolist() == ["a", "b", "a", "c"]
    assert trace.turn.tolist() == [1, 1, 2, 1]
    assert trace.input_tokens.tolist() == [300, 128, 420, 0]
    assert trace.output_tokens.tolist() == [40, 16, 50, 0]
    assert trace["elapsed_time"].tolist() == [0.25] * 4
    assert tt.convert(path, tmp_path / "sent.parquet", sort=True, drop_empty=True).rows == 3


@pytest.mark.parametrize("line", ["null\n", "7\n", '{"metadata": 3, "metrics": {}}\n', "{\n"])
def test_other_lines_are_refused(line, tmp_path):
    path = written(tmp_path, record("a", 0, 0, counted(300, 40)), line)
    with pytest.raises(tt.TraceError, match=r"profile_export\.jsonl"):
        tt.read(path)
