"""From one format to another: values, units, order, and blocks of hash ids."""

from __future__ import annotations

import gzip
import json
import pickle
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tracetide as tt
from format_traces import TOOLS, ending, job, uint32
from hypothesis import given, settings
from hypothesis import strategies as st
from platforms import posix_only
from tracetide.io.reading.block_ids import SmallIds
from tracetide.io.writing.hash_blocks import HashBlocks

AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
    "2023-11-16 18:15:46.6805900,374,44\r\n"
    "2023-11-16 18:15:50.9951690,396,109\r\n"
)
NATIVE = ("parquet", "arrow", "csv", "jsonl", "csv.gz", "jsonl.zst")


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_units_and_dates_are_converted(tmp_path):
    (tmp_path / "a.csv").write_text(AZURE)
    written = tt.convert(tmp_path / "a.csv", tmp_path / "m.jsonl", format="mooncake")
    assert written.rows == 2
    assert rows_of(tmp_path / "m.jsonl") == [
        {"timestamp": 0, "input_length": 374, "output_length": 44, "hash_ids": [0]},
        {"timestamp": 4314.579, "input_length": 396, "output_length": 109, "hash_ids": [1]},
    ]


@pytest.mark.parametrize("format", [*TOOLS, *NATIVE])
def test_a_conversion_writes_what_the_trace_in_memory_would(format, tmp_path):
    source = tmp_path / "native.parquet"
    job("sessions").write(source)
    end = f".{format}" if format in NATIVE else ending(format)
    name = None if format in NATIVE else format
    tt.convert(source, tmp_path / f"converted{end}", format=name)
    tt.read(source).write(tmp_path / f"direct{end}", format=name)
    converted, direct = tmp_path / f"converted{end}", tmp_path / f"direct{end}"
    if format == "arrow":  # what stands behind a null may differ
        assert pa.ipc.open_file(converted).read_all().equals(pa.ipc.open_file(direct).read_all())
    else:
        assert converted.read_bytes() == direct.read_bytes()


@pytest.mark.parametrize("format", ["vidur", "burstgpt", "mooncake", "splitwise", "llmservingsim"])
def test_there_and_back_again(format, tmp_path):
    source = tmp_path / "native.csv"
    job("language").write(source)
    tt.convert(source, tmp_path / "other", format=format)
    tt.convert(tmp_path / "other", tmp_path / "back.csv")
    one, other = tt.read(source), tt.read(tmp_path / "back.csv")
    for name in one:
        assert np.array_equal(one[name], other[name]), name


def test_a_table_with_named_columns_and_units(tmp_path):
    (tmp_path / "log.csv").write_text("arrived,user,prompt,reply\n1500,ann,12,200\n2750,bob,80,31\n")
    tt.convert(
        tmp_path / "log.csv",
        tmp_path / "v.csv",
        format="vidur",
        columns={
            "timestamp": "arrived",
            "input_tokens": "prompt",
            "output_tokens": "reply",
            "client": "user",
        },
        units={"timestamp": "ms"},
        rebase=True,
    )
    assert (tmp_path / "v.csv").read_text().splitlines()[1:] == [
        "0,12,200,0,12,200,ann",
        "1.25,80,31,1.25,80,31,bob",
    ]


def test_rows_are_sorted_only_on_request(tmp_path):
    (tmp_path / "t.csv").write_text("timestamp,input_tokens,output_tokens\n5,1,1\n3,2,2\n5,3,3\n3,4,4\n")
    with pytest.raises(
        tt.TraceError, match=r"row 2, column 'timestamp': 3\.0 is not allowed; it must not be"
    ):
        tt.convert(tmp_path / "t.csv", tmp_path / "o.csv")
    assert not (tmp_path / "o.csv").exists()
    tt.convert(tmp_path / "t.csv", tmp_path / "o.csv", sort=True)
    assert (tmp_path / "o.csv").read_text().splitlines()[1:] == ["3,2,2", "3,4,4", "5,1,1", "5,3,3"]
    tt.convert(tmp_path / "t.csv", tmp_path / "o.csv", sort=True, rebase=True)
    assert tt.read(tmp_path / "o.csv").timestamp.tolist() == [0, 0, 2, 2]


def test_sorting_keeps_lists_with_their_rows(tmp_path):
    (tmp_path / "t.jsonl").write_text(
        '{"timestamp": 9, "input_length": 600, "output_length": 1, "hash_ids": [4, 5]}\n'
        '{"timestamp": 1, "input_length": 5, "output_length": 1, "hash_ids": [6]}\n'
    )
    tt.convert(tmp_path / "t.jsonl", tmp_path / "o.jsonl", format="mooncake", sort=True)
    assert [row["hash_ids"] for row in rows_of(tmp_path / "o.jsonl")] == [[6], [4, 5]]


@pytest.mark.parametrize("sort", [False, True])
def test_empty_requests_can_be_dropped(sort, tmp_path):
    (tmp_path / "t.csv").write_text("timestamp,input_tokens,output_tokens\n0,1,0\n1,0,3\n2,7,8\n")
    assert tt.convert(tmp_path / "t.csv", tmp_path / "o.csv", drop_empty=True, sort=sort).rows == 1
    assert tt.read(tmp_path / "o.csv").input_tokens.tolist() == [7]
    assert tt.convert(tmp_path / "t.csv", tmp_path / "m", format="mooncake").without_tokens == 2
    (tmp_path / "e.csv").write_text("timestamp,input_tokens,output_tokens\n0,1,0\n")
    with pytest.raises(tt.TraceError, match="nothing left"):
        tt.convert(tmp_path / "e.csv", tmp_path / "o.csv", drop_empty=True, sort=sort)


def test_sessions_of_texts_become_chats(tmp_path):
    (tmp_path / "s.jsonl").write_text(
        '{"session_id": "a", "timestamp": 0, "input_length": 5, "output_length": 1}\n'
        '{"session_id": "b", "timestamp": 4, "input_length": 5, "output_length": 1}\n'
        '{"timestamp": 5, "input_length": 9, "output_length": 1}\n'
    )
    tt.convert(tmp_path / "s.jsonl", tmp_path / "b.jsonl", format="bailian")
    assert [
        (row["chat_id"], row["parent_chat_id"], row["turn"]) for row in rows_of(tmp_path / "b.jsonl")
    ] == [
        (0, -1, 1),
        (1, -1, 1),
        (2**52 + 2, -1, 1),
    ]


def test_later_turns_without_times_are_refused_where_a_time_is_needed(tmp_path):
    (tmp_path / "s.jsonl").write_text(
        '{"session_id": "a", "timestamp": 0, "input_length": 5, "output_length": 1}\n'
        '{"session_id": "a", "delay": 4, "input_length": 6, "output_length": 1}\n'
    )
    for name, format in (("o.csv", None), ("o", "azure"), ("o.parquet", "baseten"), ("o.parquet", None)):
        with pytest.raises(tt.TraceError, match="row 2"):
            tt.convert(tmp_path / "s.jsonl", tmp_path / name, format=format)
    tt.convert(tmp_path / "s.jsonl", tmp_path / "again.jsonl", format="mooncake-session")
    assert [row.get("delay") for row in rows_of(tmp_path / "again.jsonl")] == [None, 4]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.jsonl", "s.jsonl"]


def test_chats_of_any_number_become_chats_again(tmp_path):
    """Those that we write for requests that stand alone are beyond what a session's number may be."""
    job("sessions").write(tmp_path / "a.jsonl", format="bailian")
    tt.convert(tmp_path / "a.jsonl", tmp_path / "b.jsonl", format="bailian")
    tt.read(tmp_path / "a.jsonl").write(tmp_path / "c.jsonl", format="bailian")
    one, other = tt.read(tmp_path / "a.jsonl"), tt.read(tmp_path / "b.jsonl")
    for name in ("timestamp", "input_tokens", "turn"):
        assert np.array_equal(one[name], other[name])
    numbers = [np.unique(trace.session_id, return_inverse=True)[1] for trace in (one, other)]
    assert len(set(zip(*map(np.ndarray.tolist, numbers), strict=True))) == numbers[0].max() + 1
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "c.jsonl").read_bytes()


def test_requests_without_a_session_are_first_turns_of_their_own(tmp_path):
    """BurstGPT leaves the session of most rows empty."""
    header = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    rows = "".join(f"{row},,2,GPT-4,5,6,11,API log\n" for row in range(65540))
    (tmp_path / "a.csv").write_text(header + rows + "70000,a,2,GPT-4,5,6,11,Conversation log\n")
    trace = tt.read(tmp_path / "a.csv")
    for number, source in enumerate((tmp_path / "a.csv", trace)):
        for format in ("mooncake-session", "bailian"):
            path = tmp_path / f"{number}.jsonl"
            tt.convert(source, path, format=format)
            assert {row["turn"] for row in rows_of(path)} == {1}
        tt.convert(source, tmp_path / "b.parquet", format="baseten")
        sessions = pq.read_table(tmp_path / "b.parquet")["provided_session_id"].to_pylist()
        assert sessions == [None] * 65540 + ["a"]


def test_sorted_dates_count_from_the_earliest(tmp_path):
    (tmp_path / "a.csv").write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2024-05-12 00:00:05,1,3\n2024-05-12 00:00:01,2,4\n2024-05-12 00:00:09,3,5\n"
    )
    for rebase in (False, True):
        tt.convert(tmp_path / "a.csv", tmp_path / "b.csv", sort=True, rebase=rebase)
        trace = tt.read(tmp_path / "b.csv")
        assert trace.timestamp.tolist() == [0, 4, 8]
        assert trace.input_tokens.tolist() == [2, 1, 3]
    found = tt.validate(tmp_path / "a.csv")
    assert found.complete
    assert found.counts == {"time-order": 1}


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("container", ["csv", "jsonl", "memory", "reader"])
def test_sorted_unix_times_are_exact(unit, container, tmp_path):
    micros = [1760587724728465, 1760587725198818, 1760587725003985]
    decimals = {"s": 6, "ms": 3, "us": 0, "ns": 0}[unit]
    texts = [str(one * 1000) if unit == "ns" else f"{one / 10**decimals:.{decimals}f}" for one in micros]
    names = {"timestamp": "ts", "input_tokens": "i", "output_tokens": "o"}
    source: object = tmp_path / "in"
    if container == "csv":
        (tmp_path / "in").write_text("ts,i,o\n" + "".join(f"{one},1,2\n" for one in texts))
    elif container == "jsonl":
        (tmp_path / "in").write_text("".join(f'{{"ts":{one},"i":1,"o":2}}\n' for one in texts))
    else:
        values = [float(one) for one in texts] if decimals else [int(one) for one in texts]
        source = pa.table({"ts": values, "i": [1, 2, 3], "o": [1, 2, 3]})
        source = source.to_reader() if container == "reader" else source
    tt.convert(source, tmp_path / "o.csv", columns=names, units={"timestamp": unit}, sort=True, rebase=True)
    assert tt.read(tmp_path / "o.csv").timestamp.tolist() == [0, 0.27552, 0.470353]


# Blocks


@given(
    inputs=st.lists(st.integers(1, 300), min_size=1, max_size=20),
    sizes=st.sampled_from([(16, 64), (64, 16), (16, 16), (10, 30), (30, 10)]),
    shared=st.lists(st.integers(0, 3), min_size=20, max_size=20),
)
@settings(max_examples=200, deadline=None)
def test_ids_of_other_blocks_begin_alike_where_the_old_ones_do(inputs, sizes, shared):
    """Prompts with common beginnings keep them, as far as whole blocks of both sizes go; others get none."""
    old, new = sizes
    ids: dict[tuple[int, ...], int] = {}
    prompts = []
    for row, length in enumerate(inputs):
        # The tokens: a beginning that some share, then their own.
        tokens = [shared[row]] * min(length, 40 * (shared[row] + 1)) + [100 + row] * length
        tokens = tokens[:length]
        blocks = []
        for start in range(0, length, old):
            end = min(start + old, length)
            whole = end - start == old
            key = (*tokens[:end], -1 if whole else row)  # a tail is never that of another prompt
            blocks.append(ids.setdefault(key, len(ids)))
        prompts.append((tokens, blocks))
    offsets = np.concatenate([[0], np.cumsum([len(blocks) for _, blocks in prompts])]).astype(np.int32)
    values = uint32([id for _, blocks in prompts for id in blocks])
    made_offsets, made = HashBlocks(old, new).of(offsets, values, uint32(inputs))
    lists = [made[a:b].tolist() for a, b in pairwise(made_offsets)]
    fill: dict[int, int] = {}
    for (tokens, _), row in zip(prompts, lists, strict=True):
        assert len(row) == -(-len(tokens) // new)
        for position, id in enumerate(row):
            size = min(new, len(tokens) - position * new)
            assert fill.setdefault(id, size) == size
    step = max(old, new)
    for (one, _), a in zip(prompts, lists, strict=True):
        for (other, _), b in zip(prompts, lists, strict=True):
            common = next(
                (i for i, (x, y) in enumerate(zip(one, other, strict=False)) if x != y),
                min(len(one), len(other)),
            )
            if one is other:
                continue
            whole = common // step * step // new
            assert a[:whole] == b[:whole]
            assert all(x != y for x, y in zip(a[-(-common // new) :], b[-(-common // new) :], strict=False))


def test_a_generated_trace_keeps_its_prefixes_in_other_blocks(tmp_path):
    """By the job in the file's metadata, the size of the blocks is known."""
    made = job("sessions", block_size=16)
    made.write(tmp_path / "t.parquet")
    tt.convert(tmp_path / "t.parquet", tmp_path / "m.jsonl", format="mooncake")
    job("sessions").write(tmp_path / "own.jsonl", format="mooncake")
    one, other = tt.prefix_statistics(tmp_path / "m.jsonl"), tt.prefix_statistics(tmp_path / "own.jsonl")
    assert (one.blocks, one.hits) == (other.blocks, other.hits)


def test_blocks_that_do_not_fit_are_refused(tmp_path):
    made = job("language", block_size=48)
    made.write(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="hash_ids of blocks of 48 tokens cannot become those of 512"):
        tt.convert(tmp_path / "t.parquet", tmp_path / "m", format="mooncake")
    tt.convert(tmp_path / "t.parquet", tmp_path / "m", format="mooncake", block_size=96)
    tt.convert(tmp_path / "t.parquet", tmp_path / "m", format="mooncake", hash_ids=False)
    assert "hash_ids" not in rows_of(tmp_path / "m")[0]
    with pytest.raises(tt.TraceError, match="row 2, column 'hash_ids': 1 ids for 40 input_tokens"):
        HashBlocks(16, 64).of(np.array([0, 1, 2], dtype=np.int32), uint32([0, 1]), uint32([16, 40]))


def bailian(hash_ids: list[int], input_length: int, row: int = 0) -> str:
    found = {"chat_id": row + 1, "parent_chat_id": -1, "timestamp": row, "input_length": input_length,
             "output_length": 1, "type": "text", "turn": 1, "hash_ids": hash_ids}  # fmt: skip
    return json.dumps(found) + "\n"


@given(
    prompts=st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=12), min_size=1, max_size=8),
    ratio=st.integers(2, 5),
    cuts=st.lists(st.integers(0, 8), max_size=3),
)
@settings(max_examples=200, deadline=None)
def test_blocks_together_are_alike_only_if_all_of_them_are(prompts, ratio, cuts):
    """Also where an id stands for its own block, whatever is before; in batches as in one."""
    blocks = HashBlocks(1, ratio)
    found: list[list[int]] = []
    bounds = sorted({0, len(prompts), *(min(cut, len(prompts)) for cut in cuts)})
    for first, end in pairwise(bounds):
        own = prompts[first:end]
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in own])]).astype(np.int32)
        made_offsets, made = blocks.of(
            offsets, uint32([id for one in own for id in one]), uint32([len(one) for one in own])
        )
        found += [made[a:b].tolist() for a, b in pairwise(made_offsets)]
    numbers: dict[tuple[int, ...], int] = {}
    for prompt, ids in zip(prompts, found, strict=True):
        groups = [tuple(prompt[start : start + ratio]) for start in range(0, len(prompt), ratio)]
        assert ids == [numbers.setdefault(group, len(numbers)) for group in groups]


def test_prompts_that_share_a_last_block_alone_share_nothing_in_larger_ones(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(bailian([*range(1, 33)], 512) + bailian([*range(101, 132), 32], 512, 1))
    tt.convert(path, tmp_path / "m.jsonl", format="mooncake")
    assert tt.prefix_statistics(tmp_path / "m.jsonl").hits == 0
    path.write_text(bailian([1, 2, 3], 48) + bailian([4, 5, 3], 48, 1) + bailian([7, 3], 32, 2))
    assert tt.validate(path).is_valid
    tt.convert(path, tmp_path / "m.jsonl", format="mooncake")
    assert [row["hash_ids"] for row in rows_of(tmp_path / "m.jsonl")] == [[0], [1], [2]]
    assert tt.validate(tmp_path / "m.jsonl").is_valid


LARGE = [2**31, 2**32 + 5, 2**63 + 1, 2**64 - 1, 2**30, 2**31]


@pytest.mark.parametrize("format", ["mooncake", "mooncake-session", "bailian", "baseten"])
@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_ids_of_any_size_become_ids_that_every_tool_takes(format, container, tmp_path):
    """The same stay the same, different ones different, and small ones what they are."""
    path = tmp_path / "a.jsonl"
    ids = [7, *LARGE]
    path.write_text(bailian([7], 16) + bailian(ids, 16 * 7, 1) + bailian([2**64 - 1], 16, 2))
    if container == "parquet":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        lists = pa.array([row["hash_ids"] for row in rows], pa.list_(pa.uint64()))
        table = pa.table({"timestamp": [0.0, 1, 2], "input_tokens": [16, 112, 16], "output_tokens": [1] * 3})
        path = tmp_path / "a.parquet"
        pq.write_table(table.append_column("hash_ids", lists), path)
    out = tmp_path / f"o{ending(format)}"
    tt.convert(path, out, format=format, block_size=16)
    assert tt.validate(out, block_size=16).is_valid
    again = tt.read(out).hash_ids
    first, second, third = ([int(id) for id in one] for one in again)
    assert (first, third) == ([7], [second[4]])
    assert second[0] == 7
    assert second[5] == 2**30
    assert len(set(second)) == 6
    assert second[1] == second[6]


@given(
    ids=st.lists(
        st.one_of(st.integers(0, 20), st.sampled_from([2**63, 2**64 - 1, 2**32])), min_size=1, max_size=30
    ),
    cuts=st.lists(st.integers(0, 30), max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_ids_below_a_limit_are_one_for_one(ids, cuts):
    """Whatever comes first, a large one or the small one whose number it would get."""
    small = SmallIds(32)
    bounds = sorted({0, len(ids), *(min(cut, len(ids)) for cut in cuts)})
    parts = [small.of(np.array(ids[a:b], dtype=np.uint64)) for a, b in pairwise(bounds)]
    made = np.concatenate(parts).tolist()
    assert max(made) < 32
    assert len(set(zip(ids, made, strict=True))) == len(set(ids)) == len(set(made))
    if max(ids) < 32:
        assert made == ids
    assert all(id == number for id, number in zip(ids, made, strict=True) if id < 16)


def test_ids_without_a_number_below_the_limit_are_refused():
    small = SmallIds(8)
    assert small.of(np.array([7, 2**40, 2**41], dtype=np.uint64)).tolist() == [7, 6, 5]
    assert small.of(np.array([6, 2**40], dtype=np.uint64)).tolist() == [4, 6]
    with pytest.raises(tt.TraceError, match="more than 4 different ids from 4 on are not allowed"):
        small.of(np.array([5], dtype=np.uint64))


def test_ids_of_any_size_are_no_matter_where_they_are_left_out(tmp_path):
    (tmp_path / "a.jsonl").write_text(bailian([2**40], 16))
    for format in TOOLS:
        out = tmp_path / f"{format}{ending(format)}"
        tt.convert(tmp_path / "a.jsonl", out, format=format, hash_ids=False)
        assert len(tt.read(out, format=format)) == 1


def test_ids_of_a_trace_are_written_below_two_to_the_thirty_first(tmp_path):
    trace = tt.Trace(
        {
            "timestamp": np.array([0.0, 1.0]),
            "input_tokens": uint32([1024, 512]),
            "output_tokens": uint32([1, 1]),
            "hash_ids": tt.ListColumn(np.array([0, 2, 3], dtype=np.int32), uint32([2**32 - 1, 3, 2**32 - 1])),
        }
    )
    trace.write(tmp_path / "m.jsonl", format="mooncake")
    assert [row["hash_ids"] for row in rows_of(tmp_path / "m.jsonl")] == [[2**31 - 1, 3], [2**31 - 1]]
    trace.write(tmp_path / "b.jsonl", format="bailian", block_size=512)
    assert tt.validate(tmp_path / "b.jsonl", block_size=512).is_valid
    trace.write(tmp_path / "t.parquet")
    assert tt.read(tmp_path / "t.parquet") == trace


# Memory


@posix_only
def test_memory_does_not_grow_with_the_trace(tmp_path):
    """A conversion of eight times the rows needs hardly more memory."""
    import resource

    script = (
        "import sys, resource, tracetide as tt\n"
        "tt.convert(sys.argv[1], sys.argv[2], format=sys.argv[3], threads=1)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
    peaks = []
    for seconds in (4_000, 32_000):
        source = tmp_path / f"{seconds}.csv"
        tt.Job(job("language").pool, duration=seconds, seed=1).write(source)
        done = subprocess.run(
            [sys.executable, "-c", script, source, tmp_path / "o", "vidur"], capture_output=True, check=True
        )
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] < peaks[0] + 60


def test_blocks_of_the_source_are_of_the_size_that_is_stated(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"timestamp": 0, "input_length": 130, "output_length": 5, "hash_ids": [0, 1, 2]}\n'
        '{"timestamp": 250, "input_length": 200, "output_length": 8, "hash_ids": [0, 1, 3, 4]}\n'
    )
    source = tmp_path / "a.jsonl"
    with pytest.raises(tt.TraceError, match=r"blocks of 512 tokens there must be 1; .* \(block_size\)"):
        tt.convert(source, tmp_path / "b.jsonl", format="mooncake", block_size=64)
    tt.convert(source, tmp_path / "b.jsonl", format="mooncake", block_size=64, source_block_size=64)
    assert [row["hash_ids"] for row in rows_of(tmp_path / "b.jsonl")] == [[0, 1, 2], [0, 1, 3, 4]]
    tt.convert(source, tmp_path / "b.jsonl", format="bailian", source_block_size=64)
    found = [row["hash_ids"] for row in rows_of(tmp_path / "b.jsonl")]
    assert [len(ids) for ids in found] == [9, 13]
    assert found[0][:8] == found[1][:8]
    trace = tt.read(source, block_size=64)
    assert (trace.block_size, trace[:1].block_size, tt.scan(source).block_size) == (64, 64, 512)
    assert pickle.loads(pickle.dumps(trace)).block_size == 64
    trace.write(tmp_path / "c.jsonl", format="bailian")
    assert (tmp_path / "c.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    for wrong in (-1, 1.5, True):
        with pytest.raises(ValueError, match="block_size"):
            tt.scan(source, block_size=wrong)


def test_own_files_of_small_blocks_are_converted(tmp_path):
    job = tt.Job(tt.load("deepseek-r1"), rate=5, duration="1min", seed=3, block_size=64)
    job.write(tmp_path / "own.jsonl", format="mooncake")
    tt.convert(
        tmp_path / "own.jsonl",
        tmp_path / "own2.jsonl",
        format="mooncake",
        source_block_size=64,
        block_size=64,
    )
    assert rows_of(tmp_path / "own2.jsonl") == rows_of(tmp_path / "own.jsonl")


def test_sessions_of_llmservingsim_are_written_as_they_are_read(tmp_path):
    lines = (
        '{"session_id":null,"input_toks":77,"output_toks":7,"arrival_time_ns":1500000000}\n'
        '{"session_id":"s0","arrival_time_ns":1000000000,"sub_requests":[{"input_toks":900,"output_toks":30,'
        '"tool_duration_ns":2500000000},{"input_toks":1300,"output_toks":40,"tool_duration_ns":0}]}\n'
    )
    (tmp_path / "a.jsonl").write_text(lines)
    tt.convert(tmp_path / "a.jsonl", tmp_path / "b.jsonl", format="llmservingsim")
    assert (tmp_path / "b.jsonl").read_text() == lines
    tt.read(tmp_path / "a.jsonl").write(tmp_path / "b.jsonl.gz", format="llmservingsim")
    assert gzip.decompress((tmp_path / "b.jsonl.gz").read_bytes()).decode() == lines
    tt.convert(tmp_path / "a.jsonl", tmp_path / "m.jsonl", format="mooncake-session", sort=True)
    assert [row.get("delay") for row in rows_of(tmp_path / "m.jsonl")] == [None, 2500, None]
    tt.convert(tmp_path / "m.jsonl", tmp_path / "c.jsonl", format="llmservingsim")
    sessions = [row for row in rows_of(tmp_path / "c.jsonl") if row["session_id"] == "s0"]
    assert sessions == [json.loads(lines.splitlines()[1])]


def test_a_wait_that_llmservingsim_does_not_tell_is_none(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"session_id": "s0", "arrival_time_ns": 0, "sub_requests": [{"input_toks": 9, "output_toks": 3}, '
        '{"input_toks": 13, "output_toks": 4}]}\n'
    )
    assert tt.read(tmp_path / "a.jsonl").delay.tolist()[1] == 0


def test_sorting_counts_dates_and_unix_times_from_the_earliest(tmp_path):
    (tmp_path / "d.csv").write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:15:50.9951690,396,109\n2023-11-16 18:15:46.6805900,374,44\n"
    )
    assert tt.read(tmp_path / "d.csv", sort=True).timestamp.tolist() == [0, 4.314579]
    (tmp_path / "u.csv").write_text("at,i,o\n1715472000000257,1,1\n1715472000000171,2,1\n")
    columns = {"timestamp": "at", "input_tokens": "i", "output_tokens": "o"}
    found = tt.read(tmp_path / "u.csv", columns=columns, units={"timestamp": "ns"}, rebase=True, sort=True)
    assert found.timestamp.tolist() == [0, 86e-9]
    assert found.input_tokens.tolist() == [2, 1]
    scan = tt.scan(tmp_path / "u.csv", columns=columns, units={"timestamp": "ns"}, sort=True)
    assert [batch.column(0).to_pylist() for batch in scan.batches(["input_tokens"])] == [[2, 1]]


def test_later_turns_without_a_time_are_sorted_with_the_turn_before(tmp_path):
    (tmp_path / "s.jsonl").write_text(
        '{"session_id": "b", "timestamp": 500, "input_length": 1, "output_length": 1}\n'
        '{"session_id": "a", "timestamp": 0, "input_length": 2, "output_length": 1}\n'
        '{"session_id": "b", "delay": 4, "input_length": 3, "output_length": 1}\n'
        '{"session_id": "a", "delay": 4, "input_length": 4, "output_length": 1}\n'
    )
    assert tt.read(tmp_path / "s.jsonl", sort=True).input_tokens.tolist() == [2, 4, 1, 3]
