"""The real loaders of AIPerf and guidellm on files that we write: `pytest -m tools`.

They run in processes of their own, of the Python that TRACETIDE_TOOLS_PYTHON names, which has them installed
(`pip install 'tracetide[tools]'`, best in a virtual environment of its own); by default of this one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tracetide as tt
from format_traces import KINDS, job
from tracetide.validation import READERS

pytestmark = pytest.mark.tools
SCRIPTS = Path(__file__).resolve().parents[1] / "tools"
PYTHON = os.environ.get("TRACETIDE_TOOLS_PYTHON", sys.executable)
AIPERF = {
    "mooncake": "mooncake_trace:MooncakeTraceDatasetLoader",
    "mooncake-session": "mooncake_trace:MooncakeTraceDatasetLoader",
    "bailian": "bailian_trace:BailianTraceDatasetLoader",
    "burstgpt": "burst_gpt:BurstGPTTraceDatasetLoader",
    "baseten": "baseten_trace:BasetenTraceDatasetLoader",
}


def needs(tool: str) -> None:
    found = subprocess.run([PYTHON, "-c", f"import {tool}"], capture_output=True)
    if found.returncode != 0:
        pytest.skip(f"{tool} is not installed for {PYTHON}; name another with TRACETIDE_TOOLS_PYTHON")


def loaded(script: str, tasks: list[Any]) -> list[Any]:
    """All tasks in one process, as importing the tools takes seconds."""
    done = subprocess.run(
        [PYTHON, SCRIPTS / script],
        input=json.dumps(tasks, default=str).encode(),
        capture_output=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found = json.loads(done.stdout)
    assert len(found) == len(tasks)
    return found


def write(kind: str, format: str, path: Path, rows: int | None = None) -> tt.Trace:
    """A file of a job, or of its first rows, and the same as a trace."""
    made = job(kind)
    made.write(path, format=format)
    if rows is None:
        return made.generate()
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:rows]))
    return made.generate()[:rows]


# AIPerf


@pytest.fixture(scope="module")
def aiperf(tmp_path_factory) -> dict[tuple[str, str], tuple[tt.Trace, dict[str, list[dict]]]]:
    """By format and kind of trace, the trace and AIPerf's sessions."""
    needs("aiperf")
    folder = tmp_path_factory.mktemp("aiperf")
    keys = [(format, kind) for format in AIPERF for kind in KINDS]
    traces, tasks = [], []
    for format, kind in keys:
        path = folder / f"{format}-{kind}{'.parquet' if format == 'baseten' else '.jsonl'}"
        traces.append(write(kind, format, path))
        tasks.append([AIPERF[format], path])
    sessions = loaded("aiperf_load.py", tasks)
    return {key: (trace, found) for key, trace, found in zip(keys, traces, sessions, strict=True)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", AIPERF)
def test_aiperf_loads_every_request(format, kind, aiperf):
    trace, sessions = aiperf[format, kind]
    rows = [row for session in sessions.values() for row in session]
    assert len(rows) == len(trace)
    lengths = sorted(zip(trace.input_tokens.tolist(), trace.output_tokens.tolist(), strict=True))
    assert sorted((row["input_length"], row["output_length"]) for row in rows) == lengths
    times = np.sort([row["timestamp"] for row in rows if row["timestamp"] is not None])
    if format == "mooncake-session" and kind == "sessions":
        assert len(times) == len(sessions)  # the first turn of each
    elif format == "baseten":  # whole milliseconds from the first row
        assert np.allclose(times, 1000 * (trace.timestamp - trace.timestamp[0]), rtol=0, atol=1.01)
    else:
        assert np.allclose(times, 1000 * trace.timestamp, rtol=0, atol=1e-6)
    has_sessions = kind == "sessions" and format in ("mooncake-session", "bailian", "baseten")
    assert (len(sessions) < len(rows)) == has_sessions


def test_aiperf_waits_as_long_as_our_delays(aiperf):
    trace, sessions = aiperf["mooncake-session", "sessions"]
    waits = [row["delay"] for rows in sessions.values() for row in rows if row["delay"] is not None]
    for id, rows in sessions.items():
        assert rows[0]["timestamp"] is not None
        assert all(row["timestamp"] is None and row["delay"] is not None for row in rows[1:]), id
    # Sessions that began before the trace have a time instead of a delay on the first turn that is in it.
    ours = 1000 * trace.delay[~np.isnan(trace.delay)]
    assert 0 < len(waits) < len(ours)
    assert set(np.round(waits, 6)) <= set(np.round(ours, 6))


@pytest.mark.parametrize("kind", KINDS)
def test_aiperf_is_refused_baseten_since_it_would_send_our_empty_prompts(kind, aiperf):
    """It makes prompts only where there is no text at all."""
    for format in AIPERF:
        _, sessions = aiperf[format, kind]
        texts = {row["text_input"] for session in sessions.values() for row in session}
        assert texts == ({""} if format == "baseten" else {None})
    assert "baseten" not in READERS["aiperf"]


# guidellm

NATIVE = {"csv": "csv_file", "jsonl": "json_file", "parquet": "parquet_file", "arrow": "arrow_file"}
NATIVE_COLUMNS = {"timestamp": "timestamp", "input": "input_tokens", "output": "output_tokens", "scale": "1"}
ROWS = 100
"""Prompts are made of them, which takes its time."""


@pytest.fixture(scope="module")
def guidellm(tmp_path_factory) -> dict[str, tuple[tt.Trace, Any]]:
    """By name, a trace and guidellm's rows."""
    needs("guidellm")
    folder = tmp_path_factory.mktemp("guidellm")
    traces: dict[str, tt.Trace] = {}
    tasks = []
    for format, block, scale in (("mooncake", "512", "0.001"), ("bailian", "16", "1")):
        for kind in KINDS:
            path = folder / f"{format}-{kind}.jsonl"
            traces[f"{format}, {kind}"] = write(kind, format, path, ROWS)
            tasks.append(["mooncake", path, {"block": block, "scale": scale}])
    plain = job("language").generate()[:ROWS]
    for format, kind in NATIVE.items():
        plain.write(folder / f"native.{format}")
        traces[f"native, {format}"] = plain
        tasks.append([kind, folder / f"native.{format}", NATIVE_COLUMNS])
    plain.write(folder / "burstgpt.csv", format="burstgpt")
    traces["burstgpt"] = plain
    columns = {"timestamp": "Timestamp", "input": "Request tokens", "output": "Response tokens"}
    tasks.append(["csv_file", folder / "burstgpt.csv", {**columns, "scale": "1"}])
    plain.write(folder / "baseten.parquet", format="baseten")
    traces["baseten"] = plain
    columns = {**NATIVE_COLUMNS, "timestamp": "timestamp_start_unix_ms", "scale": "0.001"}
    tasks.append(["parquet_file", folder / "baseten.parquet", columns])
    traces["wrong"] = plain
    wrong = {"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0]}
    (folder / "wrong.jsonl").write_text(json.dumps(wrong) + "\n")
    assert not tt.validate(folder / "wrong.jsonl", tools=["guidellm"]).is_valid
    tasks.append(["mooncake", folder / "wrong.jsonl", {"block": "512", "scale": "0.001"}])
    rows = loaded("guidellm_load.py", tasks)
    return {name: (trace, found) for (name, trace), found in zip(traces.items(), rows, strict=True)}


@pytest.mark.parametrize(
    "name",
    [
        *(f"{format}, {kind}" for format in ("mooncake", "bailian") for kind in KINDS),
        *(f"native, {format}" for format in NATIVE),
        "burstgpt",
        "baseten",
    ],
)
def test_guidellm_loads_every_request(name, guidellm):
    trace, rows = guidellm[name]
    assert not isinstance(rows, str), rows
    assert [row["input_length"] for row in rows] == trace.input_tokens.tolist()
    assert [row["output_length"] for row in rows] == trace.output_tokens.tolist()
    tolerance = 1.01e-3 if name == "baseten" else 1e-6
    times = [row["timestamp"] for row in rows]
    assert np.allclose(times, trace.timestamp - trace.timestamp[0], rtol=0, atol=tolerance)


def test_guidellm_refuses_what_we_call_wrong(guidellm):
    _, error = guidellm["wrong"]
    assert "does not match given 1 blocks" in str(error)
