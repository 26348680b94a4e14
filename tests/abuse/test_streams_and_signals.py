"""Many streams, threads that are left behind, and Ctrl-C: everything ends in time and as it should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from cli_tools import COMMAND
from hostile import RUNS, python, run
from platforms import posix_only

pytestmark = [pytest.mark.abuse, posix_only]

SOON = 2.0
"""Seconds from Ctrl-C to the end, on a busy machine."""

POOL = "pool = tt.ClientPool([tt.Client(rate=1, input_tokens=400, output_tokens=6, count=1000)])\n"
BLOCKS = (
    "model = tt.Prefixes(levels=[tt.PromptLevel(prompts=100, tokens=2000)])\n"
    "pool = tt.ClientPool([tt.Client(rate=1, input_tokens=4000, output_tokens=6, prefixes=model)])\n"
)


@pytest.mark.parametrize(("rate", "streams"), [(20, 300), (200, 300), (2000, 20)])
def test_many_streams_at_once(rate, streams):
    python(
        POOL + f"made = [tt.stream(pool, rate={rate}, duration='1h', seed=n, threads=1, batch_size=1000)"
        f" for n in range({streams})]\n"
        "streams = [iter(one) for one in made]\n"
        "print(sum(len(next(stream)['timestamp']) for stream in streams))",
        seconds=60,
    )


@pytest.mark.parametrize("daemon", [True, False])
def test_a_thread_that_streams_while_the_program_ends(daemon):
    duration = "7d" if daemon else "1min"
    code = (
        "import threading, time\nimport tracetide as tt\n" + POOL + "def work():\n"
        f"    for batch in tt.stream(pool, rate=1000, duration='{duration}'): pass\n"
        f"threading.Thread(target=work, daemon={daemon}).start()\n"
        "time.sleep(0.1)\n"
    )
    for _ in range(max(RUNS // 5, 1)):
        run([sys.executable, "-c", code]).check(codes=(0,))


LONG = {
    "generate": POOL + "tt.Job(pool, rate=1e6, duration='7d').generate()",
    "stream": POOL + "for batch in tt.stream(pool, rate=1e6, duration='7d'): pass",
    "shard": BLOCKS + "job = tt.Job(pool, rate=20_000, duration='1d', block_size=1)\n"
    "for batch in job.shards(24)[-1].stream(): pass",
    "paced": BLOCKS + "for request in tt.pace(tt.Job(pool, rate=1e-6, duration=1e8)): pass",
    "agents": "one = tt.Sessions(turns=1, steps=[tt.Tool(latency=1, tokens=1)])\n"
    "for _ in range(3): one = tt.Sessions(turns=16, steps=[tt.SubAgent(sessions=one, calls=16)])\n"
    "pool = tt.ClientPool([tt.Client(rate=1, input_tokens=1, output_tokens=1, sessions=one)])\n"
    "tt.Job(pool, rate=1e5, duration='7d').generate()",
}


def interrupt_later(process: subprocess.Popen[bytes]) -> None:
    time.sleep(1.5)
    os.kill(process.pid, signal.SIGINT)  # without reaping it


@pytest.mark.parametrize("name", LONG)
def test_an_interrupt_is_heard(name):
    code = (
        "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import tracetide as tt\n"
        "try:\n"
        + "".join(f"    {line}\n" for line in LONG[name].splitlines())
        + "except KeyboardInterrupt:\n"
        "    sys.exit(130)\n"
        "except ValueError as error:\n    print(f'error: {error}', file=sys.stderr)\n    sys.exit(2)\n"
    )
    found = run([sys.executable, "-c", code], meanwhile=interrupt_later, seconds=1.5 + 3 * SOON)
    assert found.code in (130, 2), found
    assert found.seconds < 1.5 + SOON, found


def handles(process: int, number: int) -> bool:
    """Whether it has come so far that it listens to the signal, or has ended."""
    with open(f"/proc/{process}/status") as file:
        status = dict(line.split(":", 1) for line in file)
    return bool(int(status.get("SigCgt", "-1"), 16) >> (number - 1) & 1) or "Z" in status["State"]


COMMANDS = {
    "generate": ["generate", "m-small", "--rate", "1e6", "--duration", "7d", "-o", "out.parquet"],
    "provision": ["provision", "m-large", "--rate", "500", "--duration", "10h", "--instances", "50"],
    "describe": ["describe", "trace.csv"],
    "fit": ["fit", "trace.csv", "-o", "out.tide"],
    "convert": ["convert", "trace.csv", "out.parquet"],
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_ends_soon_and_leaves_nothing(command, number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{n / 100},{n % 900 + 1},{n % 90 + 1}\n" for n in range(3_000_000))
    (tmp_path / "trace.csv").write_text("timestamp,input_tokens,output_tokens\n" + rows)

    def meanwhile(process: subprocess.Popen[bytes]) -> None:
        while not handles(process.pid, signal.SIGTERM):
            time.sleep(0.01)
        time.sleep(0.5)
        os.kill(process.pid, number)

    found = run([*COMMAND, *COMMANDS[command]], meanwhile=meanwhile, seconds=30)
    assert found.code in (0, 130, 143, 129, -signal.SIGINT), found  # a short one may be done
    assert "Traceback" not in found.err, found
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
