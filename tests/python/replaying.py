"""Tools that replay a file against a server of ours, and what arrived there."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "tools"
PYTHON = os.environ.get("TRACETIDE_TOOLS_PYTHON", sys.executable)
MINUTES = 4


def needs(tool: str) -> None:
    """Skip where a tool is not installed."""
    found = subprocess.run([PYTHON, "-c", f"import {tool}"], capture_output=True)
    if found.returncode != 0:
        pytest.skip(f"{tool} is not installed for {PYTHON}; name another with TRACETIDE_TOOLS_PYTHON")


EXACT = "as it is"
WHAT_ARRIVES = (
    ("aiperf", "mooncake", "requests that stand alone, with prefixes", EXACT),
    ("aiperf", "burstgpt", "requests that stand alone", EXACT),
    ("aiperf", "mooncake-delta", "conversations and agents", f"{EXACT}; split turns at their own times"),
    ("aiperf", "mooncake-session", "conversations and agents", "refused: prompts would add up"),
    ("aiperf", "bailian", "conversations and agents", "refused: prompts would add up"),
    ("guidellm", "mooncake", "requests that stand alone, with prefixes", EXACT),
    ("guidellm", "burstgpt", "requests that stand alone", EXACT),
    ("guidellm", "native", "requests that stand alone", EXACT),
    ("guidellm", "baseten", "requests that stand alone", EXACT),
    ("inference-perf", "azure", "requests that stand alone", EXACT),
    ("inference-perf", "azure", "requests with images", f"{EXACT}, as text"),
)
"""Tool, format, trace, and what `test_replay.py` finds: prompts and answers in tokens, and times."""


@dataclass(frozen=True)
class Arrival:
    """A request that arrived.

    Attributes:
        arrived: Unix time, s.
        ended: when it was answered, s.
        prompt: tokens of all its messages.
        output: tokens of the answer.
        session: as the tool calls it.
        messages: tokens of each message.
        ignore_eos: whether the answer should have its full length.
    """

    arrived: float
    ended: float
    prompt: int
    output: int
    session: str = ""
    messages: list[int] = field(default_factory=list)
    ignore_eos: bool = False


@dataclass(frozen=True)
class Server:
    """The running server."""

    port: int
    log: Path

    def arrivals(self) -> list[Arrival]:
        """All requests, in the order of their arrival."""
        entries = [json.loads(line) for line in self.log.read_text().splitlines()]
        arrivals = [
            Arrival(
                entry["arrived"],
                entry["ended"],
                entry["prompt"],
                entry["output"],
                (entry["correlation"] or "").removeprefix("fixed-schedule-"),
                entry["messages"],
                bool(entry["ignore_eos"]),
            )
            for entry in entries
        ]
        return sorted(arrivals, key=lambda one: one.arrived)


@contextmanager
def serving(folder: Path, *, reasoning: float = 0.0) -> Iterator[Server]:
    """A server for one replay; the share of its answers is reasoning, which it takes out of them."""
    log = folder / "log.jsonl"
    log.touch()
    command = [sys.executable, SCRIPTS / "mock_server.py", log, str(reasoning)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield Server(int(process.stdout.readline()), log)
        finally:
            process.terminate()


def character_tokenizer(folder: Path) -> Path:
    """A folder as `HF_HOME` with a tokenizer whose tokens are characters, of AIPerf's own text as well."""
    find = (
        "from importlib.util import find_spec; from pathlib import Path; found = find_spec('aiperf');"
        "print(*Path(found.origin).parent.rglob('shakespeare*.txt') if found else ())"
    )
    texts = subprocess.run([PYTHON, "-c", find], capture_output=True, check=True).stdout.decode().split()
    environment = _offline(folder)
    subprocess.run([PYTHON, SCRIPTS / "character_tokenizer.py", *texts], check=True, env=environment)
    return folder


def _offline(hub: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return kept | {"HF_HOME": str(hub), "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def aiperf(command: str, server: Server, hub: Path, folder: Path) -> list[Arrival]:
    """What arrives when AIPerf is told what we tell its users."""
    words = _words(command, "aiperf", server)
    more = [
        "--tokenizer",
        "tracetide/characters",
        "--output-artifact-dir",
        folder / "artifacts",
        "--ui",
        "none",
    ]
    quiet = ["--no-gpu-telemetry", "--no-server-metrics"]
    _run([*words, *more, *quiet], hub, folder)
    return server.arrivals()


def guidellm(command: str, server: Server, hub: Path, folder: Path) -> list[Arrival]:
    """The same of guidellm."""
    words = _words(command, "guidellm", server)
    tokenizer = next(hub.glob("hub/models--tracetide--characters/snapshots/*"))
    _run([*words, "--tokenizer", f"kind=hf_auto,model={tokenizer}", "--disable-console"], hub, folder)
    return server.arrivals()


def inference_perf(configuration: str, server: Server, hub: Path, folder: Path) -> list[Arrival]:
    """The same of inference-perf, which has the rest of its configuration besides."""
    tokenizer = next(hub.glob("hub/models--tracetide--characters/snapshots/*"))
    address = f"http://127.0.0.1:{server.port}"
    rest = (
        f'server: {{type: vllm, model_name: m, base_url: "{address}", ignore_eos: true}}',
        f"tokenizer: {{pretrained_model_name_or_path: {tokenizer}}}",
    )
    file = folder / "config.yml"
    file.write_text("\n".join((configuration, *rest)))
    _run([_program("inference-perf"), "-c", file], hub, folder)
    return server.arrivals()


def help_of(tool: str, subcommand: str) -> str:
    """What `--help` says."""
    environment = os.environ | {"COLUMNS": "200", "NO_COLOR": "1"}
    run = [_program(tool), subcommand, "--help"]
    return subprocess.run(run, capture_output=True, check=True, env=environment).stdout.decode()


def _words(command: str, tool: str, server: Server) -> list[str | Path]:
    known = command.replace("MODEL", "m").replace("localhost:8000", f"localhost:{server.port}")
    first, *words = shlex.split(known)
    assert first == tool
    return [_program(tool), *words]


def _program(tool: str) -> Path:
    return Path(PYTHON).parent / tool


def _run(command: Sequence[str | Path], hub: Path, folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, timeout=60 * MINUTES, cwd=folder, env=_offline(hub))
    assert done.returncode == 0, done.stdout.decode()[-3000:] + done.stderr.decode()[-3000:]
