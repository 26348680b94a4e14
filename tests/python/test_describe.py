"""Statistics of pools and traces against values worked out by hand or by other means."""

from __future__ import annotations

import json
import math
import subprocess
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tracetide as tt
from cli_tools import COMMAND, environment, fails, succeeds
from small_profiles import MULTIMODAL, Bins, Client, IntegerPmf, Quantiles, build, constant, one_client
from tracetide.base.readable import number
from tracetide.cli.render import sparkline
from tracetide.describe import describe
from tracetide.describe.pool import describe_pool
from tracetide.describe.trace import describe_trace
from tracetide.measures.burstiness import WindowGaps
from tracetide.report.views import facts_of


@pytest.fixture(scope="module")
def pool() -> tt.ClientPool:
    """Two hours: client 0 at 3/s, client 1 at 1/s in the second one, client 2 without lengths."""
    return tt.ClientPool(
        build(
            [
                Client(3.0, "gamma", 0.25, {"input_tokens": IntegerPmf([10, 20, 30, 40], [0.25] * 4)}),
                Client([0, 0, 1, 1], fields={"input_tokens": IntegerPmf([100], [1.0])}),
                Client([0, 0, 0, 2], fields=None),
                Client(0.0),
            ],
            window_s=1800,
            windows=4,
            epoch_windows=2,
        ),
        name="known",
    )


def test_a_pool_is_described_from_its_rates(pool):
    found = describe(pool)
    assert (found.kind, found.name, found.category) == ("profile", "known", "language")
    assert found.duration == 7200
    assert (found.clients, found.active_clients) == (4, 3)
    assert found.rate.rates == pytest.approx([3, 3, 4, 6])
    assert (found.rate.mean, found.rate.peak, found.rate.lowest) == pytest.approx((4, 6, 3))
    assert found.requests == pytest.approx(28_800)
    assert [client.name for client in found.top] == ["client 0", "client 1", "client 2"]
    assert [client.share for client in found.top] == pytest.approx([0.75, 0.125, 0.125])
    assert [client.rate for client in found.top] == pytest.approx([3, 0.5, 0.5])
    assert [client.cv for client in found.top] == pytest.approx([2, 1, 1])
    assert found.top_shares == pytest.approx({"1": 0.75})
    assert found.families == pytest.approx({"exponential": 0.25, "gamma": 0.75, "weibull": 0})
    assert found.burstiness == pytest.approx({"cv_mean": 1.75, "cv_p10": 1, "cv_p50": 2, "cv_p90": 2})
    assert found.left_out == ["client 2"]
    assert found.left_out_share == pytest.approx(0.125)


def test_lengths_are_weighted_by_requests(pool):
    found = {entry.name: entry for entry in describe(pool).lengths}
    # 21,600 requests of client 0 and 3,600 of client 1: 6 to 1.
    assert found["input_tokens"].mean == pytest.approx((6 * 25 + 100) / 7)
    assert found["input_tokens"].p50 == 30
    assert found["input_tokens"].p90 == 100
    assert found["input_tokens"].highest == 100
    assert found["output_tokens"].mean == 20


def test_a_span_is_described_alone(pool):
    found = describe(pool.span("0:15", "1:00"))
    assert found.rate.rates == pytest.approx([3, 3])
    assert found.requests == pytest.approx(2700 * 3)
    assert found.active_clients == 1
    assert found.left_out == []
    assert found.lengths[0].mean == 25


def test_quantile_knots_are_described():
    law = Quantiles([0.0, 100.0, 200.0], 0, 200)
    found = describe(tt.ClientPool(one_client(1.0, input_tokens=law), name="knots")).lengths[0]
    assert found.mean == pytest.approx(100)
    assert found.p50 == pytest.approx(100, abs=1)
    assert found.p90 == pytest.approx(180, abs=1)


def test_tokens_of_items_are_over_items():
    laws = {
        **MULTIMODAL,
        "image_count": IntegerPmf([0, 2], [0.5, 0.5]),
        "image_tokens": IntegerPmf([64], [1.0]),
    }
    many = {**laws, "image_count": IntegerPmf([9], [1.0]), "image_tokens": IntegerPmf([1000], [1.0])}
    pool = tt.ClientPool(build([Client(1.0, fields=laws), Client(1.0, fields=many)], category="multimodal"))
    found = {entry.name: entry for entry in describe(pool).lengths}
    assert found["image_count"].mean == pytest.approx(5)
    assert found["image_tokens per item"].mean == pytest.approx((64 * 1 + 1000 * 9) / 10)
    assert math.isnan(found["video_tokens per item"].mean)


def test_a_generated_trace_is_described_as_its_pool(pool):
    with pytest.warns(tt.MissingDataWarning):
        job = tt.Job(pool, seed=3)
    trace = job.generate()
    found = describe(trace)
    assert (found.kind, found.category, found.duration) == ("trace", "language", 7200)
    assert found.requests == len(trace)
    assert found.clients == 2
    assert sum(found.rate.rates) * found.rate.step == pytest.approx(len(trace))
    assert found.top[0].name == "0"
    assert found.top[0].share == pytest.approx((trace.client_id == 0).mean())
    assert found.top[0].cv == pytest.approx(2, rel=0.1)
    first = trace.timestamp[0]
    window = ((trace.timestamp - first) // 600)[1:]
    gaps = np.diff(trace.timestamp)
    parts = [gaps[window == number] for number in np.unique(window)]
    cvs = [part.std(ddof=1) / part.mean() for part in parts]
    wanted = np.average(cvs, weights=[part.size for part in parts])
    assert found.burstiness["cv"] == pytest.approx(wanted, rel=1e-6)
    assert found.burstiness["window"] == 600
    lengths = {entry.name: entry for entry in found.lengths}
    assert lengths["input_tokens"].mean == pytest.approx(trace.input_tokens.mean())
    assert lengths["input_tokens"].p90 == np.sort(trace.input_tokens)[math.ceil(0.9 * len(trace)) - 1]
    assert found.details["job"] == job.metadata()


def test_dispersion_is_one_for_a_poisson_process_and_zero_for_a_clock():
    def dispersion(times: np.ndarray, step: float = 1) -> float:
        zeros = np.zeros(times.size, dtype=np.uint32)
        columns = {"timestamp": times, "client_id": zeros, "input_tokens": zeros, "output_tokens": zeros}
        found = describe(tt.Trace(columns, {"duration": 10_000.0})).burstiness
        assert found["dispersion_step"] == step
        return found["dispersion"]

    # In seconds, times in steps of 3 s would have 30 times as much; steps can be uneven by a millisecond.
    def in_steps(times: np.ndarray) -> np.ndarray:
        late = np.random.default_rng(3).integers(-1, 2, 4000) / 1000
        number = (times // 3).astype(np.int64)
        return np.maximum(number * 3 + late[number], 0)

    rng = np.random.default_rng(1)
    assert dispersion(np.sort(rng.uniform(0, 10_000, 100_000))) == pytest.approx(1, abs=0.1)
    assert dispersion(np.arange(100_000) / 10 + 0.05) == pytest.approx(0)
    assert dispersion(in_steps(np.sort(rng.uniform(0, 10_000, 100_000))), step=3) == pytest.approx(1, abs=0.1)


def test_dispersion_of_weeks_with_a_coarse_clock_is_of_long_intervals():
    weeks = 6_000_000
    rng = np.random.default_rng(2)
    times = np.sort(rng.integers(0, weeks // 3, 200_000)) * 3.0
    lengths = np.ones(times.size, dtype=np.uint32)
    columns = {"timestamp": times, "input_tokens": lengths, "output_tokens": lengths}
    found = describe(tt.Trace(columns, {"duration": float(weeks)})).burstiness
    assert found["dispersion_step"] == 300
    assert found["dispersion"] == pytest.approx(1, abs=0.06)  # 6 standard errors of 20,000 counts


def test_dispersion_of_a_trace_that_ends_long_after_its_last_request_is_of_longer_steps():
    ones = np.ones(100, dtype=np.uint32)
    columns = {"timestamp": np.arange(100) * 0.37, "input_tokens": ones, "output_tokens": ones}
    assert describe(tt.Trace(columns, {"duration": 3e6})).burstiness["dispersion_step"] == 4


def test_a_trace_of_one_request_is_described():
    one = np.ones(1, dtype=np.uint32)
    found = describe(
        tt.Trace({"timestamp": np.zeros(1), "client_id": one, "input_tokens": one, "output_tokens": one})
    )
    assert found.requests == 1
    assert math.isnan(found.burstiness["cv"])
    json.dumps(found.to_dict(), allow_nan=False)


def test_an_empty_trace_is_refused():
    none = np.zeros(0, dtype=np.uint32)
    with pytest.raises(ValueError, match="without requests"):
        describe(
            tt.Trace(
                {"timestamp": np.zeros(0), "client_id": none, "input_tokens": none, "output_tokens": none}
            )
        )


def test_a_description_is_json(pool):
    found = json.loads(json.dumps(describe(pool).to_dict(), allow_nan=False))
    assert found["rate"]["rates"] == pytest.approx([3, 3, 4, 6])
    assert found["details"]["provenance"] == {"name": "synthetic"}


def test_a_foreign_trace_needs_no_clients_and_only_its_lengths_are_described(tmp_path):
    path = tmp_path / "foreign.csv"
    path.write_text(
        "timestamp,session_id,input_tokens,output_tokens,delay\n0,7,10,1,\n1.5,7,20,2,0.5\n4,9,60,6,\n"
    )
    found = describe_trace(tt.read(path))
    assert [field.name for field in found.lengths] == ["input_tokens", "output_tokens"]
    assert found.lengths[0].mean == 30
    assert found.clients == 1
    found = describe_trace(tt.read(path, columns={"client": "session_id"}))
    assert [(client.name, client.share) for client in found.top] == [("7", 2 / 3), ("9", 1 / 3)]


def test_lengths_in_bins_are_described():
    fields = {"input_tokens": Bins([1, 3, 101], [0.5, 0.25, 0.25], 200), "output_tokens": constant(5)}
    found = describe(tt.ClientPool(build([Client(2.0, fields=fields)])))
    lengths = found.lengths[0]
    assert lengths.mean == pytest.approx(0.5 * 1.5 + 0.25 * 51.5 + 0.25 * 150.5)
    assert (lengths.p50, lengths.highest) == (2, 200)
    assert lengths.p90 in (160, 161)  # 0.9 is where one ends and the other begins


def test_a_sparkline_rises_with_its_values():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([5, 5]) == "██"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""
    assert len(sparkline(range(1000), width=56)) == 56


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (123.4, "123"),
        (1.2345, "1.23"),
        (0.00123, "0.00123"),
        (math.nan, "-"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_models_of_sessions_and_prompts_are_described(tmp_path: Path) -> None:
    chat = tt.conversations(share=0.4, turns={2: 0.5, 6: 0.5}, think_time=5)
    prefixes = tt.Prefixes(share=0.5, levels=[tt.PromptLevel(tokens=10)])
    clients = [
        tt.Client(rate=3, input_tokens=100, output_tokens=1, sessions=chat, prefixes=prefixes),
        tt.Client(rate=1, input_tokens=100, output_tokens=1),
    ]
    details = describe_pool(tt.ClientPool(clients)).details
    assert details["sessions"] == {"share": pytest.approx(0.3), "turns_mean": pytest.approx(4)}
    assert details["prefixes_share"] == pytest.approx(0.375)
    lasting = tt.conversations(
        share=0.4,
        turns=4,
        think_time=5,
        wait_tokens=0.02,
        persistence={"input_tokens": (0.5, 0.8), "output_tokens": (0.4, 0.6)},
    )
    clients = [tt.Client(rate=3, input_tokens=100, output_tokens=1, sessions=s) for s in (lasting, chat)]
    described = describe_pool(tt.ClientPool(clients))
    sessions = described.details["sessions"]
    assert "wait_output" not in sessions
    assert sessions["wait_tokens"] == pytest.approx(0.01)
    assert sessions["persistence"]["input_tokens"] == {
        "share": pytest.approx(0.25),
        "memory": pytest.approx(0.8),
    }
    tt.ClientPool(clients).write(tmp_path / "lasting.tide")
    done = succeeds("describe", tmp_path / "lasting.tide")
    assert b"grows by 1.000% a new token" in done.stdout
    assert b"input_tokens 0.25 (x 0.80 a turn)" in done.stdout
    plain = describe_pool(tt.load("m-small")).details
    assert "sessions" not in plain
    assert "prefixes_share" not in plain
    done = succeeds("describe", "deepseek-r1")
    assert b"9.6% of the requests, 3.54 turns each" in done.stdout


def test_a_trace_is_described_in_a_stream_as_in_memory(tmp_path):
    job = tt.Job(tt.load("deepseek-r1"), rate=40, duration="10min", seed=2, block_size=64)
    job.write(tmp_path / "t.parquet")
    streamed, whole = describe(tt.scan(tmp_path / "t.parquet")), describe(job.generate())
    assert streamed.to_dict() == whole.to_dict()
    trace = job.generate()
    counts = np.bincount(trace.client_id)
    assert streamed.clients == np.count_nonzero(counts)
    top = int(counts.argmax())
    assert streamed.top[0].name == str(top)
    measured = tt.characterize(trace)
    assert streamed.burstiness["cv"] == measured["gaps"]["cv"]
    own = measured.tables()["clients"].to_pylist()[0]
    assert (own["client"], own["cv"]) == (f"client {top}", streamed.top[0].cv)
    one = trace.timestamp[trace.client_id == top]
    parts = [gaps for gaps in np.split(np.diff(one), np.flatnonzero(np.diff(one // 60)) + 1) if gaps.size]
    assert streamed.top[0].cv == pytest.approx(np.mean([gaps.std() / gaps.mean() for gaps in parts]), rel=0.1)
    in_seconds = np.bincount(trace.timestamp.astype(np.int64), minlength=600)
    assert streamed.burstiness["dispersion"] == pytest.approx(in_seconds.var() / in_seconds.mean())
    edges = np.linspace(0, 600, 145)
    assert streamed.rate.rates == pytest.approx(np.histogram(trace.timestamp, edges)[0] / edges[1], abs=2.5)
    prefixes = streamed.details["prefixes"]
    own = tt.prefix_statistics(trace)
    assert (prefixes["blocks"], prefixes["hit_rate"]) == (own.blocks, own.hit_rate)
    assert prefixes["block_size"] == 64
    ids = trace.hash_ids.flat()
    assert sum(prefixes["hits_by_level"].values()) == pytest.approx(1 - np.unique(ids).size / ids.size)


def test_describing_a_stream_does_not_hold_it():
    """Held, these 6 million requests would be 96 MB in Arrow's memory or in NumPy's."""
    rows, batches = 1 << 17, 48
    schema = pa.schema(
        [("timestamp", pa.float64()), ("input_tokens", pa.uint32()), ("output_tokens", pa.uint32())]
    )
    tokens = pa.array(np.arange(rows, dtype=np.uint32) % 4096)

    def made():
        for batch in range(batches):
            times = (np.arange(rows) + batch * rows) / 1000
            yield pa.record_batch([pa.array(times), tokens, tokens], schema)

    source = pa.RecordBatchReader.from_batches(schema, made())
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    tracemalloc.start()
    found = describe(tt.scan(source))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.requests == rows * batches
    assert found.rate.mean == pytest.approx(1000, rel=1e-3)
    assert found.burstiness["cv"] == pytest.approx(0, abs=1e-6)
    assert found.lengths[0].p50 == 2047
    assert peak < 64e6
    assert pool.bytes_allocated() - before < 16e6


def test_later_turns_without_a_time_are_described(tmp_path):
    path = tmp_path / "s.jsonl"
    path.write_text(
        '{"session_id": "s1", "timestamp": 0, "input_length": 600, "output_length": 10, "hash_ids": [1, 2]}\n'
        '{"session_id": "s2", "timestamp": 500, "input_length": 100, "output_length": 5, "hash_ids": [3]}\n'
        '{"session_id": "s1", "delay": 2000, "input_length": 700, "output_length": 20, "hash_ids": [1, 4]}\n'
        '{"session_id": "s1", "delay": 0, "input_length": 800, "output_length": 20, "hash_ids": [1, 5]}\n'
    )
    for trace in (tt.scan(path), tt.read(path)):
        found = describe(trace)
        assert (found.requests, found.duration, found.rate.mean) == (4, 0.5, 4)
        assert found.details["without_time"] == 2
        assert found.lengths[0].mean == 550
        assert found.details["prefixes"]["block_size"] == 512
    assert b"4, 2 of them later turns without a time" in succeeds("describe", path).stdout


def test_the_duration_is_that_of_the_latest_request_and_gaps_are_those_in_order_of_time(tmp_path):
    path = tmp_path / "ll.jsonl"
    path.write_text(
        '{"session_id": "s0", "arrival_time_ns": 3000000000, "sub_requests": [{"input_toks": 9, '
        '"output_toks": 3, "tool_duration_ns": 5}, {"input_toks": 13, "output_toks": 4}]}\n'
        '{"input_toks": 77, "output_toks": 7, "arrival_time_ns": 1000000000}\n'
        '{"session_id": "s1", "arrival_time_ns": 1500000000, "sub_requests": [{"input_toks": 5, '
        '"output_toks": 2}]}\n'
        '{"input_toks": 70, "output_toks": 7, "arrival_time_ns": 2000000000}\n'
    )
    found = describe(tt.scan(path))
    assert (found.requests, found.duration, found.details["without_time"]) == (5, 3, 1)
    gaps = [0.5, 0.5, 1]
    assert found.burstiness["cv"] == pytest.approx(np.std(gaps, ddof=1) / np.mean(gaps))
    assert sum(found.rate.rates) * found.rate.step == pytest.approx(4)


def test_times_that_do_not_count_from_the_start_are_refused(tmp_path):
    path = tmp_path / "unix.csv"
    rows = "".join(f"{1715472000 + 0.5 * row},10,3\n" for row in range(101))
    path.write_text("timestamp,input_tokens,output_tokens\n" + rows)
    with pytest.raises(tt.TraceError, match="rebase=True counts them from the first request"):
        describe(tt.scan(path))
    fails("describe", path, says=["1.715472e+09 s", "--rebase counts them"])
    found = describe(tt.scan(path, rebase=True))
    assert (found.duration, found.requests) == (50, 101)
    assert b"50 s" in succeeds("describe", path, "--rebase").stdout


def test_a_block_size_is_told_where_it_is_that_of_the_ids(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text('{"timestamp": 0, "input_length": 130, "output_length": 5, "hash_ids": [0, 1, 2]}\n')
    assert "block_size" not in describe(tt.scan(path)).details["prefixes"]
    assert describe(tt.scan(path, block_size=64)).details["prefixes"]["block_size"] == 64
    with pytest.raises(tt.TraceError, match="with blocks of 32 tokens there must be 5"):
        describe(tt.scan(path, block_size=32))


def test_a_column_of_clients_that_is_named_goes_before_client_id(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("timestamp,client_id,input_tokens,output_tokens,user\n0,1,5,5,ann\n1,1,5,5,bob\n")
    found = describe(tt.scan(path, columns={"client": "user"}))
    assert [client.name for client in found.top] == ["ann", "bob"]


def test_a_file_that_is_no_profile_is_read_as_a_trace_whatever_its_name(tmp_path):
    (tmp_path / "x.json").write_text('{"a": 1}\n')
    message = fails("describe", tmp_path / "x.json", says=["its columns are those of no known format: 'a'"])
    assert "--column timestamp=... --column input_tokens=..." in message
    (tmp_path / "x.json").write_text("{}\n")
    fails("describe", tmp_path / "x.json", says=["its columns are those of no known format: none at all"])
    (tmp_path / "t.txt").write_text("timestamp,input_tokens,output_tokens\n0,5,6\n1,7,8\n")
    assert b"t.txt: language trace" in succeeds("describe", tmp_path / "t.txt").stdout
    fails("describe", "m-smal", says=["m-small"])
    fails("describe", "m-small", "--rebase", says=["--rebase: not allowed; it is for traces"])


def test_a_terminal_without_unicode_is_drawn_on():
    done = subprocess.run(
        [*COMMAND, "describe", "m-small"],
        env=environment() | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode("ascii")
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], blocks="_.-:=+*#") == "_.-:=+*#"
    assert "\\u" not in text


# One measure of burstiness


def arrivals(kind):
    """Times of a day: Poisson at one rate, with a daily curve, in a clock of 3 s, and in bursts."""
    rng = np.random.default_rng(7)
    if kind == "bursty":
        return np.cumsum(rng.gamma(0.25, 4 * 3, 29_000))
    times = np.sort(rng.uniform(0, 86400, 30_000))
    if kind == "daily curve":
        return times[rng.uniform(size=times.size) < 0.5 * (1 + 0.9 * np.cos(times / 86400 * 2 * np.pi))]
    return np.floor(times / 3) * 3 if kind == "clock of 3 s" else times


@pytest.mark.parametrize(
    ("kind", "cv", "stationarity", "shift"),
    [
        ("poisson", 1, "stationary", 0),
        ("clock of 3 s", 1, "stationary", 0),
        # The CV of rates of 1 + 0.9 cos.
        ("daily curve", 1, "not stationary", 0.9 / math.sqrt(2)),
        ("bursty", 2, "stationary", 0),
    ],
)
def test_describe_characterize_and_the_report_say_the_same_of_bursts(kind, cv, stationarity, shift):
    times = arrivals(kind)
    lengths = np.full(times.size, 5, dtype=np.uint32)
    trace = tt.Trace({"timestamp": times, "input_tokens": lengths, "output_tokens": lengths})
    described, report = describe(trace), tt.report(trace)
    gaps = report.characterization["gaps"]
    assert described.burstiness["cv"] == gaps["cv"] == pytest.approx(cv, rel=0.05)
    assert described.details["stationarity"] == gaps["stationarity"] == stationarity
    assert described.burstiness["rate_shift"] == gaps["rate_shift"] == pytest.approx(shift, abs=0.05)
    facts = dict(facts_of(report))
    assert facts["CV of gaps"] == number(gaps["cv"])
    assert facts["rate"].startswith(stationarity)
    (row,) = [row for row in tt.compare(trace, trace, interval=60).rows if row.measure == "gap CV"]
    assert row.values == (gaps["cv"], gaps["cv"])
    if kind == "daily curve":
        assert gaps["cv_of_all"] > 1.5
        assert facts["rate"] == f"not stationary, shifts by {gaps['rate_shift']:.0%}"


def test_windows_grow_until_they_have_gaps_enough_and_batches_do_not_matter():
    rng = np.random.default_rng(3)
    times = np.rint(np.cumsum(rng.exponential(900, 400)) * 1e9).astype(np.int64)
    gaps = np.diff(times, prepend=0) / 1e9
    gaps[0] = np.nan
    found = []
    for parts in ([slice(None)], [slice(0, 7), slice(7, 8), slice(8, None)]):
        windows = WindowGaps()
        for part in parts:
            windows.add(times[part], gaps[part])
        found.append(windows.result(times[-1] / 1e9))
    assert found[0] == found[1]
    assert found[0].window_s > 20 * 900 / 2
    assert found[0].cv == pytest.approx(1, abs=0.15)
    assert found[0].stationarity == "stationary"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_too_few_gaps_have_no_cv(count):
    windows = WindowGaps()
    windows.add(np.arange(count) * 10**9, np.append(np.nan, np.ones(count - 1)))
    found = windows.result(float(count))
    assert math.isnan(found.cv)
    assert found.stationarity == "not known"
