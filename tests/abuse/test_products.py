"""Limits that are sound alone and too much together: refused, or done in bounded time and memory."""

from __future__ import annotations

import os
import signal
import time

import pytest
from cli_tools import COMMAND
from hostile import SECONDS, python, run, tracetide
from platforms import posix_only

pytestmark = [pytest.mark.abuse, posix_only]

POOL = "pool = tt.ClientPool([tt.Client(rate=1, input_tokens=5, output_tokens=6{more})]{of})\n"
MILLIONS = 70_000_000


def pool(more: str = "", of: str = "") -> str:
    return POOL.format(more=f", {more}" if more else "", of=f", {of}" if of else "")


def sessions(turns: str, steps: str) -> str:
    return pool(f"sessions=tt.Sessions(turns={turns}, steps=[{steps}])")


JOBS = {
    "items-of-many-tokens": "pool = tt.ClientPool([tt.Client(rate=1, text_tokens=1, output_tokens=1, "
    "image_count=65_535, image_tokens=2**32 - 1)])\ntt.Job(pool, rate=1, duration=10).generate()",
    "items-near-the-end": "pool = tt.ClientPool([tt.Client(rate=1, text_tokens=2**32 - 1, output_tokens=1, "
    "image_count=2, image_tokens=2**31)])\ntt.Job(pool, rate=1, duration=10).generate()",
    "many-items-in-a-stream": "pool = tt.ClientPool([tt.Client(rate=1, text_tokens=1, output_tokens=1, "
    "image_count=262_144, image_tokens=9)])\nfor batch in tt.stream(pool, rate=100, duration=10): pass",
    "fan-out": sessions(
        "4096", "tt.Tool(latency=1, tokens=2**32 - 1, calls=64, failure=0.999999, retries=15)"
    )
    + "tt.Job(pool, rate=1, duration=600).generate()",
    "tools-that-fail": sessions("2", "tt.Tool(latency=1, tokens=1, calls=64, failure=1 - 1e-12, retries=15)")
    + "tt.Job(pool, rate=1, duration=600)",
    "agents-in-agents": "one = tt.Sessions(turns=1, steps=[tt.Tool(latency=1, tokens=1)])\n"
    "for _ in range(3): one = tt.Sessions(turns=32, steps=[tt.SubAgent(sessions=one, calls=32)])\n"
    "pool = tt.ClientPool([tt.Client(rate=1, input_tokens=1, output_tokens=1, sessions=one)])\n"
    "tt.Job(pool, rate=1, duration=600)",
    "rate-as-a-function": pool() + f"tt.Job(pool, rate=lambda time: 1.0, duration={MILLIONS * 600})",
    "rate-steps": pool() + f"tt.Job(pool, rate=np.ones({MILLIONS}), duration={MILLIONS * 600})",
    "a-tiny-window-for-long": pool(of="window='1ms', period='1h'") + "tt.Job(pool, scale=1, duration=4e9)",
    "a-huge-rate": pool() + "next(iter(tt.stream(pool, rate=1e12, duration=4e9)))",
    "hash-ids": pool("prefixes=tt.Prefixes(levels=[tt.PromptLevel(prompts=1_000_000, tokens=2**32 - 1)])")
    + "tt.Job(pool, rate=1, duration=600, block_size=1).generate()",
    "blocks-of-one-token": pool().replace("=5", "=2**32 - 1")
    + "for batch in tt.stream(pool, rate=1, duration=600, block_size=1): pass",
    "many-columns-of-a-pmf": pool().replace(
        "input_tokens=5", "input_tokens={n: 1e-6 for n in range(1, 10**6)}"
    )
    + "tt.Job(pool, rate=1, duration=60).generate()",
}


@pytest.mark.parametrize("name", JOBS)
def test_jobs(name):
    python(JOBS[name])


LARGE = "timestamp,input_tokens,output_tokens\n" + "".join(f"{n},4294967295,1\n" for n in range(100))


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert", "large.csv", "out.jsonl", "--format", "mooncake"],
        ["convert", "large.csv", "out.jsonl", "--format", "mooncake", "--block-size", "1"],
        ["describe", "large.csv"],
        ["fit", "large.csv", "-o", "out.tide", "--window", "1e18"],
        ["fit", "large.csv", "-o", "out.tide", "--window", "1ms"],
        ["upsample", "large.csv", "out.csv", "--factor", "1e-300"],
        ["upsample", "large.csv", "out.csv", "--factor", "1e300"],
        ["provision", "large.csv", "--instances", "1000000000"],
        [
            "provision",
            "m-small",
            "--rate",
            "5",
            "--duration",
            "10min",
            "--ttft",
            "1",
            "--tbt",
            "1",
            "--quantile=nan",
        ],
        [
            "generate",
            "m-small",
            "--rate",
            "5",
            "--duration",
            "1min",
            "-o",
            "x.csv",
            "--threads",
            "99999999999",
        ],
        ["generate", "m-small", "--rate", "1e300", "--duration", "1min", "-o", "x.csv"],
        ["generate", "m-small", "--rate", "5", "--duration", "1e300", "-o", "x.csv"],
    ],
)
def test_commands(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "large.csv").write_text(LARGE)
    tracetide(*arguments)


def test_a_long_simulation_holds_little():
    command = ["provision", "m-small", "--rate", "1e5", "--duration", "30d", "--instances", "2"]

    def meanwhile(process):
        time.sleep(SECONDS)
        os.kill(process.pid, signal.SIGTERM)

    run([*COMMAND, *command], seconds=2 * SECONDS, meanwhile=meanwhile).check(codes=(143,))


def test_lines_and_columns(tmp_path):
    path = tmp_path / "t.csv"
    for content in (
        b"\n" * (64 << 20) + b"timestamp,input_tokens,output_tokens\n0,1,1\n",
        b"timestamp,input_tokens,output_tokens\n0,1,1\n" + b"\n" * (64 << 20),
        b"timestamp,input_tokens,output_tokens," + b"a," * 5_000_000 + b"b\n0,1,1\n",
        b"timestamp,input_tokens,output_tokens\n0,1," + b"1" * (80 << 20) + b"\n",
        b'{"timestamp": 0, "a": ' + b"[" * (50 << 20) + b"\n",
    ):
        path.write_bytes(content)
        tracetide("describe", path)
