"""Trace files: each holds every column, has the same bytes however it is made, and is whole or not there."""

from __future__ import annotations

import errno
import gzip
import json
import os
import socket
import stat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import tracetide as tt
from hypothesis import given, settings
from hypothesis import strategies as st
from platforms import bound_by_permissions, posix_only
from small_profiles import MULTIMODAL, IntegerPmf, RealPmf, one_client
from tracetide.charts import house_style
from tracetide.io.writing import NATIVE, format_of
from tracetide.io.writing import parquet as parquet_module
from tracetide.io.writing.compression import PIECE, compressed
from tracetide.io.writing.file_system import claim_file
from tracetide.io.writing.output import new_folder, open_output
from tracetide.io.writing.table import write_table

LENGTHS = IntegerPmf([1, 17, 4_294_967_295], [0.5, 0.4, 0.1])
CATEGORIES = ("language", "reason", "multimodal")


def _pool(category: str) -> tt.ClientPool:
    laws = {"input_tokens": LENGTHS, "output_tokens": LENGTHS}
    if category == "reason":
        laws["reason_ratio"] = RealPmf([0.1, 0.9], [0.5, 0.5])
    if category == "multimodal":
        laws = {**MULTIMODAL, "image_count": IntegerPmf([0, 1, 3], [0.3, 0.4, 0.3])}
        laws |= {
            "image_tokens": IntegerPmf([256, 512], [0.5, 0.5]),
            "audio_count": IntegerPmf([0, 2], [0.5, 0.5]),
        }
    return tt.ClientPool(one_client(100.0, "gamma", 0.5, category=category, **laws), name=category)


@pytest.fixture(scope="module", params=CATEGORIES)
def job(request) -> tt.Job:
    """20,000 requests."""
    return tt.Job(_pool(request.param), duration=200, seed=11)


@pytest.fixture(scope="module")
def language() -> tt.Job:
    return tt.Job(_pool("language"), duration=200, seed=11)


# Contents


@pytest.mark.parametrize("format", NATIVE)
def test_a_file_holds_every_column_exactly(job, format, tmp_path):
    path = tmp_path / f"trace.{format}"
    written = job.write(path)
    assert written.rows == 20_000
    assert written.bytes == path.stat().st_size
    assert tt.Trace.read(path) == job.generate()


@pytest.mark.parametrize("format", NATIVE)
def test_bytes_do_not_depend_on_threads_or_on_the_way_they_are_made(job, format, tmp_path):
    path = tmp_path / f"trace.{format}"
    job.write(path, threads=1)
    expected = path.read_bytes()
    for threads in (2, 3, 8):
        job.write(path, threads=threads)
        assert path.read_bytes() == expected
    job.generate().write(path)
    assert path.read_bytes() == expected
    tt.Trace.read(path)  # the file stands for itself


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_a_file_describes_its_job(job, format, tmp_path):
    path = tmp_path / f"trace.{format}"
    job.write(path)
    assert tt.Trace.read(path).metadata == job.metadata()
    schema = pq.read_schema(path) if format == "parquet" else pa.ipc.open_file(path).schema
    assert json.loads(schema.metadata[b"tracetide.job"]) == job.metadata()


def test_a_trace_that_is_read_writes_the_same_file(job, tmp_path):
    for format in ("parquet", "arrow"):
        first, second = tmp_path / f"first.{format}", tmp_path / f"second.{format}"
        job.write(first)
        tt.Trace.read(first).write(second)
        assert first.read_bytes() == second.read_bytes()


def test_parquet_has_fixed_row_groups_and_its_encodings(language, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_module, "ROW_GROUP", 4096)
    path = tmp_path / "trace.parquet"
    language.write(path)
    found = pq.ParquetFile(path).metadata
    groups = [found.row_group(i) for i in range(found.num_row_groups)]
    assert [group.num_rows for group in groups] == [4096] * 4 + [3616]
    for group in groups:
        assert "BYTE_STREAM_SPLIT" in group.column(0).encodings
        assert all("DELTA_BINARY_PACKED" in group.column(i).encodings for i in (1, 2, 3))
        assert [group.column(i).compression for i in range(4)] == ["ZSTD"] + ["UNCOMPRESSED"] * 3


def test_csv_and_json_lines_are_plain_for_other_readers(tmp_path):
    job = tt.Job(_pool("multimodal"), duration=2, seed=1)
    trace = job.generate()
    job.write(tmp_path / "trace.csv")
    job.write(tmp_path / "trace.jsonl")
    table = pyarrow.csv.read_csv(tmp_path / "trace.csv")
    assert table.column_names == list(trace.columns)
    rows = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]
    assert len(rows) == len(trace) == table.num_rows
    for i, row in enumerate(rows):
        assert list(row) == list(trace.columns)
        assert row["timestamp"] == trace.timestamp[i] == table["timestamp"][i].as_py()
        assert row["input_tokens"] == trace.input_tokens[i] == table["input_tokens"][i].as_py()
        assert row["image_tokens"] == trace.image_tokens[i].tolist()
        assert json.loads(table["image_tokens"][i].as_py()) == row["image_tokens"]


def test_a_gzip_file_is_for_every_reader_and_has_no_time_in_it(language, tmp_path):
    plain, packed = tmp_path / "trace.csv", tmp_path / "trace.csv.gz"
    language.write(plain)
    language.write(packed)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert packed.read_bytes()[4:8] == bytes(4)


@pytest.mark.parametrize("compression", ["gz", "zst"])
def test_compressed_bytes_depend_only_on_the_text(compression, tmp_path):
    text = np.random.default_rng(5).integers(48, 58, 2 * PIECE + 12_345, dtype=np.uint8).tobytes()
    found = set()
    for step, threads in ((len(text), 1), (1_000_003, 2), (77_777, 3)):
        path = tmp_path / f"{step}.{compression}"
        with open_output(path) as output, compressed(output, compression, threads) as sink:
            for start in range(0, len(text), step):
                sink.write(text[start : start + step])
        found.add(path.read_bytes())
        with pa.OSFile(str(path)) as file:
            codec = {"gz": "gzip", "zst": "zstd"}[compression]
            assert pa.CompressedInputStream(file, codec).read() == text
    assert len(found) == 1


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 8_000_000 * 10**9 - 1),
            st.integers(0, 2**32 - 1),
            st.integers(0, 2**32 - 1),
            st.lists(st.integers(0, 2**32 - 1), max_size=3),
        ),
        min_size=1,
        max_size=30,
    ),
    format=st.sampled_from(NATIVE),
)
def test_any_trace_that_is_written_is_read_the_same(tmp_path_factory, rows, format):
    rows = sorted(rows)
    lists = [row[3] for row in rows]
    trace = tt.Trace(
        {
            "timestamp": np.array([row[0] for row in rows]) / 1e9,
            "client_id": np.array([row[1] for row in rows], dtype=np.uint32),
            "input_tokens": np.array([row[2] for row in rows], dtype=np.uint32),
            "output_tokens": np.array([row[1] for row in rows], dtype=np.uint32),
            "image_tokens": tt.ListColumn(
                np.cumsum([0, *map(len, lists)]).astype(np.int32),
                np.array([item for items in lists for item in items], dtype=np.uint32),
            ),
        }
    )
    path = tmp_path_factory.mktemp("any") / f"trace.{format}"
    trace.write(path)
    assert tt.Trace.read(path) == trace


def test_further_numeric_columns_are_kept(language, tmp_path):
    trace = language.generate()
    more = tt.Trace({**{name: trace[name] for name in trace.columns}, "ttft": np.linspace(0, 1, len(trace))})
    for format in ("parquet", "arrow", "csv", "jsonl"):
        more.write(tmp_path / f"trace.{format}")
        assert tt.Trace.read(tmp_path / f"trace.{format}") == more


# Names


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("a.parquet", None, "parquet"),
        ("a.b.ARROW", None, "arrow"),
        ("a.csv.gz", None, "csv.gz"),
        ("/x.y/a.jsonl.zst", None, "jsonl.zst"),
        ("-", "csv", "csv"),
        ("-", "jsonl.gz", "jsonl.gz"),
        ("a.txt", "csv", "csv"),
        ("a.csv.gz", "jsonl", "jsonl.gz"),
        ("a.parquet", "CSV", "csv"),
        (".csv", None, "csv"),
    ],
)
def test_the_ending_chooses_the_format_and_a_name_goes_before_it(path, name, expected):
    assert format_of(path, name).name == expected


@pytest.mark.parametrize(
    ("path", "name", "says"),
    [
        ("a.txt", None, r"'a\.txt'.*\.parquet, \.arrow, \.csv"),
        ("csv", None, "ending of 'csv'"),
        ("a", None, "ending of 'a'"),
        ("a.gz", None, r"ending of 'a\.gz'"),
        ("-", None, "standard output needs a format.*jsonl"),
        ("a.csv", "xml", "'xml' is not known.*parquet, arrow"),
        ("a.csv", "csv.xz", r"'csv\.xz'"),
        ("a.csv", "", "''"),
        ("a.parquet.gz", None, r"parquet is not written with \.gz"),
        ("a.gz", "arrow", r"arrow is not written with \.gz"),
        ("-", "parquet.zst", r"parquet is not written with \.zst"),
    ],
)
def test_an_unknown_format_is_refused_with_the_known_ones(path, name, says):
    with pytest.raises(ValueError, match=says):
        format_of(path, name)


# Files appear when complete


def test_a_file_is_replaced_only_when_the_new_one_is_complete(language, tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("before")

    def interrupt(rows: int, bytes: int) -> None:
        assert path.read_text() == "before"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        language.write(path, progress=interrupt)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
    language.write(path)
    assert path.read_bytes().count(b"\n") == 20_001


@pytest.mark.parametrize("format", NATIVE)
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_of_a_file_that_fails(job, format, error, tmp_path, monkeypatch):
    def fail(descriptor: int, data: object) -> int:
        raise error

    monkeypatch.setattr("tracetide.io.writing.output.os.write", fail)
    with pytest.raises(type(error)):
        job.write(tmp_path / f"trace.{format}")
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_turns_out_empty_leaves_nothing(tmp_path):
    pool = tt.ClientPool(one_client(1e-9), name="rare")
    for counts in ("pinned", "renewal"):
        job = tt.Job(pool, counts=counts, seed=1)
        assert len(job.generate()) == 0
        for format in NATIVE:
            with pytest.raises(ValueError, match="no requests"):
                job.write(tmp_path / f"trace.{format}")
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_be_written_is_refused_with_the_reason(language, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing(/|\\\\)trace\.csv'.*does not exist"):
        language.write(tmp_path / "missing" / "trace.csv")
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(NotADirectoryError, match="is not a folder"):
        language.write(file / "trace.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        language.write(tmp_path / "folder.csv")


@bound_by_permissions
def test_a_folder_that_is_not_writable_is_refused(language, tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match="permission denied"):
            language.write(tmp_path / "trace.csv")
    finally:
        tmp_path.chmod(0o700)


def test_a_link_is_followed_and_stays_a_link(language, tmp_path):
    target = tmp_path / "target.csv"
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    if not link.is_symlink():  # as in Wine
        pytest.skip("there are no symbolic links here")
    language.write(link)
    assert link.is_symlink()
    assert target.read_bytes().count(b"\n") == 20_001


def _write_trace(path: Path) -> None:
    tt.Job(_pool("language"), duration=2, seed=1).write(path, format="csv")


def _write_profile(path: Path) -> None:
    _pool("language").write(path)


def _write_core_profile(path: Path) -> None:
    _pool("language").profile.write(str(path))


def _write_figure(path: Path) -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    house_style.save(figure, path)


def _write_table(path: Path) -> None:
    write_table(pa.table({"numbers": [1, 2, 3]}), path)


WRITERS = pytest.mark.parametrize(
    ("write", "name"),
    [
        (_write_trace, "x.csv"),
        (_write_profile, "x.tide"),
        (_write_core_profile, "x.tide"),
        (_write_figure, "x.svg"),
        (_write_table, "x.csv"),
    ],
)


@posix_only
@WRITERS
def test_a_file_that_is_replaced_keeps_its_rights_and_its_link(write, name, tmp_path):
    target, link = tmp_path / "target", tmp_path / name
    target.write_text("before")
    target.chmod(0o640)
    link.symlink_to("target")
    write(link)
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert target.stat().st_size > 6
    assert sorted(os.listdir(tmp_path)) == sorted(["target", name])


@WRITERS
def test_a_file_that_is_read_only_is_not_replaced(write, name, tmp_path):
    path = tmp_path / name
    path.write_text("mine")
    path.chmod(0o400)
    with pytest.raises(PermissionError, match=f"{name}.*read-only|denied"):
        write(path)
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == [name]


@posix_only
@WRITERS
def test_only_files_are_replaced(write, name, tmp_path):
    path = tmp_path / name
    path.symlink_to("/dev/null")
    write(path)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    path.unlink()
    if os.path.exists("/dev/full"):
        path.symlink_to("/dev/full")
        with pytest.raises(OSError, match=r"(?i)no space left") as caught:
            write(path)
        assert name in str(caught.value)
        path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        with pytest.raises(OSError, match=name):
            write(path)
        assert stat.S_ISSOCK(path.stat().st_mode)
    path.unlink()
    path.symlink_to(name)
    with pytest.raises(OSError, match=name):
        write(path)
    assert os.listdir(tmp_path) == [name]


@WRITERS
def test_what_a_killed_process_has_left_of_a_file_is_removed(write, name, tmp_path):
    others = [f".{name}.mine.partial", ".other.0123456789ab.partial", f"{name}.0123456789ab.partial"]
    for other in (*others, f".{name}.0123456789ab.partial"):
        (tmp_path / other).write_text("half")
    held = claim_file(str(tmp_path / f".{name}.00000000000f.partial"))
    assert held is not None
    write(tmp_path / name)
    left = sorted(os.listdir(tmp_path))
    held.close()
    assert left == sorted([*others, f".{name}.00000000000f.partial", name])
    write(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == sorted([*others, name])


@posix_only
def test_a_folder_is_written_as_files_are(tmp_path):
    (tmp_path / ".set.0123456789ab.partial").mkdir()
    (tmp_path / ".set.0123456789ab.partial" / "half").write_text("x")
    (tmp_path / "set").mkdir(mode=0o700)
    with new_folder(tmp_path / "set") as folder:
        (Path(folder) / "file").write_text("x")
    assert os.listdir(tmp_path) == ["set"]
    assert os.listdir(tmp_path / "set") == ["file"]
    assert stat.S_IMODE((tmp_path / "set").stat().st_mode) == 0o700


def test_long_names_in_any_script_are_written(language, tmp_path):
    name = 80 * "\u8ff9" + ".csv"
    language.write(tmp_path / name)
    assert os.listdir(tmp_path) == [name]


@posix_only
def test_a_device_is_written_and_not_replaced(language):
    language.write("/dev/null", format="csv")
    assert not os.path.isfile("/dev/null")


def test_a_file_has_the_rights_of_any_new_file(language, tmp_path):
    language.write(tmp_path / "trace.csv")
    (tmp_path / "other").write_text("x")
    assert (tmp_path / "trace.csv").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_progress_tells_rows_and_bytes(language, tmp_path):
    seen: list[tuple[int, int]] = []
    written = language.write(
        tmp_path / "trace.parquet", progress=lambda rows, bytes: seen.append((rows, bytes))
    )
    assert [rows for rows, _ in seen] == sorted(rows for rows, _ in seen)
    assert seen[-1][0] == written.rows == 20_000


# Reading what is not a trace

HEADER = b"timestamp,client_id,input_tokens,output_tokens\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "trace.csv"),
        (b"timestamp,client_id\n1,2\n", "'input_tokens' is missing"),
        (HEADER + b"x,1,1,1\n", "trace.csv"),
        (HEADER + b"1,1,1\n", "trace.csv"),
        (HEADER + b"1,-1,1,1\n", "trace.csv"),
        (HEADER + b"1,1,4294967296,1\n", "trace.csv"),
        (HEADER + b"1,1,1.5,1\n", "trace.csv"),
        (HEADER + b"nan,1,1,1\n", "row 1, column 'timestamp'"),
        (HEADER + b"1,1,1,1\n-1,1,1,1\n", "row 2, column 'timestamp': -1"),
        (HEADER + b"2,1,1,1\n1,1,1,1\n", r"row 2, column 'timestamp': 1\.0 .*before"),
        (HEADER + b"1,,1,1\n", "'client_id'|trace.csv"),
        (
            b"timestamp,client_id,input_tokens,output_tokens,image_tokens\n1,1,1,1,256;3\n",
            "'256;3' is not a list",
        ),
        (b"\x00\xff" * 1000, "trace.csv"),
    ],
)
def test_a_csv_that_is_no_trace_is_refused(content, says, tmp_path):
    (tmp_path / "trace.csv").write_bytes(content)
    with pytest.raises(ValueError, match=says) as caught:
        tt.Trace.read(tmp_path / "trace.csv")
    assert "trace.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("format", NATIVE)
def test_a_damaged_file_is_refused_with_its_name(language, format, tmp_path):
    path = tmp_path / f"trace.{format}"
    language.write(path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    cut = whole[: whole.rindex(b",", 0, middle)] if format in ("csv", "jsonl") else whole[:middle]
    for content in (b"", b"\x00\x01\xfe\xff" * 500, cut):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"trace.{format}"):
            tt.Trace.read(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"trace\.csv.*no file"):
        tt.Trace.read(tmp_path / "trace.csv")
