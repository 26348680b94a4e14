"""Traces in the formats of other tools: what is in them, that they can be read again, and the rules."""

from __future__ import annotations

import ast
import csv
import json
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tracetide as tt
from format_traces import KINDS, TOOL_TEXT, TOOLS, ending, job, pool, traces, uint32
from hypothesis import given, settings
from tracetide.profile.bundled import bundled

NAN = float("nan")


@pytest.fixture
def chats() -> tt.Trace:
    """Two turns of one session among requests that stand alone."""
    return tt.Trace(
        {
            "timestamp": np.array([0.0, 0.0015, 1.000000001, 61.5]),
            "client_id": uint32([3, 0, 3, 4_294_967_295]),
            "input_tokens": uint32([1, 513, 1024, 20]),
            "output_tokens": uint32([7, 1, 4_294_967_295, 30]),
            "reason_tokens": uint32([0, 1, 5, 15]),
            "session_id": np.array([tt.NO_SESSION, 12, 12, tt.NO_SESSION], dtype=np.uint64),
            "turn": np.array([1, 1, 2, 1], dtype=np.uint16),
            "delay": np.array([NAN, NAN, 0.25, NAN]),
        }
    )


# ruff: noqa: E501
EXPECTED = {
    "mooncake": """\
{"timestamp":0,"input_length":1,"output_length":7,"hash_ids":[0],"client_id":3,"reason_tokens":0,"turn":1}
{"timestamp":1.5,"input_length":513,"output_length":1,"hash_ids":[1,2],"client_id":0,"reason_tokens":1,"turn":1}
{"timestamp":1000.000001,"input_length":1024,"output_length":4294967295,"hash_ids":[3,4],"client_id":3,"reason_tokens":5,"turn":2}
{"timestamp":61500,"input_length":20,"output_length":30,"hash_ids":[5],"client_id":4294967295,"reason_tokens":15,"turn":1}
""",
    "mooncake-session": """\
{"session_id":null,"timestamp":0,"input_length":1,"output_length":7,"hash_ids":[0],"client_id":3,"reason_tokens":0,"turn":1}
{"session_id":"12","timestamp":1.5,"input_length":513,"output_length":1,"hash_ids":[1,2],"client_id":0,"reason_tokens":1,"turn":1}
{"session_id":"12","delay":250,"input_length":1024,"output_length":4294967295,"hash_ids":[3,4],"client_id":3,"reason_tokens":5,"turn":2}
{"session_id":null,"timestamp":61500,"input_length":20,"output_length":30,"hash_ids":[5],"client_id":4294967295,"reason_tokens":15,"turn":1}
""",
    "mooncake-delta": """\
{"session_id":null,"timestamp":0,"input_length":1,"output_length":7,"prompt_length":1,"hash_ids":[0],"client_id":3,"reason_tokens":0,"turn":1}
{"session_id":"12","timestamp":1.5,"input_length":513,"output_length":1,"prompt_length":513,"hash_ids":[1,2],"client_id":0,"reason_tokens":1,"turn":1}
{"session_id":"12","delay":250,"input_length":510,"output_length":4294967295,"prompt_length":1024,"hash_ids":[3],"client_id":3,"reason_tokens":5,"turn":2}
{"session_id":null,"timestamp":61500,"input_length":20,"output_length":30,"prompt_length":20,"hash_ids":[4],"client_id":4294967295,"reason_tokens":15,"turn":1}
""",
    "burstgpt": """\
Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type,Session ID,client_id,reason_tokens,turn,delay
0,GPT-4,1,7,8,API log,,3,0,1,
0.0015,GPT-4,513,1,514,Conversation log,12,0,1,1,
1.000000001,GPT-4,1024,4294967295,4294968319,Conversation log,12,3,5,2,0.25
61.5,GPT-4,20,30,50,API log,,4294967295,15,1,
""",
    "azure": """\
TIMESTAMP,ContextTokens,GeneratedTokens
2026-01-01 00:00:00.0000000,1,7
2026-01-01 00:00:00.0015000,513,1
2026-01-01 00:00:01.0000000,1024,4294967295
2026-01-01 00:01:01.5000000,20,30
""",
    "vidur": """\
arrived_at,num_prefill_tokens,num_decode_tokens,Time,PromptTokenCount,CompletionTokenCount,client_id,reason_tokens,session_id,turn,delay
0,1,7,0,1,7,3,0,,1,
0.0015,513,1,0.0015,513,1,0,1,12,1,
1.000000001,1024,4294967295,1.000000001,1024,4294967295,3,5,12,2,0.25
61.5,20,30,61.5,20,30,4294967295,15,,1,
""",
    "blis": """\
request_id,client_id,tenant_id,slo_class,session_id,round_index,prefix_group,prefix_length,streaming,input_tokens,output_tokens,text_tokens,image_tokens,audio_tokens,video_tokens,reason_ratio,model,deadline_us,server_input_tokens,arrival_time_us,send_time_us,first_chunk_time_us,last_chunk_time_us,num_chunks,status,error_message,finish_reason,think_time_us
0,3,,,,0,,0,true,1,7,1,0,0,0,0,,0,0,0,0,0,0,0,ok,,,0
1,0,,,12,0,,0,true,513,1,513,0,0,0,1,,0,0,1500,1500,0,0,0,ok,,,0
2,3,,,12,1,,0,true,1024,4294967295,1024,0,0,0,1.1641532185403987e-09,,0,0,1000000,1000000,0,0,0,ok,,,250000
3,4294967295,,,,0,,0,true,20,30,20,0,0,0,0.5,,0,0,61500000,61500000,0,0,0,ok,,,0
""",
    "llmservingsim": """\
{"session_id":null,"input_toks":1,"output_toks":7,"arrival_time_ns":0}
{"session_id":null,"input_toks":20,"output_toks":30,"arrival_time_ns":61500000000}
{"session_id":"12","arrival_time_ns":1500000,"sub_requests":[{"input_toks":513,"output_toks":1,"tool_duration_ns":250000000},{"input_toks":1024,"output_toks":4294967295,"tool_duration_ns":0}]}
""",
    "splitwise": """\
request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size
0,2,0,0,1,1,7
1,2,0,0.0015,1,513,1
2,2,0,1.000000001,1,1024,4294967295
3,2,0,61.5,1,20,30
""",
}


@pytest.mark.parametrize("format", EXPECTED)
def test_rows_are_as_the_tool_reads_them(chats, format, tmp_path):
    path = tmp_path / "trace.txt"
    chats.write(path, format=format)
    assert path.read_text() == EXPECTED[format]


def test_bailian_has_chats_with_parents(chats, tmp_path):
    path = tmp_path / "trace.txt"
    chats.write(path, format="bailian")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["parent_chat_id"] for row in rows] == [-1, -1, rows[1]["chat_id"], -1]
    assert rows[1]["chat_id"] == 12
    assert len({row["chat_id"] for row in rows}) == 4
    assert [row["timestamp"] for row in rows] == [0, 0.0015, 1.000000001, 61.5]
    assert [len(row["hash_ids"]) for row in rows] == [1, 33, 64, 2]
    assert {row["type"] for row in rows} == {"text"}
    assert all(row["chat_id"] < 2**53 for row in rows)
    assert "delay" not in rows[0]  # which AIPerf would take for milliseconds


def test_what_a_format_cannot_hold_is_named(chats, tmp_path):
    found = {format: chats.write(tmp_path / f"t{ending(format)}", format=format).left_out for format in TOOLS}
    assert found == {
        "mooncake": ("session_id", "delay"),
        "mooncake-session": ("timestamp",),
        "mooncake-delta": ("timestamp",),
        "bailian": ("delay",),
        "burstgpt": (),
        "azure": ("client_id", "reason_tokens", "session_id", "turn", "delay"),
        "vidur": (),
        "blis": (),
        "llmservingsim": ("timestamp", "client_id", "reason_tokens"),
        "splitwise": ("client_id", "reason_tokens", "session_id", "turn", "delay"),
        "baseten": ("timestamp", "client_id", "reason_tokens", "turn", "delay"),
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", TOOLS)
def test_bytes_depend_neither_on_threads_nor_on_the_way_they_are_made(kind, format, tmp_path):
    made = job(kind)
    path = tmp_path / f"trace{ending(format)}"
    made.write(path, format=format, threads=1)
    expected = path.read_bytes()
    for threads in (2, 5):
        made.write(path, format=format, threads=threads)
        assert path.read_bytes() == expected
    blocks = {"mooncake": 512, "mooncake-session": 512, "bailian": 16}.get(format)
    trace = (made.with_block_size(blocks) if blocks else made).generate()
    trace.write(path, format=format)
    assert path.read_bytes() == expected


@pytest.mark.parametrize("format", TOOL_TEXT)
@pytest.mark.parametrize("compression", ["gz", "zst"])
def test_text_can_be_packed(format, compression, tmp_path):
    path = tmp_path / f"trace.csv.{compression}"
    written = job("language").write(path, format=format)
    assert written.rows == len(tt.read(path))
    assert tt.scan(path).format == format
    assert (tmp_path / "trace.yaml").exists() == (format == "blis")


# Reading them again


def held(trace: tt.Trace, format: str) -> dict[str, object]:
    """What the format holds of a trace, as lists."""
    sessions = (
        [None if id == tt.NO_SESSION else str(id) for id in trace["session_id"].tolist()]
        if ("session_id" in trace)
        else None
    )
    keep = {name: trace[name] for name in trace}
    if format == "azure":
        keep = {name: keep[name] for name in ("input_tokens", "output_tokens")}
    if format in ("splitwise", "baseten"):
        keep = {name: keep[name] for name in ("timestamp", "input_tokens", "output_tokens")}
    if format == "baseten":
        keep = {name: keep[name] for name in ("input_tokens", "output_tokens")}
    if format == "blis":
        keep = {name: v for name, v in keep.items() if name not in ("timestamp", "image_tokens", "delay")}
    if format in ("mooncake", "bailian"):
        keep.pop("delay", None)
    if format == "mooncake-session" and sessions:
        keep.pop("timestamp")
        if np.isnan(trace["delay"]).all():  # no row tells that there is such a column
            keep.pop("delay")
    if format == "mooncake-delta" and sessions:  # those that are split wait for nobody
        keep.pop("timestamp")
        keep.pop("delay")
    keep.pop("session_id", None)
    found: dict[str, object] = dict(keep)
    if sessions is not None and format in (
        "mooncake-session",
        "mooncake-delta",
        "burstgpt",
        "vidur",
        "blis",
        "baseten",
    ):
        found["session_id"] = sessions
    return found


def as_read(trace: tt.Trace, names: list[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in names:
        column = trace[name]
        if name == "session_id":
            missing = ("", None, tt.NO_SESSION)
            found[name] = [None if id in missing else str(id).partition("#")[0] for id in column.tolist()]
        else:
            found[name] = column
    return found


def same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return bool(one == other)


@pytest.mark.parametrize("format", [name for name in TOOLS if name != "llmservingsim"])
@given(trace=traces())
@settings(max_examples=60, deadline=None)
def test_what_a_format_holds_is_read_again_exactly(format, trace, tmp_path_factory):
    path = tmp_path_factory.mktemp("t") / f"trace{ending(format)}"
    trace.write(path, format=format)
    scan = tt.scan(path)
    assert scan.format == format
    again = tt.read(path)
    expected = held(trace, format)
    found = as_read(again, list(expected))
    for name, column in expected.items():
        assert same(column, found[name]), (name, column, found[name])
    if format == "azure":
        assert np.allclose(np.diff(again.timestamp), np.diff(trace.timestamp), rtol=0, atol=1.01e-7)
    if format == "blis":
        assert np.allclose(again.timestamp, trace.timestamp, rtol=0, atol=0.51e-6)
        if "delay" in trace:
            assert np.allclose(again.delay, trace.delay, rtol=0, atol=0.51e-6, equal_nan=True)
    if format == "baseten":
        assert np.allclose(np.diff(again.timestamp), np.diff(trace.timestamp), rtol=0, atol=1.01e-3)
    if format == "bailian" and "session_id" in trace:
        assert partition(trace) == partition(again)


def partition(trace: tt.Trace) -> list[list[int]]:
    """The rows of each session; one that stands alone is a session of its own."""
    rows = defaultdict(list)
    for row, id in enumerate(trace["session_id"].tolist()):
        rows[("alone", row) if id == tt.NO_SESSION else id].append(row)
    return sorted(rows.values())


@given(trace=traces())
@settings(max_examples=60, deadline=None)
def test_lines_of_sessions_are_read_again(trace, tmp_path_factory):
    path = tmp_path_factory.mktemp("t") / "trace.jsonl"
    trace.write(path, format="llmservingsim")
    again = tt.read(path)
    assert tt.scan(path).format == "llmservingsim"
    if "session_id" not in trace:
        assert again == trace or set(again.columns) == set(trace.columns)
        assert all(same(trace[name], again[name]) for name in trace)
        return

    def rows(t: tt.Trace) -> list[tuple[object, ...]]:
        made = []
        for row in range(len(t)):
            id = t["session_id"][row]
            alone = id in ("", tt.NO_SESSION)
            delay = t["delay"][row]
            made.append(
                (
                    "" if alone else str(id),
                    int(t["turn"][row]),
                    t["timestamp"][row] if alone or t["turn"][row] == 1 else None,
                    int(t["input_tokens"][row]),
                    int(t["output_tokens"][row]),
                    None if math.isnan(delay) else float(delay),
                )
            )
        return sorted(made, key=repr)

    assert rows(trace) == rows(again)


# Rules, checked by a reader that knows nothing of how rows are made


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("format", "block"), [("mooncake", 512), ("mooncake-session", 512), ("bailian", 16)])
def test_hash_ids_keep_the_rules(kind, format, block, tmp_path):
    path = tmp_path / "trace.jsonl"
    job(kind).write(path, format=format)
    fill: dict[int, int] = {}
    for row in rows_of(path):
        ids, length = row["hash_ids"], row["input_length"]
        assert len(ids) == -(-length // block)
        for position, id in enumerate(ids):
            size = min(block, length - position * block)
            assert fill.setdefault(id, size) == size
        assert max(ids) < 2**31
        assert length >= 1
        assert row["output_length"] >= 1


def test_the_order_of_columns_changes_nothing(tmp_path):
    turns = {
        "delay": np.array([np.nan, 1.5]),
        "timestamp": np.array([0.0, 4.0]),
        "input_tokens": uint32([5, 6]),
        "output_tokens": uint32([5, 6]),
        "turn": np.array([1, 2], dtype=np.uint16),
        "session_id": np.array([7, 7], dtype=np.uint64),
    }
    tt.Trace(turns).write(tmp_path / "t", format="mooncake-session")
    _, second = (json.loads(line) for line in (tmp_path / "t").read_text().splitlines())
    assert second["delay"] == 1500
    assert "timestamp" not in second


def session(rows: list[tuple[int, int]], **more: object) -> tt.Trace:
    """One session of turns with these inputs and outputs, a second from each to the next."""
    inputs, outputs = zip(*rows, strict=True)
    return tt.Trace(
        {
            "timestamp": np.arange(len(rows), dtype=float),
            "input_tokens": uint32(inputs),
            "output_tokens": uint32(outputs),
            "session_id": np.full(len(rows), 7, dtype=np.uint64),
            "turn": np.arange(1, len(rows) + 1, dtype=np.uint16),
            "delay": np.array([NAN, *[0.25] * (len(rows) - 1)]),
            **more,
        }
    )


def test_a_turn_that_does_not_go_on_begins_a_session_of_its_own(tmp_path):
    """340 tokens are there when the second turn comes, and it has as many: nothing is new."""
    path = tmp_path / "t.jsonl"
    written = session([(300, 40), (340, 50), (391, 9), (400, 1)]).write(path, format="mooncake-delta")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["input_length"] for row in rows] == [300, 340, 1, 400]
    assert [row["session_id"] for row in rows] == ["7", "7#2", "7#2", "7#3"]
    assert [row.get("timestamp") for row in rows] == [0, 1000, None, 3000]
    assert [row.get("delay") for row in rows] == [None, None, 250, None]
    assert written.split_turns == 2
    assert written.left_out == ("timestamp",)
    assert tt.read(path).input_tokens.tolist() == [300, 340, 391, 400]


def test_deltas_have_ids_that_are_used_once_but_for_first_turns(tmp_path):
    """The ids of a first turn are those of its prompt, whoever has them as well."""
    lists = [[9, 8], [9, 8, 5, 4], [9, 8, 5, 3, 2], [1, 8, 5, 3, 2, 6]]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int32)
    ids = tt.ListColumn(offsets, uint32([id for one in lists for id in one]))
    trace = session([(128, 10), (200, 10), (300, 10), (333, 10)], hash_ids=ids)
    path = tmp_path / "t.jsonl"
    written = trace.write(path, format="mooncake-delta", block_size=64)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["input_length"] for row in rows] == [128, 62, 90, 333]
    assert [row["hash_ids"] for row in rows] == [[0, 1], [2], [3, 4], [5, 1, 6, 7, 8, 9]]
    assert written.split_turns == 1  # the last, whose prompt begins otherwise


def test_turns_without_times_cannot_begin_a_session(tmp_path):
    whole = tmp_path / "whole.jsonl"
    session([(300, 40), (200, 50)]).write(whole, format="mooncake-session")
    with pytest.raises(ValueError, match="row 2: it has no timestamp, which mooncake-delta does not allow"):
        tt.convert(whole, tmp_path / "t.jsonl", format="mooncake-delta")


def test_turns_of_sessions_that_began_before_have_one_timestamp(tmp_path):
    """The trace of a job begins in the midst of sessions: the first row of each has a time."""
    path = tmp_path / "trace.jsonl"
    job("sessions").write(path, format="mooncake-session")
    seen: set[str] = set()
    late = 0
    for row in rows_of(path):
        id = row["session_id"]
        begins = id is None or id not in seen
        assert ("timestamp" in row) == begins
        assert ("delay" in row) == (not begins)
        late += begins and row["turn"] > 1
        if id is not None:
            seen.add(id)
    assert late > 0


def session_rows(turns: list[int], *, ids: object = "a", **more: object) -> tt.Trace:
    """Rows of one session, or of those given, a second apart."""
    rows = len(turns)
    kind = object if isinstance(ids, str) else np.uint64
    columns = {
        "timestamp": np.arange(rows, dtype=float),
        "input_tokens": uint32([5] * rows),
        "output_tokens": uint32([1] * rows),
        "session_id": np.array([ids] * rows, dtype=kind),
        "turn": np.array(turns, dtype=np.uint16),
        "delay": np.array([np.nan] + [0.5] * (rows - 1)),
    }
    return tt.Trace(columns | more)


def blis_columns(path: Path, *names: str) -> list[list[str]]:
    rows = [line.split(",") for line in path.read_text().splitlines()]
    return [[row[rows[0].index(name)] for row in rows[1:]] for name in names]


@pytest.mark.parametrize("kind", KINDS)
def test_rounds_of_blis_are_the_next_of_their_session(kind, tmp_path):
    """Also of sessions that began before the trace, and of those that lack a turn."""
    job(kind).write(tmp_path / "t.csv", format="blis")
    seen: dict[str, int] = defaultdict(int)
    for session, round in zip(*blis_columns(tmp_path / "t.csv", "session_id", "round_index"), strict=True):
        assert int(round) == (seen[session] if session else 0)
        seen[session] += 1
    assert (kind == "sessions") == (max(seen.values()) > 1 and len(seen) > 2)
    session_rows([3, 4, 9]).write(tmp_path / "u.csv", format="blis")
    assert blis_columns(tmp_path / "u.csv", "round_index") == [["0", "1", "2"]]


def test_rounds_of_blis_are_counted_where_a_trace_has_no_turns(tmp_path):
    (tmp_path / "b.csv").write_text(
        "Timestamp,Session ID,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        "0,aaaa-1,GPT-4,906,446,1352,Conversation log\n"
        "1,,ChatGPT,36,29,65,API log\n"
        "2,aaaa-1,GPT-4,1779,123,1902,Conversation log\n"
    )
    written = tt.convert(tmp_path / "b.csv", tmp_path / "t.csv", format="blis")
    assert blis_columns(tmp_path / "t.csv", "round_index", "model") == [["0", "0", "1"], ["", "", ""]]
    assert "model" in written.left_out
    assert tt.validate(tmp_path / "t.csv").counts == {}


def test_rounds_that_accumulate_are_read_as_whole_prompts(tmp_path):
    """As the header says: BLIS adds what a session has by then to every round."""
    path = tmp_path / "t.csv"
    session([(300, 40), (420, 50), (700, 30)]).write(path, format="blis")
    rows = path.read_text().splitlines()
    for row, (whole, new) in enumerate(((420, 80), (700, 230)), 2):
        rows[row] = rows[row].replace(f",{whole},", f",{new},")
    path.write_text("\n".join(rows) + "\n")
    assert tt.read(path).input_tokens.tolist() == [300, 80, 230]
    header = tmp_path / "t.yaml"
    header.write_text(header.read_text() + "session_context_growth: accumulate\n")
    again = tt.read(path)
    assert again.input_tokens.tolist() == [300, 420, 700]
    assert again["text_tokens"].tolist() == [300, 420, 700]
    tt.convert(path, tmp_path / "whole.csv", format="blis")
    assert "accumulate" not in (tmp_path / "whole.yaml").read_text()
    assert tt.read(tmp_path / "whole.csv").input_tokens.tolist() == [300, 420, 700]


@pytest.mark.parametrize("format", ["mooncake-session", "bailian", "blis", "llmservingsim"])
@pytest.mark.parametrize("ids", ["a", 7])
def test_turns_of_a_session_must_rise(format, ids, tmp_path):
    for turns in ([1, 2, 2], [1, 3, 2]):
        with pytest.raises(tt.TraceError, match=f"row 3: turn 2 behind turn {turns[1]} of its session"):
            session_rows(turns, ids=ids).write(tmp_path / "t.csv", format=format)
    session_rows([2, 5, 6], ids=ids).write(tmp_path / "t.csv", format=format)
    assert tt.validate(tmp_path / "t.csv").is_valid
    assert len(tt.read(tmp_path / "t.csv")) == 3


def test_chats_of_bailian_have_their_parents_whatever_turns_are_missing(tmp_path):
    session_rows([2, 5, 6], ids=7).write(tmp_path / "t.jsonl", format="bailian")
    rows = rows_of(tmp_path / "t.jsonl")
    assert [row["chat_id"] for row in rows] == [7, 7 + 2**36, 7 + 2**37]
    assert [row["parent_chat_id"] for row in rows] == [-1, 7, 7 + 2**36]
    assert [row["turn"] for row in rows] == [2, 5, 6]
    job("sessions").write(tmp_path / "j.jsonl", format="bailian")
    assert {"parent-missing", "chat-twice", "parent-order", "chat-branches"}.isdisjoint(
        tt.validate(tmp_path / "j.jsonl").counts
    )


def test_chats_that_a_trace_has_stay_what_they_are(tmp_path):
    """A tree, of which sessions are branches."""
    tree = {"chat_id": np.array([1, 2, 3]), "parent_chat_id": np.array([-1, 1, 1])}
    trace = session_rows([1, 2, 2], ids=1, **tree)
    trace["session_id"][2] = 3
    trace.write(tmp_path / "t.jsonl", format="bailian")
    rows = rows_of(tmp_path / "t.jsonl")
    assert [(row["chat_id"], row["parent_chat_id"]) for row in rows] == [(1, -1), (2, 1), (3, 1)]
    numbers = {"far": np.array([-(2**63), -1, 2**60 + 1])}
    session_rows([1, 2, 3], **numbers).write(tmp_path / "v.csv", format="vidur")
    assert blis_columns(tmp_path / "v.csv", "far") == [["-9223372036854775808", "-1", "1152921504606846977"]]
    for format in ("mooncake", "mooncake-session"):
        assert {"chat_id", "parent_chat_id"} <= set(trace.write(tmp_path / "m", format=format).left_out)
        assert tt.scan(tmp_path / "m").format == format
    trace["chat_id"][2] = 2
    with pytest.raises(tt.TraceError, match="row 3, column 'chat_id': 2 is there twice"):
        trace.write(tmp_path / "t.jsonl", format="bailian")


def test_requests_without_tokens_get_one_and_are_counted(tmp_path):
    trace = tt.Trace(
        {
            "timestamp": np.array([0.0, 1.0, 2.0]),
            "input_tokens": uint32([0, 5, 5]),
            "output_tokens": uint32([3, 0, 3]),
        }
    )
    path = tmp_path / "t.jsonl"
    assert trace.write(path, format="mooncake").without_tokens == 2
    rows = rows_of(path)
    assert [(row["input_length"], row["output_length"]) for row in rows] == [(1, 3), (5, 1), (5, 3)]
    assert [row["hash_ids"] for row in rows] == [[0], [1], [2]]
    assert trace.write(path, format="burstgpt").without_tokens == 0
    assert tt.read(path).input_tokens.tolist() == [0, 5, 5]


def test_hash_ids_can_be_left_out(tmp_path):
    path = tmp_path / "t.jsonl"
    made = job("language")
    made.write(path, format="mooncake", hash_ids=False)
    assert "hash_ids" not in rows_of(path)[0]
    own = job("language", block_size=64)
    assert own.write(path, format="mooncake", hash_ids=False).left_out == ("hash_ids",)
    own.write(path, format="mooncake")
    assert len(rows_of(path)[0]["hash_ids"]) == -(-rows_of(path)[0]["input_length"] // 64)


@pytest.mark.parametrize("format", ["vidur", "burstgpt", "llmservingsim"])
def test_hash_ids_ride_along_in_blocks_of_any_size(format, tmp_path):
    path = tmp_path / "t"
    trace = job("language", block_size=48).generate()
    trace.write(path, format=format)
    again = tt.read(path)
    assert again.hash_ids == trace.hash_ids


def test_baseten_has_the_types_its_reader_wants(tmp_path):
    path = tmp_path / "t.parquet"
    job("sessions", block_size=64).write(path, format="baseten")
    table = pq.read_table(path)
    assert table.schema.names == [
        "timestamp_start_unix_ms",
        "prompt",
        "input_tokens",
        "output_tokens",
        "provided_session_id",
        "total_hashes",
        "block_size",
    ]
    assert set(table["prompt"].to_pylist()) == {""}
    counts = table["total_hashes"].combine_chunks().value_lengths().to_numpy()
    assert np.array_equal(counts, -(-table["input_tokens"].to_numpy() // 64))
    assert table["timestamp_start_unix_ms"][0].as_py() >= 1_767_225_600_000


def test_texts_are_quoted_as_json_and_as_csv(tmp_path):
    odd = ['a "b"', "c,\\d", "line\nbreak", " e", "ü"]
    trace = tt.Trace(
        {
            "timestamp": np.arange(5.0),
            "client": np.array(odd, dtype=object),
            "input_tokens": uint32([1] * 5),
            "output_tokens": uint32([1] * 5),
        }
    )
    for format in ("mooncake", "vidur"):
        trace.write(tmp_path / "t", format=format)
        assert tt.read(tmp_path / "t").client.tolist() == odd
    trace.write(tmp_path / "b.csv", format="blis")
    assert tt.read(tmp_path / "b.csv").client.tolist() == odd


@pytest.mark.parametrize(
    ("columns", "format", "says"),
    [
        ({"timestamp": [0.0, NAN]}, "mooncake", "row 2: it has no timestamp"),
        ({"input_tokens": uint32([5, 600]), "hash_ids": ([0, 1, 2], [0, 1])}, "mooncake",
         "row 2, column 'hash_ids': 1 ids for 600 input_tokens"),
        ({"session_id": np.array([0, 7], dtype=np.uint64), "turn": np.array([1, 0], dtype=np.uint16)},
         "bailian", "row 2: session_id 7 with turn 0 is not allowed"),
    ],
)  # fmt: skip
def test_a_row_that_a_format_cannot_tell_is_named(columns, format, says, tmp_path):
    made = {
        "timestamp": np.array([0.0, 1.0]),
        "input_tokens": uint32([5, 5]),
        "output_tokens": uint32([1, 1]),
    }
    for name, values in columns.items():
        if name == "hash_ids":
            made[name] = tt.ListColumn(np.array(values[0], dtype=np.int32), uint32(values[1]))
        else:
            made[name] = np.asarray(values)
    with pytest.raises(ValueError, match=says.replace("(", r"\(")):
        tt.Trace(made).write(tmp_path / "t", format=format)
    assert list(tmp_path.iterdir()) == []


def test_formats_that_are_no_single_stream_are_refused_where_they_must(tmp_path):
    made = job("language")
    with pytest.raises(ValueError, match="more than one file"):
        made.write("-", format="blis")
    with pytest.raises(ValueError, match=r"it must be \.parquet or \.arrow"):
        made.write(tmp_path / "t.csv", format="baseten")
    with pytest.raises(ValueError, match="it is a folder"):
        made.write(tmp_path / "t.gz", format="servegen")
    with pytest.raises(ValueError, match="is not known; it must be one of"):
        made.write(tmp_path / "t.csv", format="mooncacke")


# ServeGen's folders


@pytest.mark.parametrize("kind", ["language", "reason", "multimodal"])
def test_a_folder_has_the_same_clients_and_rates(kind, tmp_path):
    made = tt.Job(pool(kind), rate=30, duration=1200, seed=1)
    written = made.write(tmp_path / "out", format="servegen")
    assert written.rows == 36_000
    again = tt.load(f"{tmp_path / 'out'}/")
    assert again.category == made.pool.category
    assert again.period == 1200
    one, other = made.generate(), tt.generate(again, seed=2)
    assert len(other) == 36_000
    for name in ("input_tokens", "output_tokens"):
        spread = one[name].std() / math.sqrt(len(one))
        assert abs(one[name].mean() - other[name].mean()) < 6 * spread + 1e-9


@pytest.mark.parametrize("law", [None, tt.Uniform(0.3, 0.9)])
def test_ratios_of_a_folder_are_in_the_places_of_the_reference(law, tmp_path):
    """It reads the list of all probabilities, of which place i of 501 is 0.002 i, whatever the keys are."""
    made = pool("reason")
    if law:
        lengths = {name: tt.LogNormal(median=300, sigma=1) for name in ("input_tokens", "output_tokens")}
        made = tt.ClientPool([tt.Client(rate=5, reason_ratio=law, **lengths)])
    tt.Job(made, rate=30, duration=1200).write(tmp_path / "out", format="servegen")
    dataset = json.loads((tmp_path / "out" / "chunk-0-dataset.json").read_text())
    table = ast.literal_eval(dataset["0"]["reason_ratio"])
    assert len(table) == 501
    places = np.linspace(0, 1, 501)
    mean = float(places @ list(table.values()))
    assert abs(mean - (0.6 if law else 0.5)) < 0.002
    assert abs(np.dot(list(table), list(table.values())) - (0.6 if law else 0.5)) < 0.002
    trace = tt.generate(tt.load(f"{tmp_path / 'out'}/"), seed=2)
    share = trace.reason_tokens.sum() / trace.output_tokens.sum()
    assert abs(share - (0.6 if law else 0.5)) < 0.01  # six standard errors of 36,000 requests


@pytest.mark.parametrize("name", [name for name in bundled() if name.endswith("r1")])
def test_a_folder_of_a_bundled_reasoning_profile_keeps_the_ratio(name, tmp_path):
    made = tt.Job(tt.load(name), rate=30, duration=1200, seed=1, conversations=False)
    made.write(tmp_path / "out", format="servegen")
    one = made.generate()
    other = tt.generate(tt.load(f"{tmp_path / 'out'}/"), seed=1)
    shares = [trace.reason_tokens.sum() / trace.output_tokens.sum() for trace in (one, other)]
    assert shares[0] > 0.5
    assert abs(shares[0] - shares[1]) < 0.01


def test_windows_of_a_folder_are_of_ten_minutes(tmp_path):
    """BLIS looks for windows that begin at 0, 10 and 20 minutes past midnight, 8 and 14 o'clock."""
    hours = tt.Steps([("00:00", 2), ("01:00", 4), ("02:00", 6)])
    client = tt.Client(rate=hours, input_tokens=300, output_tokens=80)
    tt.Job(tt.ClientPool([client]), duration="3h").write(tmp_path / "out", format="servegen")
    lines = [line.split(",") for line in (tmp_path / "out" / "chunk-0-trace.csv").read_text().splitlines()]
    assert [line[0] for line in lines] == [str(600 * row) for row in range(18)]
    assert np.allclose([float(line[1]) for line in lines], np.repeat([2, 4, 6], 6))


def test_exponential_gaps_of_a_folder_are_those_of_a_gamma_law(tmp_path):
    """The reference refuses a family of that name."""
    client = tt.Client(rate=2, input_tokens=300, output_tokens=80)
    tt.Job(tt.ClientPool([client]), duration=1200).write(tmp_path / "out", format="servegen")
    for line in (tmp_path / "out" / "chunk-0-trace.csv").read_text().splitlines():
        _, rate, cv, family, shape, scale = line.split(",")
        assert (cv, family, shape) == ("1.0", "Gamma", "1.0")
        assert math.isclose(float(rate), 2)
        assert math.isclose(float(scale), 0.5)


def test_a_folder_of_a_hand_made_pool_has_tables(tmp_path):
    client = tt.Client(
        rate=2 + tt.Spike("00:10", duration="10min", height=4),
        arrivals=tt.Weibull(0.7),
        input_tokens=tt.LogNormal(median=300, sigma=1),
        output_tokens=tt.Exponential(mean=80),
    )
    made = tt.Job(tt.ClientPool([client]), duration="1h", seed=1)
    assert made.write(tmp_path / "out", format="servegen").left_out == ()
    again = tt.load(f"{tmp_path / 'out'}/")
    assert again.windows()["family"].to_pylist().count("Weibull") == again.windows().num_rows
    assert tt.Job(again).expected == pytest.approx(made.expected)
    one, other = made.generate(), tt.generate(again, seed=5)
    assert one.input_tokens.mean() == pytest.approx(other.input_tokens.mean(), rel=0.1)


def test_a_folder_appears_whole_and_is_not_overwritten(tmp_path):
    made = job("language")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    with pytest.raises(FileExistsError, match="not empty"):
        made.write(tmp_path / "out", format="servegen")
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileExistsError, match="it is a file"):
        made.write(tmp_path / "file", format="servegen")
    with pytest.raises(FileNotFoundError):
        made.write(tmp_path / "no" / "out", format="servegen")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "out"]


def test_sessions_are_named_where_a_folder_has_no_place_for_them(tmp_path):
    assert job("sessions").write(tmp_path / "out", format="servegen").left_out == ("sessions",)


NAMES = ["a,b", 'a"b', "a\\b", "x\x1b[2J"]
JSON_FORMATS = ["jsonl", "mooncake", "mooncake-session", "mooncake-delta", "bailian", "llmservingsim"]


def with_column(name, values):
    rows = len(values)
    return tt.Trace(
        {
            "timestamp": np.arange(float(rows)),
            "client_id": uint32([0] * rows),
            "input_tokens": uint32([4] * rows),
            "output_tokens": uint32([2] * rows),
            name: np.array(values),
        }
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("format", ["csv", "burstgpt", *JSON_FORMATS])
def test_a_column_may_have_any_name(format, name, tmp_path):
    path = tmp_path / "t"
    with_column(name, [0.5, 1.5]).write(path, format=format)
    with path.open(newline="") as file:
        lines = map(json.loads, file) if format in JSON_FORMATS else csv.DictReader(file)
        assert [float(line[name]) for line in lines] == [0.5, 1.5]
    assert len(tt.read(path)) == 2


@pytest.mark.parametrize(("format", "name"), [("mooncake", "input_length"), ("burstgpt", "Log Type")])
def test_a_column_with_the_name_of_a_key_has_no_place(format, name, tmp_path):
    path = tmp_path / "t"
    written = with_column(name, [0.5, 1.5]).write(path, format=format)
    assert name in written.left_out
    assert len(tt.read(path)) == 2


@pytest.mark.parametrize("format", JSON_FORMATS)
@pytest.mark.parametrize("name", ["elapsed_time", "xyz"])
def test_json_has_no_infinity(name, format, tmp_path):
    with pytest.raises(tt.TraceError, match=f"{name}.*inf is not allowed"):
        with_column(name, [0.0, math.inf]).write(tmp_path / "t", format=format)
    assert list(tmp_path.iterdir()) == []


def test_a_prompt_may_not_have_too_many_ids(tmp_path):
    trace = tt.Trace(
        {
            "timestamp": np.array([0.0, 1.0]),
            "client_id": uint32([0, 0]),
            "input_tokens": uint32([4, 2**32 - 1]),
            "output_tokens": uint32([1, 1]),
        }
    )
    with pytest.raises(tt.TraceError, match="row 2: 8388608 blocks of 512 tokens are not allowed"):
        trace.write(tmp_path / "t", format="mooncake")
    trace.write(tmp_path / "t", format="mooncake", hash_ids=False)
