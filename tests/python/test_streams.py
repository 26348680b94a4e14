"""Streams as Python objects: shared, left, interrupted, empty; and limits of what they can hold."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import servegen_folders
import tracetide as tt
from platforms import interrupt
from small_profiles import IntegerPmf, one_client
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
    assert set(refused) <= {"the stream is being read by another thread"}


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
