"""Fits: what was generated from a profile gives the profile back, however the trace is cut and stored."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pyarrow as pa
import pytest
import tracetide as tt
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special, stats
from small_profiles import MULTIMODAL, Client, IntegerPmf, Quantiles, RealPmf, build, constant, zipf
from statistics_helpers import accept, chi_square, normal_p_value
from tracetide.describe import describe
from tracetide.passes import pieces

WINDOWS, WINDOW, EPOCH = 24, 600, 7200
GAMMA, WEIBULL = 0.3, 1.8
INPUTS = [zipf(np.arange(10, 400)), zipf(np.arange(1, 3000, 7))]
OUTPUTS = zipf(np.arange(5, 90))
EVEN = IntegerPmf(np.arange(1, 2001), np.full(2000, 1 / 2000))
SPEARMAN = 0.6


@pytest.fixture(scope="module")
def original():
    lengths = [{"input_tokens": law, "output_tokens": OUTPUTS} for law in INPUTS]
    rates = np.where(np.arange(WINDOWS) % 6 == 5, 0.0, 1.0 + np.arange(WINDOWS) / 20)
    pair = {("input_tokens", "output_tokens"): SPEARMAN}
    clients = [
        Client(2.0, "gamma", GAMMA, lengths),
        Client(rates, "weibull", WEIBULL, lengths),
        Client(1.5, "exponential", 1.0, {"input_tokens": EVEN, "output_tokens": EVEN}, pair),
        Client(0.01, fields=lengths),
    ]
    return tt.ClientPool(build(clients, windows=WINDOWS, epoch_windows=EPOCH // WINDOW))


@pytest.fixture(scope="module")
def trace(original):
    return tt.generate(original, seed=1)


@pytest.fixture(scope="module")
def fitted(trace):
    return tt.fit_with_report(trace, window=WINDOW, epoch=EPOCH)


# Round trip


def test_grid_and_clients_come_back(original, fitted):
    pool = fitted.pool
    assert (pool.window, pool.period, len(pool), pool.category) == (WINDOW, WINDOWS * WINDOW, 4, "language")
    assert pool.profile.epochs == 2
    assert pool.client_names == [f"client {number}" for number in range(4)]
    assert pool.profile.default_counts == "pinned"


def test_rates_come_back_to_one_request(original, fitted):
    def rates(pool):
        cells = pool.profile.cells()
        found = np.zeros((WINDOWS, 4))
        found[cells["window"], cells["client"]] = cells["rate"]
        return found

    assert np.abs(rates(fitted.pool) - rates(original)).max() <= 1 / WINDOW


def test_families_and_shapes_come_back(fitted):
    """Asymptotic variances of the shapes; a window's n gaps have the law of n - 1 free ones."""
    frame = fitted.report.to_pandas()
    for client, column, shape in (("client 0", "gamma", GAMMA), ("client 1", "weibull", WEIBULL)):
        own = frame[frame.client == client]
        assert (own.family == column).all()
        assert (own.fallback == "window").all()
        if column == "gamma":
            errors = np.sqrt(shape / (own.requests * (shape * special.polygamma(1, shape) - 1)))
        else:
            errors = shape * np.sqrt(6 / own.requests) / np.pi
        scores = (own[f"shape_{column}"] - shape) / errors
        accept(stats.chi2.sf((scores**2).sum() / 1.2, scores.size), f"shapes of {client}")
        assert own[f"p_{column}"].min() > 1e-6
    assert (frame[frame.client == "client 0"].p_exponential < 1e-9).all()
    poisson = frame[frame.client == "client 2"]
    assert np.abs(poisson.shape_gamma - 1).max() < 0.3
    assert abs(poisson.cv.mean() - 1) < 0.03
    expected = special.gamma(1 + 2 / WEIBULL) / special.gamma(1 + 1 / WEIBULL) ** 2 - 1
    assert frame[frame.client == "client 1"].cv.mean() == pytest.approx(np.sqrt(expected), rel=0.03)


def test_lengths_come_back(original, fitted):
    ours, theirs = fitted.pool.profile, original.profile
    rows = fitted.report.lengths.to_pandas().set_index(["client", "epoch", "field"])
    for epoch in range(2):
        for client in range(2):
            for field in ours.fields:
                found = ours.distribution(ours.recorded(epoch, client, field))
                law = theirs.distribution(theirs.resolved(epoch, client, field))
                n = rows.loc[f"client {client}", epoch, field].observations
                at = np.searchsorted(law["values"], found["values"])
                assert np.array_equal(law["values"][at], found["values"])
                counts = np.zeros(law["values"].size)
                counts[at] = found["probabilities"] * n
                assert np.allclose(counts, np.rint(counts))
                accept(chi_square(counts, law["probabilities"]), f"{client} {epoch} {field}")


def test_correlations_come_back(fitted, trace):
    found = fitted.pool.profile.correlations()
    assert found["client"].tolist() == [2]
    n = int((trace.client_id == 2).sum())
    accept(normal_p_value((found["spearman"][0] - SPEARMAN) * np.sqrt(n)))


def test_a_fit_of_a_fit_is_the_same_but_for_chance(fitted):
    again = tt.fit(tt.generate(fitted.pool, seed=2), window=WINDOW, epoch=EPOCH)
    one, other = fitted.pool.profile.cells(), again.profile.cells()
    assert np.array_equal(one["window"], other["window"])
    assert np.allclose(one["rate"], other["rate"], atol=1.01 / WINDOW)


def test_provenance_says_what_was_done(fitted, trace):
    found = fitted.pool.provenance
    assert (found["rows"], found["rows_used"]) == (len(trace), len(trace))
    assert found["client_column"] == "client_id"
    assert (found["options"]["window"], found["options"]["min_gaps"]) == (600, 20)
    assert found["family_from"]["window"] > 0.9
    assert sum(found["families"].values()) == pytest.approx(1, abs=1e-5)


def test_without_the_report_the_profile_is_the_same(trace, fitted):
    assert tt.fit(trace, window=WINDOW, epoch=EPOCH).profile.to_bytes() == fitted.pool.profile.to_bytes()


# However it is cut and stored


def columns_but_metadata(pool):
    profile = pool.profile
    cells = {name: column.tolist() for name, column in profile.cells().items()}
    laws = [
        {key: np.asarray(value).tolist() for key, value in profile.distribution(id).items()}
        for id in range(profile.distributions)
    ]
    correlations = {name: column.tolist() for name, column in profile.correlations().items()}
    return repr((pool.client_names, cells, profile.ids(False).tolist(), laws, correlations))


def in_batches(trace, rows):
    table = pa.table(trace)
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=rows))


def test_batches_do_not_matter(trace):
    part = trace[:3000]
    options = {"window": 60, "epoch": 600, "duration": 7200}
    whole = tt.fit(in_batches(part, 10**9), **options).profile.to_bytes()
    for rows in (1, 7):
        assert tt.fit(in_batches(part, rows), **options).profile.to_bytes() == whole


def test_batches_do_not_matter_where_windows_are_cut(trace, monkeypatch):
    whole = tt.fit(trace, window=WINDOW, epoch=EPOCH)
    monkeypatch.setattr(pieces, "PIECE_ROWS", 500)
    monkeypatch.setattr(pieces, "MOST_ROWS", 700)
    found = [
        tt.fit(in_batches(trace, rows), window=WINDOW, epoch=EPOCH, duration=14400)
        for rows in (33, 1000, 10**9)
    ]
    assert len({pool.profile.to_bytes() for pool in found}) == 1
    one, other = whole.profile.cells(), found[0].profile.cells()
    for name in ("window", "client", "family"):
        assert np.array_equal(one[name], other[name])
    for name in ("rate", "shape", "cv"):
        # Sums are in another order, and equal times are told apart where a piece has any: a gap may then be
        # on the other side of what is seen.
        assert np.allclose(one[name], other[name], rtol=2e-3)
    assert whole.profile.distributions == found[0].profile.distributions


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=60),
    st.lists(st.integers(1, 20), min_size=1, max_size=5),
    st.integers(1, 20),
    st.integers(0, 10),
)
def test_any_cut_of_any_times_gives_the_same(times, batches, piece_rows, more):
    times = np.sort(np.array(times) / 4) + np.arange(len(times)) // 50
    assume(times[0] < times[-1])
    numbers = np.arange(times.size)
    table = pa.table(
        {
            "timestamp": times,
            "client_id": (numbers % 3).astype(np.uint32),
            "input_tokens": (numbers % 5 + 1).astype(np.uint32),
            "output_tokens": (numbers % 7 + 1).astype(np.uint32),
        }
    )
    ends = np.minimum(np.cumsum(np.resize(batches, times.size)), times.size)
    parts = [table.slice(a, b - a) for a, b in zip(np.append(0, ends[:-1]), ends, strict=True)]
    cut = [batch for part in parts for batch in part.to_batches()]
    options = {"window": 1, "epoch": 4, "min_gaps": 3, "min_lengths": 4, "duration": 12}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE_ROWS", piece_rows)
        patch.setattr(pieces, "MOST_ROWS", piece_rows + more)
        one = tt.fit(pa.RecordBatchReader.from_batches(table.schema, cut), **options)
        other = tt.fit(pa.RecordBatchReader.from_batches(table.schema, table.to_batches()), **options)
    assert one.profile.to_bytes() == other.profile.to_bytes()
    cells = one.profile.cells()
    expected = np.bincount(times.astype(int) * 3 + numbers % 3, minlength=36)
    found = np.zeros(36)
    found[cells["window"] * 3 + cells["client"]] = cells["rate"]
    assert np.allclose(found, expected)


def test_formats_do_not_matter(trace, tmp_path):
    part = trace[:4000]
    found = set()
    for ending in ("parquet", "arrow", "csv", "jsonl", "csv.gz"):
        path = tmp_path / f"trace.{ending}"
        part.write(path)
        found.add(columns_but_metadata(tt.fit(path, window=60, epoch=600, duration=1800)))
    found.add(columns_but_metadata(tt.fit(tt.scan(path), window=60, epoch=600, duration=1800)))
    found.add(columns_but_metadata(tt.fit(part.to_pandas(), window=60, epoch=600, duration=1800)))
    assert len(found) == 1


# Clients


def log(tmp_path, rows, header="when,user,prompt,reply"):
    path = tmp_path / "log.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


NAMED = {"timestamp": "when", "input_tokens": "prompt", "output_tokens": "reply"}
READ = {"columns": NAMED, "units": {"timestamp": "s"}}
FOUR_USERS = [f"{i / 4},{'abbcccdddd'[i % 10]},{i % 7 + 1},{i % 3 + 1}" for i in range(400)]


def test_clients_come_from_a_column(tmp_path):
    pool = tt.fit(log(tmp_path, FOUR_USERS), client="user", window=50, epoch=50, **READ)
    assert pool.client_names == ["a", "b", "c", "d"]
    cells = pool.profile.cells()
    assert cells["rate"][cells["window"] == 0].tolist() == pytest.approx([0.4, 0.8, 1.2, 1.6])
    assert pool.name == "log"
    assert pool.provenance["source"] == "log.csv"


def test_without_clients_the_whole_trace_is_one(tmp_path, trace):
    assert tt.fit(log(tmp_path, FOUR_USERS), **READ).client_names == ["whole"]
    assert len(tt.fit(trace, client="whole")) == 1


def test_all_but_the_busiest_clients_become_one(tmp_path):
    pool = tt.fit(log(tmp_path, FOUR_USERS), client="user", top_clients=2, **READ)
    assert pool.client_names == ["d", "c", "rest"]
    assert len(tt.fit(log(tmp_path, FOUR_USERS), client="user", top_clients=9, **READ)) == 4


def test_requests_without_input_or_output_are_told_and_can_be_left_out(tmp_path):
    # Failed requests have neither; user "c" has nothing else, and "a" sends most, of them.
    rows = [f"{i / 4},a,0,0" for i in range(0, 400, 2)]
    rows += [f"{i / 4},{'c' if i % 40 == 1 else 'b'},{0 if i % 40 == 1 else 7},{i % 3 if i % 8 else 0}"
             for i in range(1, 400, 2)]  # fmt: skip
    rows.sort(key=lambda row: float(row.split(",")[0]))
    full = [row for row in rows if "0" not in row.split(",")[2:]]
    empty = len(rows) - len(full)
    assert 200 < empty < 300
    said = (
        rf"log.csv: {empty} of 400 requests, {empty / 4:.3g} %, have no input or no output.*drop_empty=True"
    )
    with pytest.warns(tt.EmptyRequestWarning, match=said) as caught:
        tt.fit(log(tmp_path, rows), **READ)
    assert caught[0].filename == __file__
    for options in ({}, {"client": "user"}, {"client": "user", "top_clients": 1}):
        dropped = tt.fit(log(tmp_path, rows), drop_empty=True, window=50, epoch=50, **options, **READ)
        wanted = tt.fit(log(tmp_path, full), window=50, epoch=50, **options, **READ)
        assert columns_but_metadata(dropped) == columns_but_metadata(wanted)
        assert dropped.provenance["rows"] == wanted.provenance["rows"] == len(full)
        assert (dropped.provenance["rows_empty"], wanted.provenance["rows_empty"]) == (empty, 0)
    assert tt.generate(dropped)["input_tokens"].min() == 7
    with pytest.raises(tt.TraceError, match=r"log\.csv: no row has both input and output"):
        tt.fit(log(tmp_path, ["0,a,0,5", "1,a,5,0"]), drop_empty=True, **READ)
    with pytest.raises(ValueError, match="drop_empty: 1 is not allowed; it must be True or False"):
        tt.fit(log(tmp_path, rows), drop_empty=1, **READ)


def test_rows_are_named_as_in_the_file_though_others_are_left_out(tmp_path):
    rows = ["0,1,5,2", "1,0,0,0", "2,1,5,6"]
    path = log(tmp_path, rows, "timestamp,input_tokens,output_tokens,reason_tokens")
    with pytest.raises(tt.TraceError, match="row 3, column 'reason_tokens': 6 is not allowed"):
        tt.fit(path, drop_empty=True)


def test_sessions_can_be_clients(tmp_path):
    rows = [f"{i},{i % 3},{5},{5}" for i in range(90)]
    path = log(tmp_path, rows, "timestamp,session_id,input_tokens,output_tokens")
    assert tt.fit(path, client="session").client_names == ["0", "1", "2"]
    with pytest.raises(ValueError, match="more than 2 values, which is not allowed; merge"):
        tt.fit(path, client="session", max_clients=2)


# Windows with little in them


def test_few_gaps_are_pooled_over_the_epoch_then_the_trace_and_else_exponential():
    """Client 0 has 15 gaps a window, client 1 has 3 and in an epoch 18; client 2 has too few at all."""
    rates = [16 / 600, 4 / 600, [1 / 600] * 2 + [0] * 10]
    pool = tt.ClientPool(build([Client(rate) for rate in rates], windows=12, epoch_windows=6))
    _, report = tt.fit_with_report(tt.generate(pool, seed=3), epoch=3600, min_gaps=40)
    frame = report.to_pandas()
    by_client = {name: set(own.fallback) for name, own in frame.groupby("client")}
    assert by_client == {"client 0": {"epoch"}, "client 1": {"trace"}, "client 2": {"exponential"}}
    last = frame[frame.client == "client 2"]
    assert (last.family == "exponential").all()
    assert (last["shape"] == 1).all()
    assert last.ks_gamma.isna().all()
    assert frame[frame.client == "client 0"]["shape"].nunique() <= 2


def test_pooled_shapes_are_near_the_true_one():
    pool = tt.ClientPool(build([Client(10 / 600, "gamma", 0.4)], windows=600, epoch_windows=100))
    _, report = tt.fit_with_report(tt.generate(pool, seed=4), epoch=60_000)
    frame = report.to_pandas()
    assert set(frame.fallback) <= {"epoch", "window"}
    # Ten requests a window, whose gaps add up to the window, are more even than free ones.
    assert 0.35 < frame.shape_gamma.mean() < 0.6


def test_epochs_with_few_requests_are_counted_together():
    few = [{"input_tokens": constant(value), "output_tokens": constant(1)} for value in (1, 2, 3, 4, 5)]
    pool = tt.ClientPool(build([Client(0.06, fields=few)], windows=10, epoch_windows=2))
    profile = tt.fit(tt.generate(pool, seed=5), epoch=1200, min_lengths=100).profile
    recorded = [profile.recorded(epoch, 0, "input_tokens") for epoch in range(5)]
    assert [id is not None for id in recorded] == [True, False, True, False, True]
    values = [profile.distribution(id)["values"].tolist() for id in recorded if id is not None]
    assert values == [[1, 2], [3, 4], [5]]
    assert profile.resolved(1, 0, "input_tokens") == recorded[0]


def test_an_epoch_with_enough_requests_is_not_counted_with_a_small_one_before():
    lengths = [{"input_tokens": constant(value), "output_tokens": constant(1)} for value in (1, 2, 3)]
    rates = [0.01, 1.0, 0.01]
    pool = tt.ClientPool(build([Client(rates, fields=lengths)], windows=3, epoch_windows=1))
    profile = tt.fit(tt.generate(pool, seed=5), epoch=600).profile
    laws = [profile.distribution(profile.recorded(epoch, 0, "input_tokens")) for epoch in range(3)]
    assert [law["values"].tolist() for law in laws] == [[1], [2], [3]]


def test_a_last_window_that_is_not_over_keeps_its_rate(tmp_path):
    rows = [f"{i / 2},u,1,1" for i in range(1800)]
    pool, report = tt.fit_with_report(log(tmp_path, rows), **READ)
    assert report.to_pandas().rate.tolist() == pytest.approx([2, 2])
    assert pool.provenance["duration"] == 900
    assert len(tt.generate(pool, duration=900)) == 1800
    _, told = tt.fit_with_report(log(tmp_path, rows), duration="20min", **READ)
    assert told.to_pandas().rate.tolist() == pytest.approx([2, 1])


def test_a_last_window_that_is_hardly_touched_is_left_out(tmp_path):
    rows = [f"{i / 2},u,1,1" for i in range(1210)]
    pool = tt.fit(log(tmp_path, rows), **READ)
    assert pool.period == 600
    assert (pool.provenance["rows"], pool.provenance["rows_used"]) == (1210, 1200)


@pytest.mark.parametrize(
    ("requests", "gap", "window"), [(300, 0.1, 600), (25, 0.65, 600), (1000, 1.0, 600), (997, 0.377, 60)]
)
def test_a_job_of_a_fit_is_as_long_as_the_trace_and_has_as_many_requests(tmp_path, requests, gap, window):
    rows = [f"{i * gap:.9f},u,{i % 7 + 1},{i % 3 + 1}" for i in range(requests)]
    tt.fit(log(tmp_path, rows), window=window, **READ).write(tmp_path / "p.tide")
    pool = tt.load(tmp_path / "p.tide")
    assert pool.duration == pytest.approx(requests * gap, abs=2e-9)
    assert pool.period == np.ceil(requests * gap / window) * window
    alike = (pool, pool.filter(cv=(None, None)), pool.collapse(), pool.with_arrivals(tt.Exponential()))
    for narrowed in (*alike, pickle.loads(pickle.dumps(pool))):
        jobs = [tt.Job(narrowed, seed=seed) for seed in range(5)]
        assert [job.count() for job in jobs] == [requests] * 5
        assert {job.duration for job in jobs} == {pool.duration}
    assert len(tt.generate(pool)) == requests
    assert describe(pool).requests == pytest.approx(requests)
    assert describe(pool).duration == pool.duration
    assert sum(pool.windows()["requests"].to_pylist()) == pytest.approx(requests)
    # Whoever says how long, or which span, gets that.
    assert tt.Job(pool, duration=pool.period).duration == pool.period
    assert tt.Job(pool.span(0, window / 2)).duration == window / 2
    assert (pool + pool).duration == pool.duration
    assert tt.Job(pool + pool).count() == 2 * requests


def test_what_the_provenance_says_of_the_duration_is_checked():
    for told in (0, -1, True, "1h", [1]):
        profile = build([Client(1.0)], windows=2, metadata={"name": "odd", "duration": told})
        with pytest.raises(tt.ProfileError, match=r"odd: provenance: duration .* is not allowed"):
            tt.Job(tt.ClientPool(profile))
    longer = build([Client(1.0)], windows=2, metadata={"duration": 1e9})
    assert tt.ClientPool(longer).duration == tt.ClientPool(longer).period


def test_idle_windows_at_the_end_are_there_if_somebody_tells(tmp_path):
    rows = [f"{i / 2},u,1,1" for i in range(1200)]
    assert tt.fit(log(tmp_path, rows), **READ).period == 600
    assert tt.fit(log(tmp_path, rows), duration="1h", **READ).period == 3600


def test_a_client_of_the_last_window_that_is_left_out_stays(tmp_path):
    rows = [f"{i / 2},u,1,1" for i in range(1200)] + ["600.5,v,7,7"]
    pool = tt.fit(log(tmp_path, rows), client="user", epoch=600, **READ)
    assert pool.client_names == ["u", "v"]
    assert pool.profile.cells()["client"].tolist() == [0]
    assert pool.profile.recorded(0, 1, "input_tokens") is not None
    assert len(tt.generate(pool)) == 1200


# Times that are equal


@pytest.mark.parametrize("unit", [1.0, 0.001])
def test_coarse_times_do_not_look_like_bursts(unit):
    poisson = tt.generate(tt.ClientPool(build([Client(20.0)], windows=4)), seed=6)
    coarse = tt.Trace(
        {**{name: poisson[name] for name in poisson}, "timestamp": np.floor(poisson.timestamp / unit) * unit}
    )
    pool, report = tt.fit_with_report(coarse)
    assert pool.provenance["tick_ns"] == unit * 1e9
    frame = report.to_pandas()
    assert np.abs(frame.cv - 1).max() < 0.05
    assert np.abs(frame.shape_gamma - 1).max() < 0.06


def test_uneven_steps_are_found():
    """As in Mooncake's trace: times in steps of about 3 s."""
    generator = np.random.default_rng(7)
    steps = 3 * np.arange(400) + generator.integers(-1, 2, 400) / 1000 + 0.01
    times = np.repeat(steps, generator.poisson(10, 400))
    ones = np.ones(times.size, dtype=np.uint32)
    pool, report = tt.fit_with_report(
        tt.Trace({"timestamp": times, "input_tokens": ones, "output_tokens": ones})
    )
    assert pool.provenance["tick_ns"] == pytest.approx(3e9, rel=0.01)
    assert np.abs(report.to_pandas().cv - 1).max() < 0.1


# Categories


def test_reasoning_comes_back():
    ratio = RealPmf([0.25, 0.75], [0.4, 0.6])
    fields = {"input_tokens": EVEN, "output_tokens": constant(1000), "reason_ratio": ratio}
    pool = tt.ClientPool(build([Client(2.0, fields=fields)], windows=6, category="reason"))
    profile = tt.fit(tt.generate(pool, seed=8)).profile
    assert profile.category == "reason"
    law = profile.distribution(profile.recorded(0, 0, "reason_ratio"))
    assert law["values"].tolist() == [0.25, 0.75]
    accept(chi_square(law["probabilities"] * 7200, [0.4, 0.6]))


def test_items_come_back():
    fields = {
        **MULTIMODAL,
        "text_tokens": zipf(np.arange(1, 50)),
        "image_count": IntegerPmf([0, 1, 3], [0.5, 0.3, 0.2]),
        "image_tokens": IntegerPmf([256, 1024], [0.5, 0.5]),
    }
    pool = tt.ClientPool(build([Client(2.0, fields=fields)], windows=6, category="multimodal"))
    trace = tt.generate(pool, seed=9)
    profile = tt.fit(trace).profile
    for field in profile.fields:
        found = profile.distribution(profile.recorded(0, 0, field))
        law = pool.profile.distribution(pool.profile.resolved(0, 0, field))
        assert found["values"].tolist() == law["values"].tolist()
        if found["values"].size > 1:
            n = trace.image_tokens.values.size if field == "image_tokens" else len(trace)
            accept(chi_square(found["probabilities"] * n, law["probabilities"]), field)
    without_text = tt.Trace({name: trace[name] for name in trace if name != "text_tokens"})
    assert columns_but_metadata(tt.fit(without_text)) == columns_but_metadata(tt.fit(trace))


def test_parametric_lengths_make_a_profile(trace):
    pool, report = tt.fit_with_report(trace, epoch=EPOCH, lengths="parametric")
    frame = report.lengths.to_pandas()
    assert set(frame.law[frame.field == "output_tokens"]) == {"exponential"}
    assert set(frame.law[frame.field == "input_tokens"]) == {"mixture"}
    assert frame.ks.between(0, 1).all()
    outputs = frame[(frame.field == "output_tokens") & (frame.client == "client 0")].iloc[0]
    own = trace.output_tokens[(trace.client_id == 0) & (trace.timestamp < EPOCH)]
    assert outputs["mean"] == pytest.approx(own.mean())
    assert len(tt.generate(pool, duration=600)) > 1000
    law = pool.profile.distribution(pool.profile.recorded(0, 0, "output_tokens"))
    assert law["kind"] == "bins"


def test_many_lengths_are_kept_in_bins():
    fields = {"input_tokens": Quantiles(np.linspace(1, 100_000, 50))}
    pool = tt.ClientPool(build([Client(20.0, fields=fields)], windows=2))
    trace = tt.generate(pool, seed=10)
    profile = tt.fit(trace).profile
    law = profile.distribution(profile.recorded(0, 0, "input_tokens"))
    assert law["kind"] == "bins"
    assert (law["values"][0], law["maximum"]) == (trace.input_tokens.min(), trace.input_tokens.max())
    again = tt.generate(tt.ClientPool(profile), seed=11)
    assert stats.ks_2samp(trace.input_tokens, again.input_tokens).statistic < 0.03


# Sessions and prefixes


def test_conversations_are_measured(tmp_path):
    rows = []
    for i in range(100):
        turns = 3 if i % 2 else 1
        rows += [(i * 10 + 2 * turn, i, 100 + 50 * turn) for turn in range(turns)]
    rows.sort()
    path = log(
        tmp_path, [f"{t},{s},{n},1" for t, s, n in rows], "timestamp,session_id,input_tokens,output_tokens"
    )
    found = tt.fit(path).provenance["conversations"]
    assert (found["sessions"], found["conversations"], found["turns_mean"]) == (100, 50, 3)
    assert found["share_in_conversations"] == 0.75
    assert (found["inter_turn_seconds_mean"], found["input_growth_mean"]) == (2, 50)
    assert found["inter_turn_seconds_quantiles"]["0.5"] == 2
    few = tt.fit(path, max_sessions=10).provenance["conversations"]
    assert (few["sessions"], few["note"]) == (10, "only the first 10 sessions were followed")
    assert few["requests_not_followed"] == 180


def test_prefix_reuse_is_measured(tmp_path):
    path = tmp_path / "prefixes.jsonl"
    lines = [
        {"timestamp": 1000 * i, "input_length": 1024, "output_length": 1, "hash_ids": [0, i // 2 + 1]}
        for i in range(20)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = tt.fit(path).provenance["prefix"]
    assert (found["blocks"], found["different_blocks"]) == (40, 11)
    assert found["block_hit_rate"] == pytest.approx(29 / 40)
    assert found["reused_blocks_mean"] == pytest.approx(29 / 20)


# Errors


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["0,u,1,1"], "log.csv: a trace of one request is not allowed in a fit; it must have at least two"),
        (["5,u,1,1"] * 3, "log.csv: column 'timestamp': all 3 requests are at 5 s, which is not allowed"),
        ([], "without rows is not allowed"),
        (["2,u,1,1", "1,u,1,1"], "log.csv:3: row 2, column 'when': 1"),
        (["-1,u,1,1"], "log.csv:2: row 1, column 'when': -1"),
        (["0,u,nan,1", "1,u,1,1"], "log.csv:2: row 1, column 'prompt'"),
        (["0,u,1e18,1", "1,u,1,1"], "log.csv:2: row 1, column 'prompt': 1e18|1e\\+18"),
        (["0,u,many,1", "1,u,1,1"], "log.csv:2: row 1, column 'prompt': 'many'"),
        (
            ["1700000000,u,1,1", "1700000009,u,1,1"],
            "times from 1.7e\\+09 s to 1.70000001e\\+09 s are not allowed in a fit.*rebase=True",
        ),
    ],
)
def test_bad_traces_are_refused(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        tt.fit(log(tmp_path, rows), **READ)


def test_unix_times_can_be_counted_from_the_first(tmp_path):
    rows = [f"{1700000000 + i},u,1,1" for i in range(700)]
    assert tt.fit(log(tmp_path, rows), rebase=True, **READ).period == 1200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0}, "window: 0 is not allowed"),
        ({"window": "600", "epoch": 1000}, "epoch: 1000 is not allowed; it must be a multiple of window"),
        ({"epoch": 60}, "epoch: 60 is not allowed; it must be a multiple of window"),
        ({"lengths": "normal"}, "lengths: 'normal' is not allowed; it must be one of pmf, parametric"),
        ({"min_gaps": 1}, "min_gaps: 1 is not allowed; it must be a whole number from 2 on"),
        ({"top_clients": 2.5}, "top_clients: 2.5 is not allowed; it must be a whole number from 1 on"),
        ({"duration": 30}, "duration: 30.0 is not allowed; the last request is at 99.75 s"),
        ({"client": "usr"}, "the column 'usr' is missing, for client of table; .*did you mean 'user'"),
        ({"client": "session"}, "client: 'session' is not allowed; .* has the columns timestamp"),
    ],
)
def test_wrong_options_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        tt.fit(log(tmp_path, FOUR_USERS), **READ, **options)


def test_more_reasoning_than_output_is_refused(tmp_path):
    path = log(tmp_path, ["0,1,5,2", "1,1,5,6"], "timestamp,input_tokens,output_tokens,reason_tokens")
    with pytest.raises(
        tt.TraceError, match="row 2, column 'reason_tokens': 6 is not allowed; it must be at most"
    ):
        tt.fit(path)


def test_turns_without_a_time_are_refused(tmp_path):
    path = tmp_path / "sessions.jsonl"
    path.write_text(
        '{"session_id": "a", "timestamp": 0, "input_length": 1, "output_length": 1}\n'
        '{"session_id": "a", "delay": 5, "input_length": 1, "output_length": 1}\n'
    )
    with pytest.raises(
        tt.TraceError, match="row 2, column 'timestamp': a request without a time is not allowed"
    ):
        tt.fit(path, format="mooncake-session")
