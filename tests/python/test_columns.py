"""Columns that users make are checked once, where they come in."""

import gc
import pickle

import numpy as np
import pyarrow as pa
import pytest
import tracetide as tt
from tracetide import _core

NAN, INF = float("nan"), float("inf")


def uint32(values):
    return np.array(values, dtype=np.uint32)


def lists(offsets, values):
    return tt.ListColumn(np.array(offsets, dtype=np.int32), uint32(values))


def columns(**changed):
    made = {
        "timestamp": np.array([0.0, 1.0, 1.0]),
        "client_id": uint32([0, 1, 0]),
        "input_tokens": uint32([5, 5, 5]),
        "output_tokens": uint32([1, 2, 3]),
        "session_id": np.array([3, tt.NO_SESSION, 3], dtype=np.uint64),
        "turn": np.array([1, 1, 2], dtype=np.uint16),
        "delay": np.array([NAN, NAN, 0.25]),
        "hash_ids": lists([0, 1, 2, 3], [7, 8, 9]),
    }
    return made | changed


@pytest.mark.parametrize("make", [tt.Trace, tt.Batch])
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"delay": np.array([NAN, NAN, INF])}, "delay: inf in row 3 is not allowed"),
        ({"delay": np.array([NAN, 1e17, 0.5])}, r"delay: 1e\+17 in row 2 is not allowed"),
        ({"delay": np.array([NAN, -1.0, 0.5])}, "delay: -1.0 in row 2 is not allowed"),
        ({"timestamp": np.array([0.0, 1.0, -INF])}, "timestamp: -inf in row 3 is not allowed"),
        ({"timestamp": np.array([0.0, 1.0, 1e10])}, "timestamp: 10000000000.0 in row 3 is not allowed"),
        ({"timestamp": np.array([-1e-9, 1.0, 2.0])}, "timestamp: -1e-09 in row 1 is not allowed"),
        ({"timestamp": np.array([2.0, NAN, 1.5])}, "timestamp: 1.5 in row 3 after 2.0 is not allowed"),
        ({"timestamp": np.array([0, 1, 2])}, "'timestamp' as a int64 array of shape (3,) is not allowed"),
        ({"client_id": np.array([0, 1, -1])}, "it must be a uint32 array of one dimension"),
        ({"input_tokens": [5, 5, 5]}, "'input_tokens' as 'list' is not allowed"),
        ({"input_tokens": np.zeros((3, 2), dtype=np.uint32)}, "as a uint32 array of shape (3, 2)"),
        ({"output_tokens": np.ma.masked_equal(uint32([1, 2, 3]), 2)}, "as a masked uint32 array"),
        ({"turn": np.array([1, 1, 2], dtype=">u2")}, "'turn' as a >u2 array"),
        ({"hash_ids": uint32([1, 2, 3])}, "'hash_ids' as a uint32 array of shape (3,) is not allowed"),
        ({"turn": lists([0, 0, 0, 0], [])}, "'turn' as a list column is not allowed"),
        ({"hash_ids": lists([0, 1], [7])}, "all columns must have one length"),
        ({"session_id": np.array(["a", None, 3], dtype=object)}, "session_id: 3 in row 3 is not allowed"),
        ({"client": np.array(["a", None, "b"], dtype=object)}, "client: None in row 2 is not allowed"),
        ({"what": np.zeros(3, dtype="datetime64[s]")}, "of numbers or of texts as objects"),
        ({"half \ud800": np.zeros(3)}, r"the name 'half \\ud800' is not allowed"),
        (
            {"what": np.array(["x", "y", "half \ud800"], dtype=object)},
            r"what: 'half \\ud800' in row 3 is not allowed; it must be text that UTF-8 has",
        ),
    ],
)  # fmt: skip
def test_columns_that_cannot_be_a_trace_are_refused(make, changed, says):
    with pytest.raises(ValueError, match=says.replace("(", r"\(").replace(")", r"\)")):
        make(columns(**changed))


def test_columns_that_can_are_taken_as_they_are():
    given = columns(
        session_id=np.array(["a", None, "a"], dtype=object),
        client=np.array(["x", "", "z"], dtype=object),
        timestamp=np.array([NAN, 1.0, 1.0]),
        ttft=np.array([0.5, INF, NAN], dtype=np.float32),
    )
    trace = tt.Trace(given)
    assert all(trace[name] is column for name, column in given.items())
    again = pickle.loads(pickle.dumps(trace))
    assert again.columns == trace.columns
    np.testing.assert_array_equal(again["timestamp"], given["timestamp"])


@pytest.mark.parametrize(
    ("offsets", "says"),
    [
        ([5, 2, 9], r"the offsets \[5, 2\] are not allowed; they must be from 0 on and never decrease"),
        ([-1, 0, 1], r"the offsets \[-1\] are not allowed"),
        ([2**31 - 1, -(2**31), 0], r"the offsets \[2147483647, -2147483648\] are not allowed"),
        ([2**30, 2**30 + 5], "a last offset of 1073741829 is not allowed for 4 values"),
        ([0, 5], "a last offset of 5 is not allowed for 4 values"),
        ([], "there must be one more than rows"),
    ],
)
def test_offsets_that_do_not_point_into_the_values_are_refused(offsets, says):
    with pytest.raises(ValueError, match=says):
        lists(offsets, [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("offsets", "values", "says"),
    [
        (np.array([0, 1]), uint32([1]), "offsets as a int64 array"),
        (np.array([0, 1], dtype=np.int32), np.array([1.5]), "values as a float64 array"),
        ([0, 1], uint32([1]), "offsets as 'list'"),
        (np.zeros((1, 2), dtype=np.int32), uint32([1]), r"offsets as a int32 array of shape \(1, 2\)"),
    ],
)
def test_lists_of_other_types_are_refused(offsets, values, says):
    with pytest.raises(ValueError, match=says):
        tt.ListColumn(offsets, values)


def test_a_slice_of_lists_begins_within_the_values():
    part = lists([0, 2, 2, 5], [1, 2, 3, 4, 5])[1:]
    trace = tt.Trace({"timestamp": np.array([0.0, 1.0]), "hash_ids": part})
    assert pa.table(trace)["hash_ids"].to_pylist() == [[], [3, 4, 5]]
    assert trace.to_arrow()["hash_ids"].to_pylist() == [[], [3, 4, 5]]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet", "t.arrow"])
def test_what_has_been_changed_since_is_refused_when_written(name, tmp_path):
    for column, value, says in (
        ("delay", INF, "delay: inf in row 2"),
        ("timestamp", -3.0, "timestamp: -3.0 in row 2"),
        ("timestamp", 5.0, "timestamp: 1.0 in row 3 after 5.0"),
    ):
        trace = tt.Trace(columns())
        trace[column][1] = value
        with pytest.raises(ValueError, match=says):
            trace.write(tmp_path / name)
    trace = tt.Trace(columns())
    trace.hash_ids.offsets[1] = 2**30
    with pytest.raises(ValueError, match=r"hash_ids: the offsets \[1073741824, 2\] are not allowed"):
        trace.write(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_arrow_data_never_point_beyond_their_values():
    for bad in (2**30, -5):
        trace = tt.Trace(columns())
        trace.hash_ids.offsets[1] = bad
        with pytest.raises(ValueError, match="the offsets of 'hash_ids'"):
            trace.__arrow_c_stream__()
        with pytest.raises(ValueError, match="the offsets of 'hash_ids'"):
            trace.__arrow_c_array__()


def test_arrow_data_from_outside_are_checked_before_they_are_read():
    fixed = {"timestamp": [0.0, 1.0], "input_tokens": uint32([1, 1]), "output_tokens": uint32([1, 1])}
    for offsets in ([0, 9_000_000, 3], [0, -5, 3], [2, 0, 3]):
        buffer = pa.py_buffer(np.array(offsets, dtype=np.int32))
        ids = pa.Array.from_buffers(
            pa.list_(pa.uint32()), 2, [None, buffer], children=[pa.array(uint32([1, 2, 3]))]
        )
        table = pa.table({**fixed, "hash_ids": ids})
        for given in (table, pa.RecordBatchReader.from_batches(table.schema, table.to_batches())):
            with pytest.raises(tt.TraceError, match="not a table that can be read"):
                tt.read(given)
    gc.collect()


@pytest.mark.parametrize("format", ["burstgpt", "mooncake-session", "llmservingsim", "vidur"])
@pytest.mark.parametrize(
    ("times", "delays", "says"),
    [
        ([0.0, 1.0], [NAN, INF], "row 2: its delay is no time"),
        ([0.0, 1.0], [NAN, 1e17], "row 2: its delay is no time"),
        ([0.0, -1.0], [NAN, 1.0], "row 2: its timestamp is no time"),
        ([0.0, 1e11], [NAN, 1.0], "row 2: its timestamp is no time"),
    ],
)
def test_the_core_refuses_times_that_are_none(format, times, delays, says):
    kinds = {
        "timestamp": "real", "input_tokens": "u32", "output_tokens": "u32",
        "session_id": "u64", "turn": "u16", "delay": "real",
    }  # fmt: skip
    writer = _core.RowWriter(format, list(kinds.items()))
    ones = uint32([1, 1])
    turns = np.array([1, 2], dtype=np.uint16)
    sessions = np.ones(2, dtype=np.uint64)
    with pytest.raises(ValueError, match=says):
        writer.write(2, [np.array(times), ones, ones, sessions, turns, np.array(delays)])
