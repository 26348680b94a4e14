"""Arrow data of jobs, traces and batches, by the core alone."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
import tracetide as tt
from format_traces import KINDS, job, uint32
from tracetide.columns.arrow import job_schema, table_of

NAN = float("nan")


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_a_trace_and_its_batches_are_the_same_arrow_data(kind):
    made = job(kind, block_size=64)
    trace = made.generate()
    expected = table_of(trace)
    table = pa.RecordBatchReader.from_stream(made).read_all()
    table.validate(full=True)
    assert table.equals(expected)
    assert table.schema.equals(job_schema(made.core, made.metadata()), check_metadata=True)
    assert pa.table(trace).equals(expected)
    batches = [pa.record_batch(batch) for batch in made.stream(batch_size=700)]
    assert pa.Table.from_batches(batches).equals(expected)
    for batch in batches:
        batch.validate(full=True)


def test_the_job_is_in_the_metadata():
    made = job("language")
    schema = pa.RecordBatchReader.from_stream(made).schema
    assert json.loads(schema.metadata[b"tracetide.job"]) == made.metadata()
    assert pa.schema(made) == schema


def test_a_stream_is_bounded_and_may_be_left_early():
    """Ten million requests, of which the first few are taken."""
    made = tt.Job(job("language").pool, rate=1e5, duration=100, seed=1)
    reader = pa.RecordBatchReader.from_stream(made)
    first = reader.read_next_batch()
    assert 0 < len(first) < 2_000_000
    reader.close()
    assert first.column("timestamp")[0].as_py() >= 0


def test_slices_share_memory():
    trace = job("multimodal").generate()
    part = trace[10:20]
    table = pa.table(part)
    table.validate(full=True)
    assert table.equals(table_of(trace).slice(10, 10))
    array = table.column("timestamp").chunk(0)
    assert array.buffers()[1].address == part.timestamp.__array_interface__["data"][0]


def test_memory_lives_as_long_as_the_arrow_data():
    def made() -> pa.Table:
        return pa.table(job("multimodal").generate())

    table = made()
    gc.collect()
    assert table.equals(table_of(job("multimodal").generate()))


def test_missing_sessions_and_delays_are_null():
    trace = tt.Trace(
        {
            "timestamp": np.array([0.0, 1.0, 2.0]),
            "session_id": np.array([tt.NO_SESSION, 3, 3], dtype=np.uint64),
            "turn": np.array([1, 1, 2], dtype=np.uint16),
            "delay": np.array([NAN, NAN, 0.5]),
        }
    )
    table = pa.table(trace)
    assert table["session_id"].to_pylist() == [None, 3, 3]
    assert table["delay"].to_pylist() == [None, None, 0.5]


def test_texts_and_other_numbers():
    trace = tt.Trace(
        {
            "client": np.array(["ann", "", "bøb"], dtype=object),
            "small": np.array([1, -2, 3], dtype=np.int8),
            "half": np.array([0.5, 1.5, NAN], dtype=np.float32),
            "strided": np.arange(6, dtype=np.int64)[::2],
        }
    )
    table = pa.table(trace)
    table.validate(full=True)
    assert table["client"].to_pylist() == ["ann", "", "bøb"]
    assert table["small"].to_pylist() == [1, -2, 3]
    assert table["strided"].to_pylist() == [0, 2, 4]
    with pytest.raises(TypeError, match="column 'c': the type float16 is not allowed"):
        pa.table(tt.Trace({"c": np.zeros(2, dtype=np.float16)}))


def test_no_rows():
    trace = job("multimodal").generate()[:0]
    table = pa.table(trace)
    table.validate(full=True)
    assert table.num_rows == 0
    assert pa.table(tt.Trace({"a": uint32([])})).num_rows == 0


def test_capsules_that_nobody_takes_are_released():
    made = job("language")
    trace = made.generate()
    for _ in range(50):
        made.__arrow_c_stream__()
        made.__arrow_c_schema__()
        trace.__arrow_c_stream__()
        trace.__arrow_c_array__()


def test_pandas_takes_a_job():
    pandas = pytest.importorskip("pandas")
    made = job("multimodal")
    if hasattr(pandas.DataFrame, "from_arrow"):  # pandas 3
        assert len(pandas.DataFrame.from_arrow(made)) == len(made.generate())
    assert len(made.generate().to_pandas()) == len(made.generate())


def test_polars_takes_jobs_traces_and_batches():
    polars = pytest.importorskip("polars")
    made = job("multimodal")
    frame = polars.DataFrame(made)
    assert frame.equals(polars.DataFrame(made.generate()))
    assert frame["image_tokens"].dtype == polars.List(polars.UInt32)
    assert len(polars.from_arrow(made)) == frame.height
    assert sum(polars.DataFrame(batch).height for batch in made.stream()) == frame.height


def test_duckdb_takes_a_job():
    duckdb = pytest.importorskip("duckdb")
    made = job("sessions")
    trace = made.generate()
    found = duckdb.sql("select count(*), sum(input_tokens), count(session_id) from made").fetchall()
    alone = int((trace.session_id == tt.NO_SESSION).sum())
    assert found == [(len(trace), int(trace.input_tokens.sum()), len(trace) - alone)]


def test_pyarrow_is_not_needed():
    """The capsules of a job and a trace are made in a process that cannot import pyarrow."""
    script = (
        "import sys\n"
        "sys.modules['pyarrow'] = None\n"
        "import tracetide as tt\n"
        "client = tt.Client(rate=2, input_tokens=tt.Constant(5), output_tokens=tt.Constant(6))\n"
        "pool = tt.ClientPool([client])\n"
        "job = tt.Job(pool, duration=100)\n"
        "for made in (job, job.generate(), next(job.stream())):\n"
        "    assert 'arrow_array_stream' in repr(made.__arrow_c_stream__())\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_numpy_columns_are_buffers_and_dlpack():
    trace = job("language").generate()
    assert memoryview(trace.timestamp).nbytes == 8 * len(trace)
    assert np.array_equal(np.from_dlpack(trace.input_tokens.copy()), trace.input_tokens)
