"""Groups of rows are bounded by what they hold."""

import itertools

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tracetide as tt
from tracetide.io.writing import tool_rows
from tracetide.io.writing.base import ToolOptions
from tracetide.io.writing.row_groups import RowGroups
from tracetide.io.writing.tool_rows import ToolRows


def batch_of(lengths, first=0) -> pa.RecordBatch:
    values = pa.array(np.zeros(int(np.sum(lengths)), dtype=np.uint32))
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    rows = pa.array(np.arange(first, first + len(lengths)))
    return pa.record_batch({"row": rows, "ids": pa.ListArray.from_arrays(offsets, values)})


def groups_of(batches, rows, values) -> list[list[int]]:
    groups = RowGroups(rows, values)
    found: list[list[int]] = [[]]
    for piece, is_whole in itertools.chain.from_iterable(map(groups.pieces, batches)):
        found[-1] += piece.column("row").to_pylist()
        if is_whole:
            found.append([])
    return found


def test_a_group_ends_with_the_row_that_fills_it():
    lengths = [3, 3, 0, 4, 0, 12, 1, 25, 9, 1, 0, 0, 0, 0, 0, 0]
    assert groups_of([batch_of(lengths)], 5, 10) == [
        [0, 1, 2, 3], [4, 5], [6, 7], [8, 9], [10, 11, 12, 13, 14], [15],
    ]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 7, 50, 300])
def test_how_rows_come_makes_no_difference(size):
    lengths = np.random.default_rng(1).integers(0, 30, 300)
    whole = batch_of(lengths)
    batches = [whole.slice(at, size) for at in range(0, 300, size)]
    found = groups_of(batches, 13, 100)
    assert found == groups_of([whole], 13, 100)
    for rows in found[:-1]:
        assert len(rows) == 13 or lengths[rows].sum() >= 100
        assert lengths[rows[:-1]].sum() < 100


def test_rows_without_lists_are_counted_alone():
    batch = pa.record_batch({"row": pa.array(np.arange(7))})
    assert groups_of([batch], 3, 1) == [[0, 1, 2], [3, 4, 5], [6]]


def test_row_groups_of_a_file_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(RowGroups.__init__, "__defaults__", (1000,))
    lengths = np.full(500, 10)
    ids = tt.ListColumn(np.arange(0, 5001, 10, dtype=np.int32), np.arange(5000, dtype=np.uint32))
    ones = np.ones(lengths.size, dtype=np.uint32)
    trace = tt.Trace(
        {
            "timestamp": np.arange(500.0),
            "client_id": ones,
            "input_tokens": ones * 10,
            "output_tokens": ones,
            "hash_ids": ids,
        }
    )
    trace.write(tmp_path / "t.parquet")
    file = pq.ParquetFile(tmp_path / "t.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [100] * 5
    assert tt.Trace.read(tmp_path / "t.parquet") == trace
    tt.convert(tmp_path / "t.parquet", tmp_path / "again.parquet")
    assert pq.ParquetFile(tmp_path / "again.parquet").num_row_groups == 5


def test_rows_that_get_many_ids_are_written_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(tool_rows, "TEXT_VALUES", 1000)
    inputs = np.array([512 * 999, 512, 1, 2**20, 512 * 1000], dtype=np.uint32)
    batch = pa.record_batch(
        {
            "timestamp": pa.array(np.zeros(5)),
            "input_tokens": pa.array(inputs),
            "output_tokens": pa.array(np.ones(5, dtype=np.uint32)),
        }
    )
    pieces = list(ToolRows(batch.schema, "mooncake", ToolOptions()).pieces(iter([batch])))
    assert [rows for rows, _ in pieces] == [2, 2, 1]
    lines = b"".join(text for _, text in pieces).splitlines()
    assert [line.count(b",") - 2 for line in lines] == [999, 1, 1, 2048, 1000]
    plain = list(ToolRows(batch.schema, "mooncake", ToolOptions(hash_ids=False)).pieces(iter([batch])))
    assert [rows for rows, _ in plain] == [5]
