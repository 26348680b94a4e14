"""Data sets: folders of Parquet files that say of themselves whether they are complete."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.dataset as pd
import pyarrow.parquet as pq
import pytest
import tracetide as tt
from cli_tools import fails, succeeds
from hypothesis import given, settings
from hypothesis import strategies as st
from platforms import posix_only
from tracetide.cli.outcome import outcome_of
from tracetide.job.dataset.manifest import checksum_of
from tracetide.job.dataset.partition import Partition, count_windows

CONVERSATIONS = tt.conversations(share=0.5, turns=3, think_time=tt.Exponential(600.0))


def job(kind: str = "pinned") -> tt.Job:
    if kind == "sessions":
        return tt.Job(datasets.pool().with_sessions(CONVERSATIONS), seed=3)
    return datasets.job(counts=kind)


@pytest.mark.parametrize("partition", ["1h", "90min", "20min", "1d", "2d", "rows=50000", "rows=1e9", 7000])
@pytest.mark.parametrize("kind", ["pinned", "renewal", "sessions"])
def test_the_parts_are_the_trace(kind, partition, tmp_path):
    made = job(kind)
    written = made.write_dataset(tmp_path / "set", partition=partition)
    assert datasets.table(tmp_path / "set").equals(datasets.whole(made))
    assert written.parts == written.made == len(datasets.parts(tmp_path / "set"))
    assert written.rows == len(datasets.whole(made))
    assert written.bytes == sum(path.stat().st_size for path in datasets.parts(tmp_path / "set"))
    size = Partition.parse(partition).size
    for path in datasets.parts(tmp_path / "set"):
        times = pq.read_table(path)["timestamp"].to_numpy()
        by, start, end = path.stem.split("-")
        if by == "rows":
            assert len(times) == size or path == datasets.parts(tmp_path / "set")[-1]
            assert int(end) - int(start) == size
        else:
            assert int(end[:-1]) - int(start[:-1]) == size
            assert ((times >= int(start[:-1])) & (times < int(end[:-1]))).all()


@settings(max_examples=25, deadline=None)
@given(size=st.integers(1, 100_000), by=st.sampled_from(["time", "rows"]), data=st.data())
def test_any_part_is_cut_out_of_its_windows_alone(size, by, data):
    made = job()
    whole = made.generate()
    partition = Partition(by, max(size, 500 if by == "rows" else 30))
    parts = partition.parts(made)
    first = data.draw(st.integers(0, len(parts) - 1))
    last = data.draw(st.integers(first + 1, min(len(parts), first + 30)))
    layout = partition.layout(made)
    begin, end = layout.windows(parts[first].start, parts[last - 1].end)
    batches = made.shards(made.windows)[begin:end]
    pieces: dict[int, list[float]] = {part.number: [] for part in parts[first:last]}
    ended = []
    stream = (batch for shard in batches for batch in shard.stream(batch_size=1000))
    for part, piece in layout.cut(stream, parts[first:last]):
        if piece is None:
            ended.append(part.number)
        else:
            pieces[part.number] += piece["timestamp"].tolist()
    assert ended == list(range(first, last))
    times = whole["timestamp"]
    for part in parts[first:last]:
        expected = (
            times[part.start : part.end]
            if by == "rows"
            else times[(times >= part.start) & (times < part.end)]
        )
        assert pieces[part.number] == expected.tolist()


def test_bytes_do_not_depend_on_threads_or_on_what_is_written_together(tmp_path):
    made = job()
    made.write_dataset(tmp_path / "one", partition="1h", threads=1)
    made.write_dataset(tmp_path / "two", partition="1h", threads=3)
    expected = datasets.digests(tmp_path / "one")
    assert datasets.digests(tmp_path / "two") == expected
    for names in (
        ["time-0000007200s-0000010800s.parquet"],
        [p.name for p in datasets.parts(tmp_path / "two")][::2],
    ):
        for name in names:
            (tmp_path / "two" / name).unlink()
        assert made.write_dataset(tmp_path / "two", partition="1h", resume=True).made == len(names)
        assert datasets.digests(tmp_path / "two") == expected


def test_the_manifest_says_what_is_there(tmp_path):
    made = job()
    written = made.write_dataset(tmp_path / "set", partition="2h")
    manifest = json.loads((tmp_path / "set" / "_manifest.json").read_text())
    assert manifest["job"] == json.loads(json.dumps(made.metadata()))
    assert manifest["partition"] == {"by": "time", "size": 7200}
    assert manifest["pyarrow"] == pa.__version__
    assert (manifest["rows"], manifest["bytes"]) == (written.rows, written.bytes)
    digests = datasets.digests(tmp_path / "set")
    before = 0
    for entry in manifest["parts"]:
        table = pq.read_table(tmp_path / "set" / entry["name"])
        assert entry["sha256"] == digests[entry["name"]]
        assert entry["rows"] == len(table)
        assert entry["first_request"] == before
        assert entry["first"] == table["timestamp"][0].as_py()
        assert entry["last"] == table["timestamp"][-1].as_py()
        before += len(table)
    assert set(digests) == {entry["name"] for entry in manifest["parts"]} | {"_manifest.json", "_SUCCESS"}
    assert (tmp_path / "set" / "_SUCCESS").stat().st_size == 0


def test_parts_say_which_part_they_are(tmp_path):
    made = job()
    made.write_dataset(tmp_path / "set", partition="2h")
    metadata = json.loads(pq.read_schema(datasets.parts(tmp_path / "set")[3]).metadata[b"tracetide.job"])
    assert metadata == json.loads(json.dumps({**made.metadata(), "part": {"start": 21600, "end": 28800}}))


def test_hours_without_requests_have_a_file(tmp_path):
    job().write_dataset(tmp_path / "set", partition="1h")
    manifest = json.loads((tmp_path / "set" / "_manifest.json").read_text())
    assert manifest["parts"][7]["rows"] == 0
    assert (manifest["parts"][7]["first"], manifest["parts"][7]["last"]) == (None, None)
    assert (
        pq.read_table(tmp_path / "set" / manifest["parts"][7]["name"]).schema.names
        == job().generate().to_arrow().schema.names
    )


def test_other_readers_take_the_folder_for_one_table(tmp_path):
    made = job()
    made.write_dataset(tmp_path / "set", partition="6h")
    found = pd.dataset(tmp_path / "set", format="parquet").to_table()
    assert found.replace_schema_metadata(None).equals(datasets.whole(made))
    duckdb = pytest.importorskip("duckdb")
    ((count,),) = duckdb.sql(f"select count(*) from '{tmp_path}/set/*.parquet'").fetchall()
    assert count == len(found)


def test_job_write_takes_a_name_that_ends_with_a_slash_for_a_data_set(tmp_path):
    made = job()
    written = made.write(f"{tmp_path}/month/", format="parquet")
    assert written.rows == made.count()
    assert [path.name for path in datasets.parts(tmp_path / "month")] == [
        "time-0000000000s-0000086400s.parquet"
    ]
    with pytest.raises(ValueError, match="format: 'csv' is not allowed for a data set"):
        made.write(f"{tmp_path}/other/", format="csv")


def test_a_data_set_is_not_written_over(tmp_path):
    made = job()
    made.write_dataset(tmp_path / "set", partition="6h")
    before = datasets.digests(tmp_path / "set")
    with pytest.raises(FileExistsError, match=r"not empty; --resume .* goes on with the data set there"):
        made.write_dataset(tmp_path / "set", partition="6h")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(FileExistsError, match="not empty; name another folder"):
        made.write_dataset(tmp_path / "mine")
    with pytest.raises(FileExistsError, match="no data set was begun there"):
        made.write_dataset(tmp_path / "mine", resume=True)
    assert datasets.digests(tmp_path / "set") == before


def test_another_job_does_not_go_on_with_it(tmp_path):
    job().write_dataset(tmp_path / "set", partition="6h")
    before = datasets.digests(tmp_path / "set")
    with pytest.raises(ValueError, match=r"resume: .* another one, with job\.seed 7 instead of 8; give"):
        datasets.job(seed=8).write_dataset(tmp_path / "set", partition="6h", resume=True)
    with pytest.raises(ValueError, match=r"with partition\.size 21600 instead of 3600"):
        job().write_dataset(tmp_path / "set", partition="1h", resume=True)
    assert datasets.digests(tmp_path / "set") == before


def test_another_version_does_not_go_on_with_it(tmp_path, monkeypatch):
    job().write_dataset(tmp_path / "set", partition="6h")
    monkeypatch.setattr(pa, "__version__", "1.0")
    with pytest.raises(ValueError, match=r"with pyarrow .* instead of '1.0'"):
        job().write_dataset(tmp_path / "set", partition="6h", resume=True)


def test_resuming_takes_the_partition_that_was_begun(tmp_path):
    job().write_dataset(tmp_path / "set", partition="6h")
    datasets.parts(tmp_path / "set")[2].unlink()
    assert job().write_dataset(tmp_path / "set", resume=True)[2:] == (4, 1)


@pytest.mark.parametrize("damage", ["missing", "cut", "altered", "success", "manifest"])
def test_damage_is_found_and_mended(damage, tmp_path):
    made = job()
    made.write_dataset(tmp_path / "set", partition="6h")
    expected = datasets.digests(tmp_path / "set")
    victim = datasets.parts(tmp_path / "set")[1]
    if damage == "missing":
        victim.unlink()
    elif damage == "cut":
        victim.write_bytes(victim.read_bytes()[:-100])
    elif damage == "altered":
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
    else:
        (tmp_path / "set" / ("_SUCCESS" if damage == "success" else "_manifest.json")).unlink()
    if damage == "manifest":
        with pytest.raises(FileExistsError, match="no data set was begun"):
            made.write_dataset(tmp_path / "set", partition="6h", resume=True)
        return
    report = tt.validate(tmp_path / "set")
    assert not report.is_valid
    assert list(report.counts) == ["part-altered" if damage in ("cut", "altered") else "part-missing"]
    assert (victim.name if damage != "success" else "_SUCCESS") in report.findings[0].message
    written = made.write_dataset(tmp_path / "set", partition="6h", resume=True)
    assert written.made == (0 if damage == "success" else 1)
    assert datasets.digests(tmp_path / "set") == expected
    assert tt.validate(tmp_path / "set").is_valid


def test_a_stranger_among_the_parts_is_found(tmp_path):
    job().write_dataset(tmp_path / "set", partition="6h")
    shutil.copy(datasets.parts(tmp_path / "set")[0], tmp_path / "set" / "copy.parquet")
    report = tt.validate(tmp_path / "set")
    assert report.counts == {"part-unknown": 1}
    assert report.to_dict()["format"] == "dataset"


SOUND = {
    "dataset_version": 1, "job": {}, "partition": {"by": "time", "size": 60}, "pyarrow": "", "rows": 0,
    "bytes": 0, "parts": [],
}  # fmt: skip
PART = {
    "name": "x", "rows": 0, "bytes": 0, "sha256": 64 * "0", "first": None, "last": None, "first_request": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        ("{", "no JSON"),
        ("[]", "must be a JSON object"),
        ("{}", "of version None is not allowed"),
        ({"dataset_version": 1}, "job is missing"),
        ('{"dataset_version": ' + 100_000 * "[", "nested too deeply"),
        ({**SOUND, "dataset_version": 2}, "of version 2 is not allowed"),
        ({**SOUND, "parts": [{}]}, "parts.0.name is missing"),
        ({**SOUND, "window_counts": [1]}, "window_counts [1] is not allowed"),
        ({**SOUND, "partition": {"by": "time", "size": 0}}, "partition.size 0 is not allowed"),
        ({**SOUND, "rows": 10**30}, "rows 1000000000000000000000000000000 is not allowed"),
        ({**SOUND, "checksum": 64 * "0"}, "was altered after it was written"),
        (SOUND, "job.duration None is not allowed"),
        ({**SOUND, "job": {"duration": 1e300}}, "job.duration 1e+300 is not allowed"),
        ({**SOUND, "parts": 3}, "_manifest.json"),
        ({**SOUND, "parts": [{**PART, "rows": -1}]}, "parts.0.rows -1 is not allowed"),
        ({**SOUND, "parts": [{**PART, "rows": True}]}, "parts.0.rows True is not allowed"),
        ({**SOUND, "parts": [{**PART, "rows": 10**30}]}, "parts.0.rows 1000000000000000000000000000000 is"),
        ({**SOUND, "parts": [{**PART, "rows": 3}]}, "3 rows cannot be from None to None"),
        ({**SOUND, "parts": [{**PART, "sha256": "x"}]}, "parts.0.sha256 'x' is not allowed"),
        ({**SOUND, "parts": [{**PART, "name": "../x"}]}, "it must name a file beside the manifest"),
        ({**SOUND, "parts": [{**PART, "rows": 1, "first": math.nan, "last": 1}]}, "parts.0.first nan is not"),
    ],
)
def test_manifests_that_are_not_sound(manifest, says, tmp_path):
    (tmp_path / "set").mkdir()
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    (tmp_path / "set" / "_manifest.json").write_text(text)
    with pytest.raises(tt.TraceError, match=re.escape(says)):
        tt.validate(tmp_path / "set")


def altered(file: Path, change: Callable[[dict], object], checksum: str = "new") -> None:
    """A plan or manifest that says something else, with a checksum that is "old", "new" or "none"."""
    said = json.loads(file.read_text())
    change(said)
    if checksum == "new":
        said["checksum"] = checksum_of(said)
    elif checksum == "none":
        del said["checksum"]
    file.write_text(json.dumps(said))


def less(counts: list[int]) -> None:
    counts[2] -= 7
    counts[20] -= 3000


def move(counts: list[int]) -> None:
    counts[2] -= 7
    counts[20] += 7


@pytest.mark.parametrize("change", [less, move])
@pytest.mark.parametrize("kind", ["renewal", "sessions"])
def test_a_plan_of_other_counts_loses_no_requests(kind, change, tmp_path):
    made = job(kind)
    made.write_dataset(tmp_path / "whole", partition="rows=20000")
    expected = datasets.digests(tmp_path / "whole")
    folder = tmp_path / "set"

    def stop(rows: int, bytes: int) -> None:
        if rows > 90_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.write_dataset(folder, partition="rows=20000", progress=stop)
    sound = (folder / "_plan.json").read_bytes()
    altered(folder / "_plan.json", lambda plan: change(plan["window_counts"]), "old")
    with pytest.raises(tt.TraceError, match=r"_plan\.json was altered after it was written"):
        made.write_dataset(folder, resume=True)
    (folder / "_plan.json").write_bytes(sound)
    altered(folder / "_plan.json", lambda plan: change(plan["window_counts"]))
    for path in datasets.parts(folder):
        path.unlink()
    with pytest.raises(tt.TraceError, match=r"_plan\.json has .* requests up to .*, and .* were made"):
        made.write_dataset(folder, resume=True)
    altered(folder / "_plan.json", lambda plan: None, "none")
    written = made.write_dataset(folder, resume=True)
    assert written.rows == len(datasets.whole(made))
    assert datasets.digests(folder) == expected


def part(number: int, **values: object) -> Callable[[dict], object]:
    return lambda manifest: manifest["parts"][number].update(values)


@pytest.mark.parametrize(
    ("partition", "change", "says"),
    [
        ("6h", lambda manifest: manifest.update(rows=manifest["rows"] - 1), "its parts sum to"),
        ("6h", part(1, rows=5), "its record says 5"),
        ("6h", part(1, first=21700.0), "its record says 21700.0 to"),
        ("6h", part(1, last=43000.0), "to 43000.0"),
        ("6h", part(2, first_request=7), "begins with request 7, after"),
        ("6h", part(1, first=1.0), "cannot have"),
        ("6h", lambda manifest: manifest["parts"].pop(), "there must be 4"),
        ("6h", lambda manifest: manifest["parts"].reverse(), "not in their order"),
        ("rows=100000", part(1, rows=99_999), "cannot have 99,999 rows"),
        ("rows=100000", part(1, first=0.0), "begins at 0.0, before the end of"),
        ("rows=100000", lambda manifest: manifest["parts"].pop(), "its parts sum to"),
    ],
)
def test_numbers_of_a_manifest_are_those_of_its_parts(partition, change, says, tmp_path):
    made = job()
    made.write_dataset(tmp_path / "set", partition=partition)
    expected = datasets.digests(tmp_path / "set")
    sound = (tmp_path / "set" / "_manifest.json").read_bytes()
    altered(tmp_path / "set" / "_manifest.json", change, "old")
    with pytest.raises(tt.TraceError, match=r"_manifest\.json was altered after it was written"):
        tt.validate(tmp_path / "set")
    (tmp_path / "set" / "_manifest.json").write_bytes(sound)
    altered(tmp_path / "set" / "_manifest.json", change)
    report = tt.validate(tmp_path / "set")
    assert not report.is_valid
    assert any(says in finding.message for finding in report.findings), report.findings
    made.write_dataset(tmp_path / "set", resume=True)
    assert datasets.digests(tmp_path / "set") == expected


def test_a_record_of_other_rows_is_not_taken(tmp_path):
    made = job()
    made.write_dataset(tmp_path / "set", partition="6h")
    expected = datasets.digests(tmp_path / "set")
    manifest = json.loads((tmp_path / "set" / "_manifest.json").read_text())
    records = [{key: entry[key] for key in entry if key != "first_request"} for entry in manifest["parts"]]
    records[1]["rows"] -= 1
    (tmp_path / "set" / "_parts").mkdir()
    for record in records:
        (tmp_path / "set" / "_parts" / f"{record['name']}.json").write_text(json.dumps(record))
    for name in ("_manifest.json", "_SUCCESS"):
        (tmp_path / "set" / name).unlink()
    plan = {key: manifest[key] for key in ("dataset_version", "job", "partition", "pyarrow")}
    (tmp_path / "set" / "_plan.json").write_text(json.dumps(plan))
    assert made.write_dataset(tmp_path / "set", resume=True).made == 1
    assert datasets.digests(tmp_path / "set") == expected


def test_a_data_set_that_was_only_begun_is_not_valid(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "_plan.json").write_text("{}")
    with pytest.raises(tt.TraceError, match=r"the data set is not complete; go on with .*--resume"):
        tt.validate(tmp_path / "set")


@pytest.mark.parametrize(
    "text", ["", "0", "-1h", "rows=0", "rows=1.5", "rows=-3", "0.5s", "rows=", "1e30", "week"]
)
def test_partitions_that_are_none(text, tmp_path):
    with pytest.raises(ValueError, match="partition: "):
        job().write_dataset(tmp_path / "set", partition=text)
    assert not (tmp_path / "set").exists()


def test_too_many_parts(tmp_path):
    with pytest.raises(ValueError, match="partition: 1 s is not allowed, as it makes 8,640,000 files"):
        datasets.job(duration="100d").write_dataset(tmp_path / "set", partition="1s")


@pytest.mark.parametrize("kind", ["pinned", "renewal", "sessions"])
def test_windows_are_counted(kind):
    made = job(kind)
    edges = made.window_edges
    expected = np.histogram(made.generate()["timestamp"], bins=edges)[0]
    assert count_windows(made).tolist() == expected.tolist()
    if kind == "pinned":
        assert made.core.window_counts().tolist() == expected.tolist()


def test_two_writers_of_one_folder(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path / "set"), held, done))
    other.start()
    try:
        assert held.wait(60)
        with pytest.raises(BlockingIOError, match=rf"the process {other.pid} on .* is writing this data set"):
            job().write_dataset(tmp_path / "set", resume=True)
    finally:
        done.set()
        other.join()
    job().write_dataset(tmp_path / "set")
    assert tt.validate(tmp_path / "set").is_valid


@posix_only
@pytest.mark.parametrize("kind", ["link", "hard link", "file", "pipe", "deep"])
def test_a_lock_that_is_something_else_is_left_alone(kind, tmp_path):
    lock, precious = tmp_path / "set" / "_lock", tmp_path / "precious.txt"
    lock.parent.mkdir()
    precious.write_text("precious")
    if kind == "link":
        lock.symlink_to("../precious.txt")
    elif kind == "hard link":
        lock.hardlink_to(precious)
    elif kind == "pipe":
        os.mkfifo(lock)
    else:
        lock.write_text("precious" if kind == "file" else 4000 * "[")
    before = lock.lstat()
    with pytest.raises(FileExistsError, match=r"cannot write .*set': _lock in it"):
        job().write_dataset(tmp_path / "set")
    assert precious.read_text() == "precious"
    assert os.path.samestat(lock.lstat(), before)
    assert lock.lstat().st_size == before.st_size
    assert os.listdir(lock.parent) == ["_lock"]


def test_a_lock_whose_holder_was_killed_is_taken(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "_lock").write_text('{"host": "here", "pid": 4194304}')
    job().write_dataset(tmp_path / "set", partition="1d")
    assert not (tmp_path / "set" / "_lock").exists()


@posix_only
@pytest.mark.parametrize("name", ["_partial", "_parts"])
def test_links_in_the_place_of_our_folders_are_not_followed(name, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    (tmp_path / "set" / name).symlink_to("../mine")
    if name == "_parts":
        with pytest.raises(NotADirectoryError, match="_parts in it is a link"):
            job().write_dataset(tmp_path / "set", partition="1d")
    else:  # what is left of an earlier run, which is cleared
        job().write_dataset(tmp_path / "set", partition="1d")
        assert tt.validate(tmp_path / "set").is_valid
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]


@posix_only
@pytest.mark.parametrize("name", ["_manifest.json", "_plan.json"])
def test_what_is_no_file_is_not_waited_for(name, tmp_path):
    (tmp_path / "set").mkdir()
    os.mkfifo(tmp_path / "set" / name)
    with pytest.raises(OSError, match="is no regular file"):
        job().write_dataset(tmp_path / "set", resume=True)
    if name == "_manifest.json":
        with pytest.raises(OSError, match="is no regular file"):
            tt.validate(tmp_path / "set")


def _hold(path: str, held: object, done: object) -> None:
    from tracetide.job.dataset.folder import open_folder

    folder = open_folder(path)
    folder.prepare()
    with folder.lock():
        held.set()
        done.wait(60)


class TestAddresses:
    """What is not a folder of this machine, through fsspec's file system in memory."""

    @pytest.fixture(autouse=True)
    def _memory(self):
        self.files = pytest.importorskip("fsspec").filesystem("memory")
        yield
        for name in self.files.ls("/", detail=False):
            self.files.rm(name, recursive=True)

    def digests(self) -> dict[str, bytes]:
        return {name.rpartition("/")[2]: self.files.cat(name) for name in self.files.find("/bucket/month")}

    def test_has_the_same_files(self, tmp_path):
        job().write_dataset(tmp_path / "set", partition="6h")
        job().write_dataset("memory://bucket/month", partition="6h")
        assert self.digests() == {path.name: path.read_bytes() for path in (tmp_path / "set").iterdir()}

    def test_is_mended(self):
        job().write_dataset("memory://bucket/month", partition="6h")
        before = self.digests()
        self.files.pipe("/bucket/month/time-0000021600s-0000043200s.parquet", b"x")
        assert tt.validate("memory://bucket/month").counts == {"part-altered": 1}
        assert job().write_dataset("memory://bucket/month", resume=True).made == 1
        assert self.digests() == before

    def test_is_kept_from_a_second_writer(self, monkeypatch):
        from tracetide.job.dataset import folder

        place = folder.open_folder("memory://bucket/month")
        with place.lock():
            with pytest.raises(BlockingIOError, match="is writing this data set"):
                job().write_dataset("memory://bucket/month", resume=True)
            monkeypatch.setattr(folder, "_STALE_S", 0.0)  # as if the holder had been gone for long
            with place.lock() as taken:
                taken.check()

    def test_notices_that_the_lock_is_lost(self, monkeypatch):
        from tracetide.job.dataset import folder

        monkeypatch.setattr(folder, "_REFRESH_S", 0.01)
        with folder.open_folder("memory://bucket/month").lock() as lock:
            self.files.pipe("/bucket/month/_lock", b'{"token": "other", "host": "there", "pid": 9}')
            with pytest.raises(BlockingIOError, match="the process 9 on there"):
                self.until_it_raises(lock)

    def until_it_raises(self, lock):
        for _ in range(1000):
            lock.check()
            time.sleep(0.01)

    def test_leaves_nothing_after_an_error(self, monkeypatch):
        from tracetide.io.writing.parallel_parquet import ParallelParquetWriter

        def fail(self: object) -> None:
            raise OSError("the network is gone")

        monkeypatch.setattr(ParallelParquetWriter, "close", fail)
        with pytest.raises(OSError, match="the network is gone"):
            job().write_dataset("memory://bucket/month", partition="6h")
        assert set(self.digests()) == {"_plan.json"}

    def test_of_an_unknown_kind(self):
        with pytest.raises(ValueError, match="output: 'gopher://x/y' is not allowed"):
            job().write_dataset("gopher://x/y")


def test_a_file_address_is_a_folder(tmp_path):
    job().write_dataset((tmp_path / "a set").as_uri(), partition="1d")
    assert tt.validate(tmp_path / "a set").is_valid


def test_keys_in_an_address_are_not_shown():
    with pytest.raises(ValueError, match="output: 'gopher://x/y' is not allowed") as caught:
        job().write_dataset("gopher://me:secret@x/y?token=secret")
    assert "secret" not in str(caught.value)


def test_an_empty_job_is_refused(tmp_path):
    with pytest.raises(ValueError, match="job: it has no requests"):
        datasets.job(scale=1e-9).write_dataset(tmp_path / "set")
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"engine": "slurm"}, "engine: 'slurm' is not allowed; it must be one of local, ray, dask"),
        ({"address": "x:1"}, "address: 'x:1' is not allowed with the engine local"),
        ({"engine": "ray", "threads": 2}, "threads: 2 is not allowed with the engine ray"),
    ],
)
def test_engines_that_are_not_there(options, says, tmp_path):
    with pytest.raises(ValueError, match=says):
        job().write_dataset(tmp_path / "set", **options)


@pytest.mark.parametrize(("engine", "module"), [("ray", "ray"), ("dask", "distributed")])
def test_engines_that_are_not_installed(engine, module, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(tt.MissingPackageError, match=rf"pip install 'tracetide\[{engine}\]'") as caught:
        job().write_dataset(tmp_path / "set", engine=engine)
    assert not (tmp_path / "set").exists()
    assert outcome_of(caught.value) == (2, f"error: {caught.value}")


def test_progress_counts_all_rows_and_bytes(tmp_path):
    seen = []
    written = job().write_dataset(tmp_path / "set", partition="6h", progress=lambda *both: seen.append(both))
    assert seen[-1] == (written.rows, written.bytes)
    assert seen == sorted(seen)
    datasets.parts(tmp_path / "set")[0].unlink()
    seen.clear()
    job().write_dataset(tmp_path / "set", resume=True, progress=lambda *both: seen.append(both))
    assert seen[-1] == (written.rows, written.bytes)


def test_on_the_command_line(tmp_path):
    profile = datasets.profile_file(tmp_path)
    datasets.job().write_dataset(tmp_path / "expected", partition="6h")
    arguments = ("generate", profile, "--seed", "7", "-o", f"{tmp_path}/set/")
    done = succeeds(*arguments, "--partition", "6h", "--json")
    said = json.loads(done.stdout)
    assert (said["format"], said["parts"], said["made"]) == ("dataset", 4, 4)
    assert datasets.digests(tmp_path / "set") == datasets.digests(tmp_path / "expected")
    fails(*arguments, says=["not empty", "--resume"])
    assert b"4 files, 4 of them there before" in succeeds(*arguments, "--resume").stderr
    assert succeeds("validate", tmp_path / "set").stdout.decode().endswith("valid for tracetide\n")
    os.unlink(datasets.parts(tmp_path / "set")[0])
    fails("generate", profile, "--seed", "8", "-o", f"{tmp_path}/set/", "--resume", says=["job.seed 7"])
    fails(*arguments, "--format", "csv", says=["--format", "'csv'", "parquet"])
    fails("generate", profile, "-o", tmp_path / "x.csv", "--resume", says=["--resume: only for a data set"])
    fails("generate", profile, "-o", tmp_path / "x.csv", "--engine", "ray", says=["--engine: only for"])
    fails("generate", profile, "-o", "-", "--partition", "1h", says=["--partition", "standard output"])
    fails(
        "validate",
        tmp_path / "set",
        "--for",
        "aiperf",
        says=["tools: 'aiperf' is not allowed for a data set"],
    )
