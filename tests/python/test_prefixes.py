"""Reuse of prompt blocks, against a cache that is really kept."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tracetide as tt
from cli_tools import fails, succeeds
from hypothesis import given, settings
from hypothesis import strategies as st
from tracetide import _core
from tracetide.columns import ListColumn


def trace_of(prompts) -> tt.Trace:
    n = len(prompts)
    offsets = np.append(0, np.cumsum([len(prompt) for prompt in prompts])).astype(np.int32)
    return tt.Trace(
        {
            "timestamp": np.arange(n, dtype=np.float64),
            "client_id": np.zeros(n, dtype=np.uint32),
            "input_tokens": np.array([max(len(prompt), 1) for prompt in prompts], dtype=np.uint32),
            "output_tokens": np.ones(n, dtype=np.uint32),
            "hash_ids": ListColumn(offsets, np.array([b for p in prompts for b in p], dtype=np.uint32)),
        }
    )


def really(prompts, size) -> int:
    cache: list[int] = []  # the last used first
    hits = 0
    for prompt in prompts:
        for block in prompt:
            if block not in cache:
                break
            hits += 1
        for block in reversed(prompt):
            if block in cache:
                cache.remove(block)
            cache.insert(0, block)
        del cache[size:]
    return hits


CHAINS = st.lists(
    st.lists(st.integers(0, 3), max_size=6).map(
        # The id of a block stands for all before it.
        lambda path: [
            sum(4**k * (step + 1) for k, step in enumerate(path[: i + 1])) for i in range(len(path))
        ]
    ),
    min_size=1,
    max_size=40,
)
ANY = st.lists(st.lists(st.integers(0, 8), max_size=5), min_size=1, max_size=40)


@settings(max_examples=200, deadline=None)
@given(CHAINS | ANY, st.lists(st.integers(1, 30), max_size=4))
def test_hits_of_every_size(prompts, sizes):
    found = tt.prefix_statistics(trace_of(prompts), sizes=sizes)
    assert found.hits_by_size == {size: really(prompts, size) for size in sorted(set(sizes))}
    assert found.hits == really(prompts, 10**9)
    assert found.blocks == sum(map(len, prompts))
    assert found.different_blocks == len({block for prompt in prompts for block in prompt})
    assert found.requests == len(prompts)


def test_reuse_distances():
    found = tt.prefix_statistics(trace_of([[1], [1], [2], [1], [2, 3, 4], [1]]), sizes=[])
    # 1: at once; then after 2; 2 after 1; 1 after 2, 3 and 4. So distances 0, 1, 1, 3.
    assert found.reuse_distances == [1, 2, 1]
    assert found.hit_rates == {}


def test_nothing_to_reuse():
    found = tt.prefix_statistics(trace_of([[], []]), sizes=[5])
    assert np.isnan(found.hit_rate)
    assert np.isnan(found.hit_rates[5])
    assert found.to_dict()["hit_rates"].keys() == {"5"}


def write_mooncake(path, prompts):
    path.write_text(
        "".join(
            json.dumps(
                {
                    "timestamp": 100 * i,
                    "input_length": 512 * max(len(p), 1),
                    "output_length": 5,
                    "hash_ids": p,
                }
            )
            + "\n"
            for i, p in enumerate(prompts)
        )
    )


PROMPTS = [[0, 1, 2], [0, 3], [0, 1, 2, 4], [5], [0, 1]]


def test_files_are_read_in_a_stream(tmp_path):
    write_mooncake(tmp_path / "t.jsonl", PROMPTS)
    assert tt.prefix_statistics(tmp_path / "t.jsonl") == tt.prefix_statistics(trace_of(PROMPTS))
    trace_of(PROMPTS).write(tmp_path / "t.parquet")
    assert tt.prefix_statistics(str(tmp_path / "t.parquet")).hits == 6


def test_describe(tmp_path):
    write_mooncake(tmp_path / "t.jsonl", PROMPTS)
    shown = succeeds(
        "describe", "t.jsonl", "--cache-blocks", "2", "--cache-blocks", "9", cwd=tmp_path
    ).stdout.decode()
    assert "12 blocks of 512 tokens, 6 different; 50.0% hits of a cache of all, LRU:" in " ".join(
        shown.split()
    )
    found = json.loads(succeeds("describe", "t.jsonl", "--json", cwd=tmp_path).stdout)
    assert found["details"]["prefixes"]["hit_rates"]["1000"] == 0.5
    fails(
        "describe", "t.jsonl", "--cache-blocks", "0", says=["--cache-blocks: 0 is not allowed"], cwd=tmp_path
    )


def test_what_is_wrong_is_named(tmp_path):
    plain = tt.Trace({name: trace_of([[1]])[name] for name in ("timestamp", "input_tokens")})
    with pytest.raises(ValueError, match="hash_ids: missing; the trace has timestamp"):
        tt.prefix_statistics(plain)
    (tmp_path / "t.csv").write_text("timestamp,client_id,input_tokens,output_tokens\n0,0,5,5\n")
    with pytest.raises(ValueError, match=r"t\.csv: hash_ids: missing; there are timestamp"):
        tt.prefix_statistics(tmp_path / "t.csv")
    for size in (0, 1.5, "x", 2**63):
        with pytest.raises(ValueError, match=r"sizes: .* is not allowed"):
            tt.prefix_statistics(trace_of([[1]]), sizes=[size])


@pytest.mark.parametrize("offsets", [[], [0, 5], [2, 1], [-1, 0]])
def test_the_core_checks_offsets(offsets):
    cache = _core.PrefixCache([1])
    with pytest.raises(ValueError, match="offsets"):
        cache.add(np.array(offsets, dtype=np.int32), np.zeros(3, dtype=np.uint32))


def test_the_mooncake_trace(data_dir):
    path = data_dir / "traces" / "conversation_trace.jsonl"
    if not path.is_file():
        pytest.skip(f"no real data: {path} is not a file")
    found = tt.prefix_statistics(path, sizes=[1000, 50_000])
    assert (found.requests, found.blocks, found.different_blocks) == (12_031, 288_500, 182_790)
    # Its ids are of chains, so all but the first of a kind are hits.
    assert found.hits == 288_500 - 182_790
    assert 0.04 < found.hit_rates[1000] < found.hit_rates[50_000] < found.hit_rate


def test_a_scan_is_counted_as_its_file(tmp_path):
    (tmp_path / "a.csv").write_text('at,i,o,ids\n0,130,5,"[0,1,2]"\n1,200,8,"[0,1,3,4]"\n')
    columns = {"timestamp": "at", "input_tokens": "i", "output_tokens": "o", "hash_ids": "ids"}
    scan = tt.scan(tmp_path / "a.csv", columns=columns, units={"timestamp": "s"}, block_size=64)
    found = tt.prefix_statistics(scan, sizes=[10])
    assert (found.blocks, found.hits, found.hits_by_size) == (7, 2, {10: 2})
