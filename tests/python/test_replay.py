"""What arrives at a server when the real tools replay what we write: `pytest -m tools`.

Prompts, answers and waits are compared turn by turn. See `test_tools.py` for how the tools are installed;
inference-perf (`pip install inference-perf==0.7.0`, Python 3.12) needs an environment of its own.
"""

from __future__ import annotations

import json
import re
import shlex
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import tracetide as tt
from replaying import Arrival, aiperf, character_tokenizer, guidellm, help_of, inference_perf, needs, serving
from small_profiles import IntegerPmf, one_client
from tracetide.io.formats import FORMATS
from tracetide.io.formats.tools import File
from tracetide.io.formats.tools import aiperf as told_to_aiperf
from tracetide.io.writing import format_of
from tracetide.io.writing.replay import replay_commands

pytestmark = pytest.mark.tools
LATE_S = 1.0
"""By which a busy machine may delay a turn; none comes before its time but for the clock."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Path:
    needs("transformers")
    return character_tokenizer(tmp_path_factory.mktemp("hub"))


def command(path: Path, format: str, tool: str, **options: int) -> str:
    (one,) = [one for one in replay_commands(path, format_of(path, format), **options) if one.tool == tool]
    return one.command


def chats() -> tt.Trace:
    """A conversation that grows, one of which something was dropped, and a request that stands alone."""
    rows = [  # s, session, turn, delay, input, output
        (0.0, 1, 1, np.nan, 300, 40),
        (0.1, 2, 1, np.nan, 128, 16),
        (0.2, tt.NO_SESSION, 1, np.nan, 1000, 10),
        (0.4, 1, 2, 0.3, 420, 50),
        (0.6, 2, 2, 0.4, 256, 400),
        (0.9, 1, 3, 0.2, 700, 30),
        (1.2, 2, 3, 0.5, 300, 20),  # 256 + 400 are there: some of it was dropped
        (1.4, 1, 4, 0.3, 731, 9),  # one token is new
        (1.6, 2, 4, 0.3, 400, 20),
    ]
    time, session, turn, delay, inputs, outputs = zip(*rows, strict=True)
    return tt.Trace(
        {
            "timestamp": np.array(time),
            "input_tokens": np.array(inputs, dtype=np.uint32),
            "output_tokens": np.array(outputs, dtype=np.uint32),
            "session_id": np.array(session, dtype=np.uint64),
            "turn": np.array(turn, dtype=np.uint16),
            "delay": np.array(delay),
        }
    )


def agents() -> tt.Trace:
    """A few seconds of conversations with common prompts, and of agents with tools."""
    lengths = IntegerPmf([40, 90, 700], [0.4, 0.4, 0.2])
    fields = {"input_tokens": lengths, "output_tokens": lengths}
    pool = tt.ClientPool(one_client(6.0, "gamma", 0.5, category="language", **fields), name="agents")
    tool = tt.Tool(latency=0.2, tokens=150, calls={1: 0.7, 3: 0.3})
    agent = tt.Sessions(turns={2: 0.3, 5: 0.7}, share=0.8, steps=[tool], first_tokens=300)
    prompts = tt.Prefixes(share=0.9, levels=[tt.PromptLevel(prompts=3, tokens=130)])
    pool = pool.with_sessions(agent).with_prefixes(prompts)
    return tt.Job(pool, duration=10, seed=5, block_size=64).generate()


def of_sessions(path: Path) -> dict[str, list[dict]]:
    """The rows of a file by session, those that stand alone under an empty name."""
    found = defaultdict(list)
    for line in path.read_text().splitlines():
        row = json.loads(line)
        found[row["session_id"] or ""].append(row)
    return found


@pytest.mark.parametrize(("make", "block"), [(chats, 64), (agents, 64)])
def test_aiperf_sends_the_prompts_of_conversations_as_they_are(make, block, hub, tmp_path):
    needs("aiperf")
    trace, path = make(), tmp_path / "trace.jsonl"
    written = trace.write(path, format="mooncake-delta", block_size=block)
    assert tt.validate(path, tools=["aiperf"], block_size=block).is_valid
    with serving(tmp_path) as server:
        told = command(path, "mooncake-delta", "AIPerf", block_size=block)
        arrived = aiperf(told, server, hub, tmp_path)
    lengths = sorted(zip(trace.input_tokens.tolist(), trace.output_tokens.tolist(), strict=True))
    assert sorted((one.prompt, one.output) for one in arrived) == lengths
    assert all(one.ignore_eos for one in arrived)
    if make is chats:
        assert written.split_turns == 1
    records = tt.read(tmp_path / "artifacts" / "profile_export.jsonl")
    found = zip(records.input_tokens.tolist(), records.output_tokens.tolist(), strict=True)
    assert sorted(found) == lengths
    by_session = defaultdict(list)
    for one in arrived:
        by_session[one.session].append(one)
    sessions = of_sessions(path)
    alone = sessions.pop("", [])
    assert len(arrived) == len(alone) + sum(map(len, sessions.values()))
    assert max(map(len, sessions.values())) > 2
    for name, rows in sessions.items():
        check_turns(rows, by_session[name])


def test_aiperf_takes_reasoning_for_context_where_answers_are_streamed(hub, tmp_path):
    """Though the server has it apart from what it answers: 300 + 40 + 30, and 370 + 60 + 15."""
    needs("aiperf")
    path = tmp_path / "trace.jsonl"
    columns = {
        "timestamp": np.array([0.0, 0.4, 0.8]),
        "input_tokens": np.array([300, 370, 445], dtype=np.uint32),
        "output_tokens": np.array([40, 60, 8], dtype=np.uint32),
        "session_id": np.array([1, 1, 1], dtype=np.uint64),
        "turn": np.array([1, 2, 3], dtype=np.uint16),
        "delay": np.array([np.nan, 0.2, 0.2]),
    }
    assert tt.Trace(columns).write(path, format="aiperf").split_turns == 0
    with serving(tmp_path, reasoning=0.5) as server:
        arrived = aiperf(command(path, "aiperf", "AIPerf"), server, hub, tmp_path)
    assert [one.messages for one in arrived][-1] == [300, 40, 30, 60, 15]


def check_turns(rows: list[dict], arrived: list[Arrival]) -> None:
    """Prompts, answers and waits of one session, in order."""
    wanted = [(row["prompt_length"], row["output_length"]) for row in rows]
    assert [(one.prompt, one.output) for one in arrived] == wanted
    for row, before, one in zip(rows[1:], arrived, arrived[1:], strict=False):
        wait = one.arrived - before.ended
        assert row["delay"] / 1000 - 0.02 < wait < row["delay"] / 1000 + LATE_S


@pytest.mark.parametrize(
    ("format", "file"), [("mooncake-session", "mooncake_trace"), ("bailian", "bailian_trace")]
)
def test_aiperf_is_refused_whole_prompts_since_it_would_add_them_up(format, file, hub, tmp_path):
    needs("aiperf")
    path = tmp_path / "trace.jsonl"
    chats().write(path, format=format)
    assert not tt.validate(path, tools=["aiperf"]).is_valid
    with serving(tmp_path) as server:
        told = told_to_aiperf(File(str(path), 512, "9"), file).command
        arrived = aiperf(told, server, hub, tmp_path)
    assert sum(one.prompt for one in arrived) > 1.5 * chats().input_tokens.sum()


ALONE = [
    ("mooncake", "trace.jsonl", "AIPerf"),
    ("burstgpt", "trace.csv", "AIPerf"),
    ("mooncake", "trace.jsonl", "guidellm"),
    ("burstgpt", "trace.csv", "guidellm"),
    ("parquet", "trace.parquet", "guidellm"),
    ("baseten", "trace.parquet", "guidellm"),
    ("azure", "trace.csv", "inference-perf"),
]
REPLAYS = {"AIPerf": aiperf, "guidellm": guidellm, "inference-perf": inference_perf}


@pytest.mark.parametrize(("format", "name", "tool"), ALONE)
def test_requests_that_stand_alone_come_at_their_times(format, name, tool, hub, tmp_path):
    needs(tool.lower().replace("-", "_"))
    trace, path = agents(), tmp_path / name
    trace.write(path, format=format, block_size=64)
    replay = REPLAYS[tool]
    with serving(tmp_path) as server:
        arrived = replay(command(path, format, tool, block_size=64), server, hub, tmp_path)
    lengths = zip(trace.input_tokens.tolist(), trace.output_tokens.tolist(), strict=True)
    assert sorted((one.prompt, one.output) for one in arrived) == sorted(lengths)
    times = np.array([one.arrived for one in arrived])
    late = (times - times[0]) - (trace.timestamp - trace.timestamp[0])
    assert (np.abs(late) < LATE_S).all()


def test_inference_perf_does_not_take_images_for_tokens(hub, tmp_path):
    needs("inference_perf")
    trace, path = agents()[:20], tmp_path / "trace.csv"
    columns = {name: trace[name] for name in ("timestamp", "input_tokens", "output_tokens")}
    images = tt.Trace(columns | {"image_count": np.full(20, 3, dtype=np.uint32)})
    images.write(path, format="azure")
    assert "NumImages" in path.read_text()
    with serving(tmp_path) as server:
        arrived = inference_perf(command(path, "azure", "inference-perf"), server, hub, tmp_path)
    lengths = zip(trace.input_tokens.tolist(), trace.output_tokens.tolist(), strict=True)
    assert sorted((one.prompt, one.output) for one in arrived) == sorted(lengths)


PROGRAMS = {"AIPerf": ("aiperf", "profile"), "guidellm": ("guidellm", "run")}


@pytest.mark.parametrize("tool", PROGRAMS)
def test_a_tool_knows_every_option_that_it_is_told(tool):
    """vLLM and SGLang are not asked, as they want a GPU's libraries; inference-perf reads a file."""
    program = PROGRAMS[tool]
    needs(program[0])
    told = [
        one.command
        for format in FORMATS.values()
        for block in (16, 64, 512)
        for one in format.replay(File("trace.jsonl", block, "9"))
        if one.tool == tool
    ]
    assert told
    known = help_of(*program)
    for text in told:
        words = shlex.split(text)
        assert tuple(words[:2]) == program
        for option in (word for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b", known), (option, text)
