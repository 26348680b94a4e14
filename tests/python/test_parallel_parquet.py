"""Parquet files whose row groups are encoded on several threads."""

import io
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tracetide.io.writing import parallel_parquet
from tracetide.io.writing.parallel_parquet import ParallelParquetWriter, encoding_options

ROWS = 10_000
GROUP = 1_500  # not a divisor: the last row group is partial
LISTS = pa.list_(pa.field("item", pa.uint32(), nullable=False))


def table(rows: int = ROWS, seed: int = 1) -> pa.Table:
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 4, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    items = random.integers(0, 2**32, offsets[-1], dtype=np.uint32)
    columns = {
        "timestamp": pa.array(np.cumsum(random.integers(0, 10**7, rows)) / 1e9),
        "client_id": pa.array(random.integers(0, 160, rows, dtype=np.uint32)),
        "input_tokens": pa.array(random.integers(0, 2**32, rows, dtype=np.uint32)),
        "turn": pa.array(random.integers(0, 2**16, rows, dtype=np.uint16)),
        "request_id": pa.array(2**63 + np.arange(rows, dtype=np.uint64)),
        "image_tokens": pa.ListArray.from_arrays(pa.array(offsets), pa.array(items), type=LISTS),
    }
    schema = pa.schema([pa.field(name, column.type, nullable=False) for name, column in columns.items()])
    return pa.table(list(columns.values()), schema=schema)


def write_all(
    requests: pa.Table, sink, batches=None, *, threads: int = 2, rows_per_group: int = GROUP, **options
):
    with ParallelParquetWriter(
        sink, requests.schema, rows_per_group=rows_per_group, threads=threads, **options
    ) as writer:
        for batch in requests.to_batches(700) if batches is None else batches:
            writer.write_batch(batch)


def written(requests: pa.Table, *, batch_rows: int = 700, **options) -> bytes:
    sink = io.BytesIO()
    write_all(requests, sink, requests.to_batches(batch_rows), **options)
    return sink.getvalue()


def file_of(data: bytes) -> pq.ParquetFile:
    return pq.ParquetFile(pa.BufferReader(data))


def test_reading_gives_the_rows_of_every_type() -> None:
    requests = table()
    file = file_of(written(requests))
    assert file.read().equals(requests)
    groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert groups == [1500] * 6 + [1000]


def test_every_row_group_can_be_read_alone() -> None:
    requests = table()
    file = file_of(written(requests))
    for i in range(file.num_row_groups):
        assert file.read_row_group(i).equals(requests.slice(i * GROUP, GROUP))


def test_optional_columns_are_kept() -> None:
    requests = pa.table({"timestamp": [0.5, None, 2.0], "client_id": pa.array([None, 1, 2], pa.uint32())})
    assert file_of(written(requests, rows_per_group=2)).read().equals(requests)


def test_bytes_do_not_depend_on_threads_or_batches() -> None:
    requests = table()
    expected = written(requests, threads=1, batch_rows=GROUP)
    for threads in (1, 2, 3, 0):
        for batch_rows in (13, 700, GROUP, GROUP + 1, ROWS):
            assert written(requests, threads=threads, batch_rows=batch_rows) == expected


def test_statistics_and_offsets_belong_to_their_row_group() -> None:
    requests = table()
    data = written(requests)
    metadata = file_of(data).metadata
    end = 4
    for i in range(metadata.num_row_groups):
        group = metadata.row_group(i)
        part = requests.slice(i * GROUP, GROUP)
        timestamps = part["timestamp"].to_numpy()
        statistics = group.column(0).statistics
        assert (statistics.min, statistics.max) == (timestamps[0], timestamps[-1])
        for j in range(group.num_columns):
            chunk = group.column(j)
            start = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
            assert start == end  # the chunks lie one after the other
            end = start + chunk.total_compressed_size
    assert end == len(data) - metadata.serialized_size - 8


def test_the_file_is_the_one_that_pyarrow_writes() -> None:
    requests = table()
    options = encoding_options(requests.schema)
    options["sorting_columns"] = [pq.SortingColumn(0)]
    ours = written(requests, options=options, batch_rows=GROUP)
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, requests.schema, **options) as writer:
        for batch in requests.to_batches(GROUP):
            writer.write_batch(batch, row_group_size=GROUP)
    assert ours == sink.getvalue()


def test_page_indexes_are_moved_too() -> None:
    requests = table().select(["timestamp", "client_id"])
    options = encoding_options(requests.schema) | {"write_page_index": True, "data_page_size": 1000}
    file = file_of(written(requests, options=options))
    assert file.metadata.row_group(3).column(1).has_offset_index
    assert file.metadata.row_group(3).column(1).has_column_index
    assert file.read().equals(requests)


@pytest.mark.parametrize("rows", [0, 1, GROUP - 1, GROUP, GROUP + 1])
def test_small_files(rows: int) -> None:
    requests = table(rows)
    file = file_of(written(requests))
    assert file.num_row_groups == -(-rows // GROUP)
    assert file.read().equals(requests)
    assert file.schema_arrow.equals(requests.schema)


def test_more_row_groups_than_fit_a_short_list() -> None:
    requests = table(500)
    file = file_of(written(requests, rows_per_group=2))
    assert file.num_row_groups == 250
    assert file.read().equals(requests)


def test_empty_batches_are_nothing() -> None:
    requests = table(3)
    (whole,) = requests.to_batches()
    sink = io.BytesIO()
    with ParallelParquetWriter(sink, requests.schema, rows_per_group=2, threads=1) as writer:
        for batch in (whole[:0], whole, whole[:0]):
            writer.write_batch(batch)
    assert sink.getvalue() == written(requests, rows_per_group=2)


def test_metadata_of_the_schema_and_the_file() -> None:
    requests = table(10).replace_schema_metadata({"tracetide.job": '{"seed": 0}'})
    read = file_of(written(requests, metadata={"note": "größer"})).schema_arrow.metadata
    assert read == {b"tracetide.job": b'{"seed": 0}', b"note": "größer".encode()}
    assert file_of(written(requests)).metadata.metadata[b"tracetide.job"] == b'{"seed": 0}'


def test_an_error_of_a_thread_surfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    encode = parallel_parquet._encode
    calls = iter(range(100))

    def failing(*arguments):
        if next(calls) == 2:
            raise OSError("no memory left")
        return encode(*arguments)

    monkeypatch.setattr(parallel_parquet, "_encode", failing)
    before = threading.active_count()
    with pytest.raises(OSError, match="no memory left"):
        written(table())
    assert threading.active_count() == before


def test_an_error_of_the_last_row_group_surfaces_on_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*arguments):
        raise OSError("no memory left")

    monkeypatch.setattr(parallel_parquet, "_encode", failing)
    sink = io.BytesIO()
    requests = table(10)
    writer = ParallelParquetWriter(sink, requests.schema, rows_per_group=GROUP, threads=1)
    writer.write_batch(requests.to_batches()[0])
    with pytest.raises(OSError, match="no memory left"):
        writer.close()
    writer.close()  # nothing more to do
    with pytest.raises(ValueError, match="closed"):
        writer.write_batch(requests.to_batches()[0])


class _Disk(io.BytesIO):
    def __init__(self, capacity: int) -> None:
        super().__init__()
        self._capacity = capacity

    def write(self, data) -> int:
        if self.tell() + len(data) > self._capacity:
            raise OSError(28, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("capacity", [0, 50_000])
def test_an_error_of_the_sink_surfaces(capacity: int) -> None:
    before = threading.active_count()
    with pytest.raises(OSError, match="No space left"):
        write_all(table(), _Disk(capacity))
    assert threading.active_count() == before


class _Pipe(io.BytesIO):
    """Takes a part of what it is given, as pipes and raw files may."""

    def write(self, data) -> int:
        return super().write(data[:1000])


def test_short_writes_are_continued() -> None:
    sink = _Pipe()
    write_all(table(), sink)
    assert sink.getvalue() == written(table())


def test_an_error_of_the_caller_leaves_no_footer() -> None:
    sink = io.BytesIO()
    requests = table()

    def interrupted():
        yield from requests.to_batches()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_all(requests, sink, interrupted())
    assert sink.getvalue() == written(requests)[: len(sink.getvalue())]
    with pytest.raises(pa.ArrowInvalid):
        file_of(sink.getvalue())


def test_a_slow_thread_bounds_what_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    encode = parallel_parquet._encode
    lock = threading.Lock()
    started = 0

    def slow(*arguments):
        nonlocal started
        with lock:
            started += 1
        time.sleep(0.01)
        return encode(*arguments)

    monkeypatch.setattr(parallel_parquet, "_encode", slow)
    requests = table()
    submitted = 0
    with ParallelParquetWriter(io.BytesIO(), requests.schema, rows_per_group=500, threads=1) as writer:
        for batch in requests.to_batches(500):
            writer.write_batch(batch)
            submitted += 1
            assert submitted - started <= 3  # two wait, one is encoded


def test_wrong_arguments_are_named() -> None:
    schema = table(0).schema
    with pytest.raises(ValueError, match="rows_per_group: 0 is not allowed"):
        ParallelParquetWriter(io.BytesIO(), schema, rows_per_group=0)
    with pytest.raises(ValueError, match="threads: -1 is not allowed"):
        ParallelParquetWriter(io.BytesIO(), schema, rows_per_group=1, threads=-1)
    with ParallelParquetWriter(io.BytesIO(), schema, rows_per_group=1, threads=1) as writer:
        other = table(1).drop_columns(["client_id"])
        with pytest.raises(ValueError, match="a batch has the columns timestamp: double, input_tokens"):
            writer.write_batch(other.to_batches()[0])


def test_duckdb_reads_it(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    requests = table()
    path = tmp_path / "trace.parquet"
    path.write_bytes(written(requests))
    with duckdb.connect() as connection:
        read = connection.execute(f"SELECT * FROM '{path}'").fetchall()
        ((above,),) = connection.execute(f"SELECT count(*) FROM '{path}' WHERE timestamp > 30").fetchall()
    assert read == list(zip(*(column.to_pylist() for column in requests.columns), strict=True))
    assert above == np.count_nonzero(requests["timestamp"].to_numpy() > 30)


def test_polars_reads_it(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    requests = table()
    path = tmp_path / "trace.parquet"
    path.write_bytes(written(requests))
    read = polars.read_parquet(path)
    for name in requests.column_names:
        assert read[name].to_list() == requests[name].to_pylist()
