"""Streams as Python objects: shared, left, interrupted, empty; and limits of what they can hold."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import servegen_folders
import tracetide as tt
from platforms import interrupt, posix_only
from small_profiles import Client, IntegerPmf, build, one_client
from tracetide import _core


def test_a_stream_is_for_one_thread_at_a_time():
    stream = _core.Stream(_core.Job(one_client(2000.0, windows=500), seed=1), batch_size=1000, threads=2)
    rows, refused, lock = [], [], threading.Lock()

    def read() -> None:
        while True:
            try:
                batch = next(stream)
            except StopIteration:
                return
            except ValueError as error:
                with lock:
                    refused.append(str(error))
                time.sleep(0.0005)
                continue
            with lock:
                rows.append(len(batch))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert sum(rows) == 2000 * 600 * 500 // 1  # nothing lost, nothing twice
    assert set(refused) <= {"Stream: it is being used by another thread, and is for one at a time"}


@pytest.mark.parametrize("batch_size", [0, 1 << 28])
def test_an_interrupt_ends_the_wait_for_a_batch(batch_size):
    job = _core.Job(one_client(1.0, "gamma", 0.5, window_s=86_400.0), rate=5e4, duration=86_400.0 * 30)
    stream = _core.Stream(job, batch_size=batch_size, threads=1)
    timer = threading.Timer(0.3, interrupt)
    started = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in stream:
            pass
    del stream
    timer.join()
    assert time.monotonic() - started < 5.0  # 0.3 s, and room for a loaded machine


def test_an_empty_trace_has_all_of_its_columns():
    profile = one_client(1e-9, category="multimodal")
    batch = _core.collect(_core.Job(profile, seed=3))
    assert len(batch) == 0
    offsets, values = batch.column("image_tokens")
    assert offsets.tolist() == [0]
    assert len(values) == 0


def test_a_request_cannot_have_more_items_than_can_be_numbered():
    with pytest.raises(tt.ProfileError, match=r"image_count goes up to 262145; .* at most 262144 items"):
        one_client(category="multimodal", image_count=IntegerPmf([262_145], [1.0]))
    profile = one_client(0.01, category="multimodal", image_count=IntegerPmf([262_144], [1.0]))
    offsets, _ = _core.collect(_core.Job(profile)).column("image_tokens")
    assert set(np.diff(offsets).tolist()) == {262_144}


@pytest.mark.parametrize("threads", [1025, 100_000])
@pytest.mark.parametrize("make", [_core.Stream, lambda job, **o: _core.TextStream(job, format="csv", **o)])
def test_too_many_threads_are_refused(make, threads):
    with pytest.raises(ValueError, match=rf"threads: {threads} is not allowed; it must be 0 .* to 1024"):
        make(_core.Job(one_client()), threads=threads)


def test_too_many_windows_are_refused_at_once():
    with pytest.raises(ValueError, match="at most 2\\^26 windows"):
        _core.Job(one_client(), span_end=0.001, duration=30 * 86_400.0)


def test_rates_that_cannot_be_scaled_are_refused():
    with pytest.raises(tt.ProfileError, match="too little to be scaled"):
        _core.Job(one_client(1e-300), rate=100.0)


def test_epochs_that_end_before_the_period_do_not_start_again(tmp_path):
    epochs = [{"input_tokens": {n: 1.0}, "output_tokens": {1: 1.0}} for n in (1000, 2000, 3000)]
    client = servegen_folders.Client(windows=(servegen_folders.Window(),) * 24, epochs=epochs)
    folder = servegen_folders.write_folder(tmp_path / "m", clients=[client], window_s=3600, epoch_s=21_600)
    trace = _core.collect(_core.Job(_core.Profile.read_servegen(str(folder)), span_start=64_800.0))
    assert set(trace.column("input_tokens").tolist()) == {3000}


def test_equal_jobs_have_equal_hashes():
    pool = tt.load("m-small")
    with pytest.warns(tt.MissingDataWarning):
        jobs = [tt.Job(pool, **options) for options in ({}, {"scale": 1.0}, {"counts": "pinned"})]
    assert jobs[0] == jobs[1] == jobs[2]
    assert len({hash(job) for job in jobs}) == 1


def _numbered() -> _core.Job:
    return _core.Job(one_client(2000.0, windows=20), duration=20 * 86_400.0, block_size=1024)


def _last(job: _core.Job) -> dict[str, int]:
    return {"first_window": job.windows - 1, "threads": 1}


def _plans_many_windows() -> object:
    pool = tt.ClientPool(one_client(5.0, window_s=1.0, windows=60))
    chat = tt.conversations(share=0.5, turns={3: 1.0}, think_time=4000)
    return tt.Job(pool.with_sessions(chat), rate=[(0, 5.0), (9e5, 6.0)], duration=9e5)


def _tries_tools_in_vain() -> object:
    tool = tt.Tool(latency=0.001, tokens=5, calls=64, failure=0.99, retries=15)
    pool = tt.ClientPool(one_client(5.0)).with_sessions(tt.Sessions(turns={12: 1.0}, steps=[tool]))
    return list(tt.Job(pool, duration=1e6).stream(threads=1))


def _finds_prefixes() -> object:
    blocks = np.arange(10_000_000, dtype=np.uint32)
    offsets = np.arange(0, blocks.size + 1, 1000, dtype=np.int32)
    return _core.PrefixCache([1000]).add(offsets, blocks)


_LONG_CALLS: dict[str, Callable[[], object]] = {
    "planning sessions": _plans_many_windows,
    "making sessions": _tries_tools_in_vain,
    "counting": lambda: _core.Job(one_client(), span_end=0.02, duration=1e6).count(),
    "Stream": lambda: _core.Stream(job := _numbered(), **_last(job)),
    "TextStream": lambda: _core.TextStream(job := _numbered(), format="csv", **_last(job)),
    "collect": lambda: _core.collect(job := _numbered(), **_last(job)),
    "PacedStream": lambda: _core.PacedStream(
        _core.Job(one_client(1e-9, windows=2016), rate_points=[(0, 0.0), (1e9, 1e-9)], duration=1e9)
    ),
    "arrow_job_stream": lambda: _core.arrow_job_stream(job := _numbered(), "", **_last(job)),
    "PrefixCache": _finds_prefixes,
}


def _again_and_again(call: Callable[[], object]) -> None:
    while True:
        call()


@pytest.mark.parametrize("name", _LONG_CALLS)
def test_an_interrupt_ends_whatever_takes_long(name):
    sent = []

    def press() -> None:
        sent.append(time.monotonic())
        interrupt()

    timer = threading.Timer(0.5, press)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            _again_and_again(_LONG_CALLS[name])
    finally:
        ended = time.monotonic()
        timer.cancel()
    assert ended - sent[0] < 3.0  # 0.1 s, and room for a loaded machine


@pytest.fixture
def on_interrupt() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Sets what Ctrl-C does in this test."""

    def set_to(act: Callable[[], object]) -> None:
        signal.signal(signal.SIGINT, lambda *_: act())

    before = signal.getsignal(signal.SIGINT)
    yield set_to
    signal.signal(signal.SIGINT, before)


def _simulator() -> tuple[Any, Callable[[], object], Callable[[], object]]:
    cost = _core.CostModel(
        base_s=1e-3, prefill_token_s=0, prefill_pair_s=0, decode_sequence_s=0, context_token_s=0
    )
    instance = _core.InstanceOptions(
        cost=cost, kv_tokens=10**9, max_batch_tokens=512, max_sequences=16, chunked_prefill=True
    )
    simulator = _core.ServingSimulator(instance)
    times, ones = np.arange(10_000_000) / 1e3, np.ones(10_000_000, dtype=np.uint32)
    return simulator, lambda: simulator.add(times, ones, ones), simulator.finish


def _cache() -> tuple[Any, Callable[[], object], Callable[[], object]]:
    cache = _core.PrefixCache([1000])
    blocks = np.arange(10_000_000, dtype=np.uint32)
    offsets = np.arange(0, blocks.size + 1, 1000, dtype=np.int32)
    return cache, lambda: cache.add(offsets, blocks), cache.result


# A handler of a signal runs within the call, as a second thread would beside it.
@pytest.mark.parametrize("make", [_simulator, _cache])
def test_what_changes_is_for_one_caller_at_a_time(make, on_interrupt):
    shared, change, look = make()
    told = []

    def meddle() -> None:
        with pytest.raises(ValueError, match="is being used by another thread") as refused:
            look()
        told.append(str(refused.value))

    on_interrupt(meddle)
    timer = threading.Timer(0.1, interrupt)
    timer.start()
    try:
        change()
    finally:
        timer.cancel()
    name = type(shared).__name__
    assert told == [f"{name}: it is being used by another thread, and is for one at a time"]
    look()


def test_rows_are_written_by_one_thread_at_a_time():
    writer = _core.RowWriter(
        "azure", [("timestamp", "real"), ("input_tokens", "u32"), ("output_tokens", "u32")]
    )
    rows = 200_000
    columns = [np.arange(rows) / 1e3, *(np.ones(rows, dtype=np.uint32) for _ in range(2))]
    written, refused = [], []

    def write() -> None:
        for _ in range(5):
            try:
                written.append(memoryview(writer.write(rows, columns)).tobytes().count(b"\n"))
            except ValueError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(written) == {rows}
    assert set(refused) == {"RowWriter: it is being used by another thread, and is for one at a time"}


def _run(script: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=120, check=False, **options
    )


_POOL = """
import threading, time
import tracetide as tt
from tracetide import _core
pool = tt.ClientPool([tt.Client(rate=1000, input_tokens=tt.Constant(100), output_tokens=tt.Constant(10))])
"""


@pytest.mark.parametrize(
    "loop",
    [
        "for batch in tt.stream(pool, duration=600): pass",
        "for batch in tt.stream(pool, duration=86400, batch_size=100): pass",
        "tt.generate(pool, duration=600)",
        "tt.Job(pool, duration=1e6)",
        "next(tt.pace(tt.Job(pool, duration=600), speed=1e9))",
        "tt.Gamma(2.0).sample(1_000_000)",
    ],
)
def test_a_program_ends_while_a_daemon_thread_makes_requests(loop):
    script = f"""{_POOL}
def for_ever():
    while True:
        {loop}

for _ in range(2):
    threading.Thread(target=for_ever, daemon=True).start()
time.sleep(0.3)
"""
    for _ in range(3):
        done = _run(script)
        assert (done.returncode, done.stderr) == (0, b"")


@posix_only
def test_threads_that_cannot_be_started_are_told():
    script = f"""{_POOL}
import resource
job = _core.Job(pool.profile, duration=600)
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))  # stacks of 8 MiB
try:
    _core.Stream(job, threads=1024)
except OSError as error:
    print(type(error).__name__, error)
"""
    done = _run(script)
    says = "OSError threads: the system starts no more threads for a stream; use fewer, or close streams"
    assert done.stdout.decode().startswith(says), done.stderr.decode()


def test_small_batches_hold_little():
    job = _core.Job(one_client(2000.0), duration=1200)
    sizes = {len(batch) for batch in _core.Stream(job, batch_size=1000, threads=2)}
    assert sizes == {1000}
    small, usual = (
        [row for batch in _core.Stream(job, batch_size=size) for row in batch.column("timestamp").tolist()]
        for size in (1000, 0)
    )
    assert small == usual


@pytest.mark.parametrize("size", [999, 1000])
def test_rows_before_a_failure_come_first(size):
    short, long = ({"input_tokens": IntegerPmf([n], [1.0])} for n in (1, 1_000_000))
    profile = build([Client([100.0, 0.0], fields=short), Client([0.0, 10.0], fields=long)], windows=2)
    job = _core.Job(profile, block_size=1)
    found = {}
    for threads in (1, 3):
        rows: list[int] = []
        stream = _core.Stream(job, batch_size=size, threads=threads)
        with pytest.raises(ValueError, match=r"2\^31 different blocks"):
            rows.extend(map(len, stream))
        with pytest.raises(ValueError, match=r"2\^31 different blocks"):
            next(stream)
        found[threads] = rows
    assert found[1] == found[3]
    assert rows[: 60_000 // size] == [size] * (60_000 // size)
    assert 60_000 <= sum(rows) < 66_000


def crowded(rate: float) -> tt.ClientPool:
    client = tt.Client(
        rate=rate, text_tokens=1, output_tokens=1, image_count=2**18, image_tokens={1: 0.5, 2: 0.5}
    )
    return tt.ClientPool([client], window="10min", period="10min")


def test_a_batch_ends_where_its_lists_are_long():
    job = tt.Job(crowded(0.5), duration=600, seed=1)
    made = list(job.stream(threads=2))
    assert max(len(batch.image_tokens.flat()) for batch in made) <= 2**26
    cut = [(len(batch), batch.timestamp, batch.image_tokens.sums()) for batch in job.stream(batch_size=1000)]
    rows = sum(len(batch) for batch in made)
    assert [size for size, _, _ in cut] == [128] * (rows // 128) + [rows % 128]
    np.testing.assert_array_equal(
        np.concatenate([times for _, times, _ in cut]), np.concatenate([batch.timestamp for batch in made])
    )
    np.testing.assert_array_equal(
        np.concatenate([sums for _, _, sums in cut]),
        np.concatenate([batch.image_tokens.sums() for batch in made]),
    )


def test_lists_cut_where_requests_are_made_change_nothing():
    """Hash ids of blocks of one token are long lists, and there are many of them."""
    client = tt.Client(rate=400, input_tokens={500: 0.5, 700: 0.5}, output_tokens=1)
    pool = tt.ClientPool([client], window="10min", period="10min")
    plain = tt.generate(pool, duration=600, seed=1)
    batches = list(tt.stream(pool, duration=600, seed=1, block_size=1, threads=2))
    assert len(batches) > 8
    assert max(len(batch.hash_ids.flat()) for batch in batches) < 2**26
    for name in ("timestamp", "input_tokens", "output_tokens"):
        np.testing.assert_array_equal(np.concatenate([batch[name] for batch in batches]), plain[name])
    first = 0
    for batch in batches:  # ids that are used once, in order
        ids = batch.hash_ids.flat()
        assert (ids[0], ids[-1]) == (first, first + len(ids) - 1)
        np.testing.assert_array_equal(batch.hash_ids.lengths(), batch.input_tokens)
        first += len(ids)
