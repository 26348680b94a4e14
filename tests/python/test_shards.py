"""Shards: a job in pieces that need nothing of each other."""

from __future__ import annotations

import itertools
import multiprocessing
import pickle

import datasets
import numpy as np
import pyarrow as pa
import pytest
import tracetide as tt
from cli_tools import fails, succeeds
from hypothesis import given
from hypothesis import strategies as st
from tracetide.job.shards import balanced
from tracetide.profile.bundled import bundled

KINDS = {
    "pinned": {"counts": "pinned"},
    "renewal": {"counts": "renewal"},
    "servegen": {"counts": "servegen"},
    "cut": {"counts": "pinned", "duration": "30h"},
    "blocks": {"counts": "pinned", "block_size": 64},
}


def with_conversations() -> tt.Job:
    sessions = tt.conversations(share=0.5, turns=3, think_time=tt.Exponential(600.0))
    return tt.Job(datasets.pool().with_sessions(sessions), seed=3)


def rows(shards: list[tt.Shard]) -> pa.Table:
    return pa.concat_tables([shard.generate().to_arrow().replace_schema_metadata(None) for shard in shards])


@pytest.mark.parametrize("n", [1, 2, 5, 24])
@pytest.mark.parametrize("kind", KINDS)
def test_all_shards_are_the_trace(kind, n):
    job = datasets.job(**KINDS[kind])
    shards = job.shards(n)
    assert [shard.index for shard in shards] == list(range(n))
    assert rows(shards).equals(datasets.whole(job))
    assert sum(shard.expected for shard in shards) == pytest.approx(job.expected)
    assert shards[0].start == 0
    assert shards[-1].end == job.duration
    assert all(one.end == other.start for one, other in itertools.pairwise(shards))


def test_sessions_that_reach_over_the_edges_of_shards():
    job = with_conversations()
    assert rows(job.shards(9)).equals(datasets.whole(job))
    assert {shard.count for shard in job.shards(9)} == {None}


@pytest.mark.parametrize("kind", KINDS)
def test_counts_and_positions_are_exact_where_they_are_known(kind):
    job = datasets.job(**KINDS[kind])
    before = 0
    for shard in job.shards(7):
        made = sum(len(batch) for batch in shard.stream())
        if job.counts == "renewal":
            assert shard.count is None
            assert shard.first_request is None
            continue
        assert shard.count == made
        assert shard.first_request == before
        positions = [batch.first_request for batch in shard.stream(batch_size=1000)]
        assert positions == list(range(before, before + made, 1000))
        before += made
    assert job.counts == "renewal" or before == job.count()


def test_shards_have_about_equally_many_requests():
    job = datasets.job()
    expected = [shard.expected for shard in job.shards(4)]
    assert max(expected) - min(expected) <= max(job.core.window_expected())


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=40).filter(lambda weights: sum(weights) > 0),
    st.data(),
)
def test_every_run_has_an_entry_and_none_is_heavier_than_need_be(weights, data):
    n = data.draw(st.integers(1, len(weights)))
    edges = balanced(np.array(weights), n)
    assert len(edges) == n + 1
    assert (edges[0], edges[-1]) == (0, len(weights))
    assert all(one < other for one, other in itertools.pairwise(edges))
    if n <= 2:
        heaviest = max(sum(weights[one:other]) for one, other in itertools.pairwise(edges))
        assert heaviest <= sum(weights) / n + max(weights) / 2 + 1e-6 * sum(weights) or n == len(weights)


def test_shards_travel_to_other_processes():
    job = datasets.job()
    with multiprocessing.get_context("spawn").Pool(2) as processes:
        made = processes.map(_digest, job.shards(5))
    assert made == [_digest(shard) for shard in job.shards(5)]


def _digest(shard: tt.Shard) -> bytes:
    return b"".join(np.ascontiguousarray(column).tobytes() for column in _columns(shard))


def _columns(shard: tt.Shard) -> list[np.ndarray]:
    trace = shard.generate(threads=1)
    return [trace[name] for name in trace.columns]


def test_a_process_keeps_a_profile_once():
    shards = [pickle.loads(pickle.dumps(shard)) for shard in datasets.job().shards(6)]
    assert len({id(shard.job.pool.profile) for shard in shards}) == 1
    assert shards == datasets.job().shards(6)


@pytest.mark.filterwarnings("ignore::tracetide.MissingDataWarning")
def test_a_bundled_profile_goes_by_name():
    if "m-large" not in bundled():
        pytest.skip("the profiles are not bundled in this build")
    job = tt.Job(tt.load("m-large").span("6:00", "9:00"), rate=5.0)
    sent = pickle.dumps(job.shards(3)[1])
    assert len(sent) < 1000
    assert pickle.loads(sent).generate() == job.shards(3)[1].generate()


def test_a_profile_goes_by_path(tmp_path):
    path = datasets.profile_file(tmp_path)
    job = tt.Job(tt.load(path).span("6:00", "12:00"), seed=1)
    by_path, by_value = (pickle.dumps(job.shards(2, profile=how)[1]) for how in ("path", "value"))
    assert len(by_path) < 1000 < len(by_value)
    assert pickle.loads(by_path).generate() == pickle.loads(by_value).generate()
    del job
    other = datasets.pool(epoch_windows=12)
    other.write(path)
    with pytest.raises(tt.ProfileError, match=r"office\.tide.* has the SHA-256 .* use one version"):
        pickle.loads(by_path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        pickle.loads(by_path)


def test_what_has_no_path_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"not found by a path; write it to a .tide file"):
        datasets.job().shards(2, profile="path")
    changed = tt.load(datasets.profile_file(tmp_path)).top(1)
    with pytest.raises(ValueError, match="not found by a path"):
        tt.Job(changed).shards(2, profile="path")
    with pytest.raises(ValueError, match="profile: 'name' is not allowed; it must be one of value, path"):
        datasets.job().shards(2, profile="name")


@pytest.mark.parametrize("n", [0, -1, 25, 2.5, True, "3"])
def test_other_numbers_of_shards_are_refused(n):
    with pytest.raises(ValueError, match=r"n: .* must be a whole number from 1 to 24, the job's windows"):
        datasets.job().shards(n)


@pytest.mark.parametrize("format", ["parquet", "arrow", "csv", "jsonl.gz"])
def test_shards_are_written_in_native_formats(format, tmp_path):
    job = datasets.job(duration="9h")
    traces = []
    for shard in job.shards(3):
        path = tmp_path / f"{shard.index}.{format}"
        assert shard.write(path).rows == shard.count
        traces.append(tt.Trace.read(path))
    whole = job.generate()
    assert np.array_equal(np.concatenate([trace["timestamp"] for trace in traces]), whole["timestamp"])
    assert np.array_equal(np.concatenate([trace["input_tokens"] for trace in traces]), whole["input_tokens"])
    if format == "parquet":
        assert traces[1].metadata["part"] == {"start": job.shards(3)[1].start, "end": job.shards(3)[1].end}


def test_formats_of_other_tools_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"format: azure is not allowed for a shard.*tracetide convert"):
        datasets.job().shards(2)[0].write(tmp_path / "x.csv", format="azure")


def test_an_empty_shard_is_a_file_without_rows(tmp_path):
    shard = datasets.job().shards(24)[7]
    assert shard.count == 0
    for name in ("x.parquet", "x.arrow", "x.csv"):
        assert shard.write(tmp_path / name).rows == 0
    assert (tmp_path / "x.csv").read_text() == "timestamp,client_id,input_tokens,output_tokens\n"


def test_a_shard_is_arrow_data():
    shard = datasets.job().shards(5)[2]
    made = pa.RecordBatchReader.from_stream(shard).read_all()
    assert made.replace_schema_metadata(None).equals(
        shard.generate().to_arrow().replace_schema_metadata(None)
    )


def test_on_the_command_line(tmp_path):
    profile = datasets.profile_file(tmp_path)
    arguments = ("generate", profile, "--seed", "7", "-q", "-o")
    succeeds(*arguments, tmp_path / "whole.csv")
    pieces = []
    for i in (1, 2, 3):
        succeeds(*arguments, tmp_path / "piece.csv", "--shard", f"{i}/3")
        header, rest = (tmp_path / "piece.csv").read_text().split("\n", 1)
        pieces.append(rest)
    assert (tmp_path / "whole.csv").read_text() == header + "\n" + "".join(pieces)
    for text in ("0/3", "4/3", "x", "1/25", "/3", "1/"):
        fails(*arguments, tmp_path / "no.csv", "--shard", text, says=["--shard", repr(text)])
    fails(*arguments, tmp_path / "no.csv", "--shard", "1/2", "--format", "azure", says=["azure", "shard"])
    fails(*arguments, f"{tmp_path}/no/", "--shard", "1/2", says=["--shard", "data set"])
    assert not (tmp_path / "no.csv").exists()
