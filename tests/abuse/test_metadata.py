"""Metadata that are not ours, or are damaged: each command reads the file, or refuses it with a sentence."""

from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile import tracetide
from platforms import posix_only

pytestmark = [pytest.mark.abuse, posix_only]

ROWS = 200
DEEP = 100_000
JOBS = {
    "duration-huge": '{"duration": 1e300}',
    "duration-nan": '{"duration": NaN}',
    "duration-infinite": '{"duration": 1e400}',
    "duration-text": '{"duration": "1h"}',
    "duration-list": '{"duration": [3600]}',
    "duration-negative": '{"duration": -1}',
    "block-huge": '{"block_size": 1e300}',
    "block-list": '{"block_size": [16]}',
    "block-negative": '{"block_size": -16}',
    "prompt-blocks": '{"block_size": 16, "prompt_blocks": [1e300, "x"]}',
    "names": '{"client_names": [1, 2, null]}',
    "rate": '{"rate": 5, "profile": [], "span": "x", "seed": -1, "part": 7}',
    "deep-lists": '{"a": ' + "[" * DEEP + "]" * DEEP + "}",
    "deep-objects": '{"a":' * DEEP + "1" + "}" * DEEP,
    "just-not-too-deep": '{"a": ' + "[" * 199 + "]" * 199 + "}",
    "digits": '{"duration": ' + "9" * 100_000 + "}",
    "surrogate": '{"a": "\\ud800"}',
    "escape": '{"name": "\\u001b[2J"}',
    "no-json": "{",
    "no-object": "[1, 2]",
    "not-utf8": b'{"a": "\xff"}',
    "large": json.dumps({"a": list(range(1_000_000))}),
}
COMMANDS = {
    "validate": ["validate", "{}"],
    "describe": ["describe", "{}"],
    "describe-json": ["describe", "{}", "--json"],
    "convert": ["convert", "{}", "out.jsonl"],
    "convert-parquet": ["convert", "{}", "out.parquet"],
    "mooncake": ["convert", "{}", "out.mooncake.jsonl", "--format", "mooncake"],
    "fit": ["fit", "{}", "-o", "out.tide"],
    "characterize": ["characterize", "{}", "-o", "folder"],
    "compare": ["compare", "{}", "{}"],
    "report": ["report", "{}", "-o", "out.html"],
    "upsample": ["upsample", "{}", "out.csv", "--factor", "2"],
}


def table() -> pa.Table:
    rows = range(ROWS)
    return pa.table(
        {
            "timestamp": pa.array([0.5 * row + 0.1 * (row % 3) for row in rows]),
            "client_id": pa.array([row % 3 for row in rows], pa.uint32()),
            "input_tokens": pa.array([5 + row % 7 for row in rows], pa.uint32()),
            "output_tokens": pa.array([9 + row % 5 for row in rows], pa.uint32()),
        }
    )


@pytest.mark.parametrize("container", ["parquet", "arrow"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("job", JOBS)
def test_metadata(job, command, container, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = table().replace_schema_metadata({"tracetide.job": JOBS[job]})
    path = tmp_path / f"t.{container}"
    if container == "parquet":
        pq.write_table(made, path)
    else:
        with pa.ipc.new_file(path, made.schema) as writer:
            writer.write_table(made)
    tracetide(*[part.replace("{}", path.name) for part in COMMANDS[command]])
    shutil.rmtree(tmp_path / "folder", ignore_errors=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_names_that_are_not_utf8(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = pa.array([b"a", b"b\xff", b"c", b"\x1b[2J"] * (ROWS // 4)).view(pa.string())
    pq.write_table(table().drop(["client_id"]).append_column("client", names), tmp_path / "t.parquet")
    tracetide(*[part.replace("{}", "t.parquet") for part in COMMANDS[command]])
