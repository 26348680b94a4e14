"""The Python interface: pools, jobs, traces and batches."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tracetide as tt
from small_profiles import MULTIMODAL, Client, IntegerPmf, build, one_client
from tracetide.profile.bundled import bundled

DAY_WINDOWS = 144


@pytest.fixture(scope="module")
def pool() -> tt.ClientPool:
    """A day of 600 s windows; two clients, one of them idle in the first half."""
    half = DAY_WINDOWS // 2
    lengths = {"input_tokens": IntegerPmf([100, 200, 300], [0.5, 0.25, 0.25])}
    profile = build(
        [Client(2.0, "gamma", 0.5, lengths), Client([0.0] * half + [1.0] * half, fields=lengths)],
        windows=DAY_WINDOWS,
        epoch_windows=36,
    )
    return tt.ClientPool(profile, name="small")


@pytest.fixture(scope="module")
def items() -> tt.ClientPool:
    """A client with lists of items."""
    laws = {**MULTIMODAL, "image_count": IntegerPmf([0, 1, 3], [0.3, 0.4, 0.3])}
    laws["image_tokens"] = IntegerPmf([256, 512], [0.5, 0.5])
    return tt.ClientPool(one_client(5.0, category="multimodal", **laws), name="items")


@pytest.fixture
def gappy() -> tt.ClientPool:
    """A client without distributions, with a quarter of the rate."""
    return tt.ClientPool(build([Client(3.0), Client(1.0, fields=None)]), name="gappy")


# Import


def test_importing_does_not_import_heavy_packages():
    code = (
        "import sys, tracetide; heavy = ('pyarrow', 'scipy', 'pandas', 'rich', 'cyclopts', 'matplotlib'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    for name in tt.__all__:
        assert getattr(tt, name) is not None


# Pools


def test_a_pool_says_what_it_is(pool):
    assert len(pool) == 2
    assert (pool.name, pool.category, pool.period, pool.window) == ("small", "language", 86_400.0, 600.0)
    assert pool.client_names == ["client 0", "client 1"]
    assert pool.fields == ["input_tokens", "output_tokens"]
    assert pool.provenance == {"name": "synthetic"}
    assert repr(pool) == "<ClientPool small: 2 clients, language, 1 d>"


def test_a_span_narrows_a_new_pool_and_shares_the_profile(pool):
    view = pool.span("18:00", "19:00")
    assert (view.start, view.end) == (64_800.0, 68_400.0)
    assert view.profile is pool.profile
    assert pool.is_whole
    assert not view.is_whole
    assert view.span("18:15", "18:30") == pool.span(65_700, 66_600)
    assert "from day 1 18:00 to day 1 19:00" in repr(view)


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("19:00", "18:00", "span end: '18:00'"),
        ("18:00", "18:00", "span end: '18:00'"),
        ("day 2 0:00", "day 2 1:00", "span start: 'day 2 0:00'"),
        ("18:00", "day 2 1:00", "span end: 'day 2 1:00'"),
        ("noon", "18:00", "span start: 'noon'"),
        (float("nan"), 5, "span start: nan"),
    ],
)
def test_a_wrong_span_is_refused_with_its_value(pool, start, end, says):
    with pytest.raises(ValueError, match=says):
        pool.span(start, end)


def test_a_span_stays_within_the_pool(pool):
    with pytest.raises(ValueError, match="before day 1 19:00"):
        pool.span("18:00", "19:00").span("20:00", "21:00")


def test_a_written_pool_is_loaded_the_same(pool, tmp_path):
    path = tmp_path / "small.tide"
    pool.write(path)
    loaded = tt.load(path)
    assert loaded == pool
    assert loaded.name == "small"
    assert list(tmp_path.iterdir()) == [path]


def test_a_narrowed_pool_is_not_written(pool, tmp_path):
    with pytest.raises(ValueError, match="narrowed"):
        pool.span("18:00", "19:00").write(tmp_path / "x.tide")
    assert list(tmp_path.iterdir()) == []


def test_a_pool_is_written_only_with_its_ending_into_a_folder_that_exists(pool, tmp_path):
    with pytest.raises(ValueError, match=r"\.tide"):
        pool.write(tmp_path / "x.parquet")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        pool.write(tmp_path / "no" / "x.tide")


def test_a_pickled_pool_is_the_same(pool):
    view = pool.span("18:00", "19:00")
    again = pickle.loads(pickle.dumps(view))
    assert again == view
    assert again.name == "small"


def test_bundled_names_load():
    names = bundled()
    if not names:
        pytest.skip("no profile is bundled in this build")
    for name in names:
        assert tt.load(name).name == name


def test_a_name_that_is_nothing_is_refused_with_the_nearest_names(monkeypatch):
    monkeypatch.setattr("tracetide.profile.bundled.bundled", lambda: ["m-large", "m-small", "deepseek-r1"])
    with pytest.raises(FileNotFoundError, match=r"'m-smal'.*m-small"):
        tt.load("m-smal")
    with pytest.raises(FileNotFoundError, match=r"'xyz'.*bundled are m-large, m-small, deepseek-r1"):
        tt.load("xyz")


def test_a_file_that_is_no_profile_is_refused(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("hello")
    with pytest.raises(ValueError, match=r"notes\.txt.*\.tide"):
        tt.load(other)
    damaged = tmp_path / "damaged.tide"
    damaged.write_bytes(b"not a profile" * 100)
    with pytest.raises(tt.ProfileError, match=r"damaged\.tide"):
        tt.load(damaged)


# Jobs


def test_a_job_counts_what_it_generates(pool):
    job = tt.Job(pool, rate=10, duration="1h", seed=3)
    assert job.expected == pytest.approx(36_000)
    assert job.count() == len(job.generate())
    assert job.duration == 3600
    assert job.windows == 6
    np.testing.assert_array_equal(job.window_edges, np.arange(7) * 600.0)


def test_the_default_duration_is_the_span(pool):
    assert tt.Job(pool).duration == 86_400
    assert tt.Job(pool.span("18:05", "19:10")).duration == 3900


@pytest.mark.parametrize(
    ("start", "end", "duration"),
    [
        (0, 86_400, 86_400),
        (0, 86_400, 200_000.5),
        (64_800, 68_400, 9000),
        (65_100, 66_900.25, 4000),
        (10, 11, 3.5),
    ],
)
def test_windows_are_those_of_the_span_over_and_over(pool, start, end, duration):
    window = pool.window
    in_span = [start, *np.arange((start // window + 1) * window, end, window)]
    passes = [repeat * (end - start) + at - start for repeat in range(100) for at in in_span]
    expected = [*(edge for edge in passes if edge < duration), duration]
    np.testing.assert_allclose(tt.Job(pool.span(start, end), duration=duration).window_edges, expected)


@pytest.mark.parametrize(
    ("duration", "says"),
    [(700_000, "duration: 700000 is not allowed; it must be at most 2\\^26 windows"), (5e9, "at most 4e9")],
)
def test_a_duration_that_is_too_long_is_refused_before_any_rate_is_asked_for(pool, duration, says):
    def never(seconds: float) -> float:
        raise AssertionError(seconds)

    span = pool.span(10, 10.01) if duration < 1e9 else pool
    for rate in (never, {0: 1.0}, [1.0]):
        with pytest.raises(ValueError, match=says):
            tt.Job(span, rate=rate, duration=duration)


def _per_window(pool, **options):
    job = tt.Job(pool, **options)
    trace = job.generate()
    return np.diff(np.searchsorted(trace.timestamp, job.window_edges)) / np.diff(job.window_edges)


@pytest.mark.filterwarnings("ignore::tracetide.FlattenedRateWarning")
@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (4, [4, 4, 4]),
        (np.float32(4), [4, 4, 4]),
        ([1, 2, 4], [1, 2, 4]),
        (np.array([1.0, 0.0, 4.0]), [1, 0, 4]),
        ({0: 1, "20min": 4}, [1, 1, 4]),
        ({"0": 1, 600: 2, 1200: 0}, [1, 2, 0]),
        ([(0, 0), ("30min", 6)], [1, 3, 5]),
        (lambda seconds: seconds / 300, [1, 3, 5]),
    ],
)
def test_every_form_of_rate_gives_its_rate_per_window(pool, rate, expected):
    found = _per_window(pool, rate=rate, duration=1800, counts="pinned")
    np.testing.assert_allclose(found, expected, atol=1 / 600 + 1e-12)


def test_scale_and_maximum_rate_follow_the_profile(pool):
    found = _per_window(pool.span("11:40", "12:20"), scale=2, counts="pinned")
    np.testing.assert_allclose(found, [4, 4, 6, 6], atol=1 / 600 + 1e-12)
    found = _per_window(pool.span("11:40", "12:20"), max_rate=1.5, counts="pinned")
    np.testing.assert_allclose(found, [1, 1, 1.5, 1.5], atol=1 / 600 + 1e-12)
    found = _per_window(pool.span("11:40", "12:20"), max_rate=100, counts="pinned")
    np.testing.assert_allclose(found, [2, 2, 3, 3], atol=1 / 600 + 1e-12)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rate": 0}, "rate: 0"),
        ({"rate": -1.0}, "rate: -1"),
        ({"rate": float("nan")}, "rate: "),
        ({"rate": float("inf")}, "rate: inf"),
        ({"rate": "fast"}, "rate: 'fast'"),
        ({"rate": True}, "rate: True"),
        ({"rate": []}, "rate: an empty list"),
        ({"rate": {}}, "rate: an empty mapping"),
        ({"rate": [1, 2]}, "an array of 2 rates .* has 6 windows"),
        ({"rate": [1, -2, 1, 1, 1, 1]}, "rate: -2"),
        ({"rate": [0] * 6}, "no requests"),
        ({"rate": {600: 1}}, "its first time must be 0"),
        ({"rate": [(5, 1), (5, 2)]}, "rate.point"),
        ({"rate": [("x", 1), (5, 2)]}, "rate point: 'x'"),
        ({"rate": lambda t: float("nan")}, "rate: "),
        ({"rate": 1, "scale": 1}, "rate and scale: at most one"),
        ({"scale": 0}, "scale: 0"),
        ({"scale": float("nan")}, "scale: "),
        ({"max_rate": -3}, "max_rate: -3"),
        ({"max_rate": "high"}, "max_rate: 'high'"),
        ({"duration": 0}, "duration: 0"),
        ({"duration": "-1h"}, "duration: '-1h'"),
        ({"seed": -1}, "seed: -1"),
        ({"seed": 2**64}, "seed: 18446744073709551616"),
        ({"seed": 1.5}, "seed: 1.5"),
        ({"counts": "exact"}, "counts: 'exact' .* pinned"),
        ({"coupling": "tight"}, "coupling: 'tight' .* comonotonic"),
        ({"missing": "ignore"}, "missing: 'ignore' .* nearest"),
    ],
)
def test_a_wrong_option_is_refused_with_its_value(pool, options, says):
    with pytest.raises(ValueError, match=says):
        tt.Job(pool, **{"duration": "1h", **options})


def test_the_largest_seed_is_allowed(pool):
    assert tt.Job(pool, rate=1, duration=600, seed=2**64 - 1).seed == 2**64 - 1


def test_options_are_keyword_only(pool):
    with pytest.raises(TypeError):
        tt.generate(pool, 100.0)
    with pytest.raises(TypeError):
        tt.Job(pool, 100.0)


def test_clients_left_out_are_named_with_their_share(gappy):
    with pytest.warns(tt.MissingDataWarning, match=r"1 of 2 clients .* client 1; .* 25 %") as caught:
        job = tt.Job(gappy, rate=1, duration=600)
    assert caught[0].filename == __file__
    assert job.left_out == ["client 1"]
    assert job.left_out_share == pytest.approx(0.25)
    with pytest.raises(tt.ProfileError, match="client 1"):
        tt.Job(gappy, rate=1, duration=600, missing="error")


def test_windows_without_clients_are_warned_of():
    pool = tt.ClientPool(build([Client([1.0, 0.0, 0.0])], windows=3), name="idle")
    with pytest.warns(tt.IdleWindowWarning, match="2 of the job's 3 windows") as caught:
        trace = tt.generate(pool, rate=5)
    assert caught[0].filename == __file__
    assert len(trace) == 3000


@pytest.mark.filterwarnings("ignore::tracetide.FlattenedRateWarning")
def test_a_pickled_job_is_the_same_and_does_not_warn_again(gappy):
    with pytest.warns(tt.MissingDataWarning):
        job = tt.Job(
            gappy, rate=lambda t: 1 + t, duration=900, seed=7, counts="renewal", coupling="comonotonic"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = pickle.loads(pickle.dumps(job))
    assert again == job
    assert again.metadata() == job.metadata()
    assert again.generate() == job.generate()


def test_metadata_describes_the_job_and_nothing_else(pool):
    job = tt.Job(
        pool.span("18:00", "19:00"), rate=[(0, 1), ("1h", 3)], duration="2h", seed=5, coupling="comonotonic"
    )
    found = json.loads(json.dumps(job.metadata()))
    assert found["tracetide"] == tt.__version__
    assert found["trace_version"] == tt.TRACE_VERSION
    assert found["profile"]["name"] == "small"
    assert len(found["profile"]["sha256"]) == 64
    assert found["span"] == [64_800.0, 68_400.0]
    assert found["rate"] == {"rate_points": [[0.0, 1.0], [3600.0, 3.0]]}
    assert (found["duration"], found["seed"]) == (7200.0, 5)
    assert (found["counts"], found["coupling"], found["missing"]) == ("pinned", "comonotonic", "nearest")
    names = "tracetide trace_version profile span rate duration seed counts coupling missing"
    assert list(found) == names.split()


def test_a_renewal_job_has_no_count_before_it_is_made(pool):
    assert tt.Job(pool, rate=1, duration=600, counts="renewal").count() is None


# Traces and batches


def test_a_trace_has_the_native_columns(pool):
    trace = tt.generate(pool, rate=10, duration="10min", seed=1)
    assert trace.columns == ("timestamp", "client_id", "input_tokens", "output_tokens")
    assert len(trace) == 6000
    assert trace["timestamp"] is trace.timestamp
    assert trace.timestamp.dtype == np.float64
    assert {trace[name].dtype for name in trace.columns[1:]} == {np.dtype(np.uint32)}
    assert (np.diff(trace.timestamp) >= 0).all()
    assert trace.timestamp[0] >= 0
    assert trace.timestamp[-1] < 600
    assert set(np.unique(trace.input_tokens)) == {100, 200, 300}
    assert trace.metadata == tt.Job(pool, rate=10, duration="10min", seed=1).metadata()


def test_lists_of_items_add_up(items):
    trace = tt.generate(items, duration=600, seed=1)
    images = trace.image_tokens
    assert isinstance(images, tt.ListColumn)
    assert len(images) == len(trace)
    assert set(np.unique(images.lengths())) == {0, 1, 3}
    assert set(np.unique(images.flat())) == {256, 512}
    np.testing.assert_array_equal(images.sums(), [row.sum() for row in images])
    total = trace.text_tokens + sum(trace[f"{kind}_tokens"].sums() for kind in ("image", "audio", "video"))
    np.testing.assert_array_equal(trace.input_tokens, total)


def test_slices_are_traces_on_the_same_memory(items):
    trace = tt.generate(items, duration=600, seed=1)
    part = trace[100:200]
    assert len(part) == 100
    assert np.shares_memory(part.timestamp, trace.timestamp)
    np.testing.assert_array_equal(part.image_tokens[3], trace.image_tokens[103])
    np.testing.assert_array_equal(part.image_tokens.sums(), trace.image_tokens.sums()[100:200])
    assert len(trace[5:2]) == 0
    assert len(trace[5:2].image_tokens) == 0
    with pytest.raises(ValueError, match="step"):
        trace[::-1]


def test_an_unknown_column_is_refused_with_the_known_ones(pool):
    trace = tt.generate(pool, rate=1, duration=600)
    with pytest.raises(KeyError, match=r"'tokens'.*input_tokens"):
        trace["tokens"]
    with pytest.raises(AttributeError, match="tokens"):
        _ = trace.tokens


@pytest.mark.parametrize("batch_size", [0, 1, 7, 1000, 10**6])
def test_batches_are_the_trace_for_every_size_and_thread_count(items, batch_size):
    job = tt.Job(items, duration=600, seed=4)
    trace = job.generate(threads=1)
    for threads in (1, 2, 3):
        at = 0
        for batch in job.stream(threads=threads, batch_size=batch_size):
            assert batch.first_request == at
            assert batch == trace[at : at + len(batch)]
            at += len(batch)
            assert batch_size == 0 or len(batch) == batch_size or at == len(trace)
        assert at == len(trace)


def test_stream_and_generate_agree(pool):
    options = {"rate": 20, "duration": "30min", "seed": 9}
    trace = tt.generate(pool, **options)
    batches = list(tt.stream(pool, **options, batch_size=5000))
    assert [len(batch) for batch in batches] == [5000] * 7 + [1000]
    for name in trace.columns:
        np.testing.assert_array_equal(np.concatenate([batch[name] for batch in batches]), trace[name])


def test_different_seeds_give_different_traces(pool):
    assert tt.generate(pool, rate=1, duration=600, seed=0) != tt.generate(pool, rate=1, duration=600, seed=1)


def test_wrong_thread_counts_and_batch_sizes_are_refused(pool):
    with pytest.raises(ValueError, match="threads: -1"):
        tt.generate(pool, rate=1, duration=600, threads=-1)
    with pytest.raises(ValueError, match="batch_size: -1"):
        tt.stream(pool, rate=1, duration=600, batch_size=-1)


def test_a_trace_is_arrow_data_on_the_same_memory(items):
    trace = tt.generate(items, duration=600, seed=1)
    table = pa.table(trace)
    assert table.num_rows == len(trace)
    assert table.schema.field("image_tokens").type.value_type == pa.uint32()
    assert table.column("image_tokens").to_pylist() == [row.tolist() for row in trace.image_tokens]
    address = table.column("timestamp").chunk(0).buffers()[1].address
    assert address == trace.timestamp.ctypes.data
    assert json.loads(table.schema.metadata[b"tracetide.job"]) == trace.metadata


def test_a_batch_is_arrow_data(items):
    batch = next(iter(tt.stream(items, duration=600, batch_size=100)))
    assert pa.table(batch).num_rows == 100
    assert pa.table(batch[10:20]).column("image_tokens").to_pylist() == [
        row.tolist() for row in batch.image_tokens[10:20]
    ]


def test_a_trace_becomes_a_data_frame(items):
    pytest.importorskip("pandas")
    trace = tt.generate(items, duration=600, seed=1)
    frame = trace.to_pandas()
    assert list(frame.columns) == list(trace.columns)
    np.testing.assert_array_equal(frame["timestamp"], trace.timestamp)
    np.testing.assert_array_equal(frame["image_tokens"][5], trace.image_tokens[5])


def test_pickled_traces_and_batches_are_the_same(items):
    trace = tt.generate(items, duration=600, seed=1)
    again = pickle.loads(pickle.dumps(trace))
    assert again == trace
    assert again.metadata == trace.metadata
    batch = list(tt.stream(items, duration=600, batch_size=100))[1]
    again = pickle.loads(pickle.dumps(batch))
    assert again == batch
    assert again.first_request == 100


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="one length"):
        tt.Trace({"timestamp": np.zeros(3), "client_id": np.zeros(2, dtype=np.uint32)})


def test_a_trace_outlives_its_job_and_pool():
    def make() -> tt.Trace:
        return tt.generate(tt.ClientPool(one_client(5.0), name="brief"), duration=600, seed=1)

    trace = make()
    first = trace.timestamp.copy()
    for _ in range(3):
        make()
    np.testing.assert_array_equal(trace.timestamp, first)


def test_the_package_is_typed():
    assert (Path(tt.__file__).parent / "py.typed").is_file()
