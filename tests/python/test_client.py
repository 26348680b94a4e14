"""Clients by hand and the pools that they make."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tracetide as tt
from scipy import stats
from statistics_helpers import accept
from tracetide import _core

MIXTURE = tt.Mixture([(0.7, tt.Exponential(mean=300)), (0.3, tt.LogNormal(median=900, sigma=0.8))])


def chat(**changes):
    arguments = {"rate": 2.0, "input_tokens": 100, "output_tokens": 10} | changes
    return tt.Client(**arguments)


@pytest.mark.filterwarnings("ignore::tracetide.FlattenedRateWarning")
def test_rates_are_means_over_windows():
    rate = tt.Daily(5, "14:00", 0.6) + tt.Spike("12:00", "5min", 40)
    pool = tt.ClientPool([chat(rate=rate)], window="10min")
    found = pool.windows()["rate"].to_numpy()
    assert found == pytest.approx(rate.means(np.arange(145) * 600.0), rel=1e-15)
    assert found[72] == pytest.approx(20 + tt.Daily(5, "14:00", 0.6).means([43200, 43800])[0])
    assert (pool.period, pool.window, pool.category) == (86400, 600, "language")


def test_the_period_holds_all_times():
    assert tt.ClientPool([chat()]).period == 86400
    assert tt.ClientPool([chat(rate=tt.Spike("day 3 12:00", "1h", 1))]).period == 3 * 86400
    weekly = tt.Weekly([1] * 7)
    assert tt.ClientPool([chat(rate=weekly)]).period == 7 * 86400
    assert tt.ClientPool([chat(rate=weekly + tt.Spike("day 9", "1h", 1))]).period == 14 * 86400
    assert tt.ClientPool([chat()], window=1, period="10min").period == 600


def test_idle_windows_are_idle():
    pool = tt.ClientPool([chat(rate={0: 0, "6:00": 1, "7:00": 0})], window="1h")
    assert pool.windows()["start"].to_pylist() == [6 * 3600]


def test_gaps_have_the_family_and_cv():
    clients = [
        chat(arrivals=tt.Gamma(cv=2)),
        chat(arrivals=tt.Weibull(0.5)),
        chat(),
        chat(arrivals=tt.Weibull(0.005)),
    ]
    cells = tt.ClientPool(clients, window="1d").windows()
    assert cells["family"].to_pylist() == ["Gamma", "Weibull", "Exponential", "Weibull"]
    assert cells["shape"].to_pylist() == [0.25, 0.5, 1.0, 0.005]
    cvs = cells["cv"].to_pylist()
    assert cvs[:3] == pytest.approx([2, math.sqrt(5), 1], rel=1e-12)
    assert cvs[3] == pytest.approx(math.sqrt(math.comb(400, 200)), rel=1e-9)


def test_counts_are_drawn():
    pool = tt.ClientPool([chat(rate=5)], period="1h")
    job = tt.Job(pool, duration="1h", seed=1)
    assert job.counts == "renewal"
    counts = [len(tt.generate(pool, duration="1h", seed=seed, threads=1)) for seed in range(200)]
    # Poisson with mean 18,000: variance over mean is 1, with a standard deviation of sqrt(2 / 199).
    assert np.var(counts, ddof=1) / 18000 == pytest.approx(1, abs=6 * math.sqrt(2 / 199))
    assert np.mean(counts) == pytest.approx(18000, abs=6 * math.sqrt(18000 / 200))


def test_lengths_follow_their_laws():
    pool = tt.ClientPool(
        [
            chat(
                rate=50,
                input_tokens=MIXTURE,
                output_tokens=tt.Exponential(mean=300),
                limits={"output_tokens": (5, 600)},
            )
        ],
        period="1h",
    )
    trace = tt.generate(pool, seed=3)
    # Half up: the value v has the probability of (v - 1/2, v + 1/2), the first and last what is beyond.
    edges = np.array([1, 50, 150, 300, 600, 1000, 2000, 4000, 10**7])
    shares = np.diff(MIXTURE.cdf(edges - 0.5))
    shares[0] = MIXTURE.cdf(49.5)
    accept(
        stats.chisquare(np.histogram(trace.input_tokens, edges)[0], shares / shares.sum() * len(trace)).pvalue
    )
    output = trace.output_tokens
    assert (output.min(), output.max()) == (5, 600)
    accept(stats.binomtest(int((output == 600).sum()), len(trace), math.exp(-599.5 / 300)).pvalue)


def test_numbers_and_mappings_are_exact():
    pool = tt.ClientPool(
        [chat(input_tokens={7: 1, 9: 3}, output_tokens=tt.AliasTable([3, 2**32 - 1], [1, 1]))], period="10min"
    )
    trace = tt.generate(pool, rate=100)
    assert set(trace.input_tokens.tolist()) == {7, 9}
    assert set(trace.output_tokens.tolist()) == {3, 2**32 - 1}
    row = pool.windows().slice(0, 1).to_pylist()[0]
    assert row["input_tokens_avg"] == pytest.approx(8.5)


def test_fields_are_correlated():
    pool = tt.ClientPool(
        [
            chat(
                rate=50,
                input_tokens=tt.LogNormal(median=5000, sigma=1),
                output_tokens=tt.LogNormal(median=5000, sigma=1),
                correlations={("input_tokens", "output_tokens"): 0.5},
            )
        ],
        period="1h",
    )
    trace = tt.generate(pool, seed=2)
    found = stats.spearmanr(trace.input_tokens, trace.output_tokens).statistic
    assert found == pytest.approx(0.5, abs=6 / math.sqrt(len(trace)))


def test_reasoning():
    pool = tt.ClientPool([chat(reason_ratio=tt.Uniform(0.5, 1.0), output_tokens=1000)], period="10min")
    assert pool.category == "reason"
    trace = tt.generate(pool, rate=50)
    assert trace.reason_tokens.min() >= 500
    accept(stats.kstest(trace.reason_tokens / 1000, stats.uniform(0.5, 0.5).cdf).pvalue)
    exact = tt.ClientPool([chat(reason_ratio={0.25: 1, 0.75: 1}, output_tokens=1000)], period="10min")
    assert set(tt.generate(exact, rate=10).reason_tokens.tolist()) == {250, 750}


def test_items_of_a_kind_that_is_not_given_never_come():
    client = tt.Client(rate=1, text_tokens=50, output_tokens=10, image_count={0: 1, 2: 1}, image_tokens=256)
    pool = tt.ClientPool([client], period="10min")
    trace = tt.generate(pool, rate=20)
    assert pool.category == "multimodal"
    assert set(trace.input_tokens.tolist()) == {50, 562}
    assert trace.audio_tokens.values.size == trace.video_tokens.values.size == 0
    assert pool.windows()["input_tokens_avg"].to_pylist() == [pytest.approx(306)]


def test_copies_have_their_own_names_and_arrivals():
    pool = tt.ClientPool([chat(name="a", count=3), chat(name="a")], period="10min")
    assert pool.client_names == ["a", "a#2", "a#3", "a#4"]
    trace = tt.generate(pool)
    times = [trace.timestamp[trace.client_id == client].tolist() for client in range(4)]
    assert all(times[0] != other for other in times[1:])


def test_pools_by_hand_are_the_same_every_time_and_can_be_written(tmp_path):
    make = lambda: tt.ClientPool([chat(rate=tt.Daily(3)), chat(input_tokens=MIXTURE)], name="mine")  # noqa: E731
    assert make() == make()
    make().write(tmp_path / "mine.tide")
    assert tt.load(tmp_path / "mine.tide") == make()
    assert tt.load(tmp_path / "mine.tide").provenance["kind"] == "by hand"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rate": -1}, "rate: -1 is not allowed"),
        ({"rate": math.nan}, "rate: nan is not allowed"),
        ({"rate": "5"}, "rate: '5' is not allowed"),
        ({"arrivals": tt.Constant(1)}, r"arrivals: Constant\(value=1.0\) is not allowed"),
        ({"arrivals": tt.Gamma(2, mean=5)}, r"arrivals: Gamma.* is not allowed; give its shape alone"),
        ({"arrivals": tt.Exponential(2)}, "arrivals: .*the mean gap follows from the rate"),
        ({"input_tokens": None}, "input_tokens: missing; a client of the category language needs it"),
        ({"input_tokens": "100"}, "input_tokens: '100' is not allowed; it must be a number"),
        ({"input_tokens": 0}, "input_tokens: 0.0 is not allowed; it must be from 1 to 4294967295"),
        ({"input_tokens": 1e18}, r"input_tokens: 1e\+18 is not allowed"),
        ({"input_tokens": math.nan}, "input_tokens: nan is not allowed"),
        ({"input_tokens": {5: -1}}, "input_tokens: probabilities: -1 is not allowed"),
        ({"input_tokens": {0: 1, 5: 1}}, "input_tokens: 0 is not allowed"),
        ({"reason_ratio": 1.5}, "reason_ratio: 1.5 is not allowed; it must be from 0 to 1"),
        ({"text_tokens": 5}, "input_tokens: not allowed for a client of the category multimodal"),
        ({"limits": {"input": (1, 2)}}, "limits: 'input' is not allowed"),
        ({"limits": {"input_tokens": (5, 2)}}, r"limits of input_tokens: \(5, 2\) is not allowed"),
        ({"limits": {"input_tokens": (1.5, 2)}}, r"limits of input_tokens: \(1.5, 2\) is not allowed"),
        ({"correlations": {("input_tokens", "x"): 0.5}}, "correlations: .* is not allowed"),
        ({"correlations": {("input_tokens", "output_tokens"): 1}}, "correlations of .*: 1 is not allowed"),
        (
            {"correlations": {("input_tokens", "output_tokens"): "x"}},
            "correlations of .*: 'x' is not allowed",
        ),
        ({"input_tokens": True}, "input_tokens: True is not allowed"),
        ({"limits": {"input_tokens": (1, math.inf)}}, r"limits of input_tokens: \(1, inf\) is not allowed"),
        ({"limits": {"input_tokens": (1, None)}}, r"limits of input_tokens: \(1, None\) is not allowed"),
        ({"name": 5}, "name: 5 is not allowed; it must be a text"),
        ({"name": "\ud800"}, "name: .* is not allowed"),
        ({"count": 0}, "count: 0 is not allowed"),
        ({"count": True}, "count: True is not allowed"),
    ],
)
def test_a_wrong_client_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        chat(**changes)


def test_numbers_of_numpy_are_numbers():
    client = chat(
        rate=np.float32(2),
        input_tokens=np.int64(7),
        limits={"output_tokens": (np.int64(1), 10)},
        count=np.int64(2),
    )
    assert len(tt.ClientPool([client])) == 2
    assert tt.Linear(np.array([[0, 1], [5, 2]])) == tt.Linear([(0, 1), (5, 2)])


def test_limits_that_leave_one_ratio():
    client = chat(reason_ratio=tt.Uniform(0, 1), limits={"reason_ratio": (0.25, 0.25)}, output_tokens=100)
    assert set(tt.generate(tt.ClientPool([client], period="10min")).reason_tokens.tolist()) == {25}


def test_a_client_does_not_change_with_what_it_was_made_from():
    pairs = {("input_tokens", "output_tokens"): 0.5}
    client = chat(correlations=pairs)
    pairs.clear()
    assert client.correlations == {("input_tokens", "output_tokens"): 0.5}


def test_an_item_needs_count_and_tokens():
    with pytest.raises(ValueError, match="image_tokens: missing"):
        tt.Client(rate=1, text_tokens=1, output_tokens=1, image_count=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tt.ClientPool(chat()), r"clients: Client\(.* it must be several Clients"),
        (
            lambda: tt.ClientPool([chat()], window=1e-10),
            "window: 1e-10 is not allowed; it must be at least",
        ),
        (
            lambda: tt.ClientPool([chat(rate=tt.Daily(1e200) * tt.Daily(1e200))]),
            "client-0: rate: a mean of inf",
        ),
        (lambda: tt.ClientPool([]), r"clients: \[\] is not allowed"),
        (lambda: tt.ClientPool([chat(), 5]), "clients: 5 is not allowed"),
        (lambda: tt.ClientPool([chat(), chat(reason_ratio=0.5, name="r")]), "r: the category reason is not"),
        (lambda: tt.ClientPool([chat(rate=0)]), "client-0: rate: a mean of 0 at day 1 00:00 is not allowed"),
        (
            lambda: tt.ClientPool([chat()], window="7h"),
            "window: 7 h is not allowed; the period, 1 d, must be a multiple",
        ),
        (lambda: tt.ClientPool([chat()], window="1ms"), "window: 0.001 s is not allowed"),
        (
            lambda: tt.ClientPool(tt.ClientPool([chat()]).profile, window=5),
            "window and period: a profile has",
        ),
    ],
)
def test_a_wrong_pool_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def pictures(**changes):
    arguments = {"text_tokens": 10, "output_tokens": 10, "image_count": 2, "image_tokens": 100} | changes
    return tt.Client(rate=1, **arguments)


@pytest.mark.parametrize(
    "changes",
    [
        {"image_count": 65_535, "image_tokens": 2**32 - 1},
        {"image_tokens": 2**31},
        {"text_tokens": 2**32 - 150},
        {"audio_count": 1, "audio_tokens": 2**31, "video_count": 1, "video_tokens": 2**31 - 1},
    ],
)
def test_items_of_too_many_tokens_together_are_refused(changes):
    with pytest.raises(tt.ProfileError, match=r"input tokens on average \(means: text_tokens .*image_count"):
        tt.ClientPool([pictures(**changes)])


def test_the_most_tokens_that_a_request_can_have():
    client = pictures(image_count=3, image_tokens=10**9, text_tokens=2**32 - 1 - 3 * 10**9)
    trace = tt.generate(tt.ClientPool([client], period="10min"), duration=600, seed=1)
    assert set(trace.input_tokens.tolist()) == {2**32 - 1}


def test_a_request_whose_items_are_too_many_tokens_is_refused_when_it_is_drawn():
    pool = tt.ClientPool([pictures(image_count={1: 0.9, 3: 0.1}, image_tokens=2**31)], period="10min")
    with pytest.raises(
        ValueError, match="text_tokens and the tokens of the items of a request sum to 6442450954"
    ):
        tt.generate(pool, duration=600, seed=1)


@pytest.mark.parametrize("category", ["language", "multimodal"])
def test_a_count_is_the_same_as_so_many_clients(category):
    rate = {0: 0, "6:00": 1, "7:00": 0.5}
    make = chat if category == "language" else pictures
    correlations = {("output_tokens", "input_tokens" if category == "language" else "text_tokens"): 0.3}
    one = tt.Client(**{**vars(make()), "rate": rate, "correlations": correlations, "name": "one"})
    other = chat() if category == "language" else pictures()
    many = tt.Client(**{**vars(one), "count": 3})
    repeated = tt.ClientPool([other, many, other], window="1h").profile
    listed = tt.ClientPool([other, one, one, one, other], window="1h").profile
    assert repeated.clients == 5
    assert repeated.client_names[1:4] == ["one", "one#2", "one#3"]
    for found, wanted in (
        (repeated.cells(), listed.cells()),
        (repeated.correlations(), listed.correlations()),
    ):
        assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
    assert np.array_equal(repeated.ids(resolved=False), listed.ids(resolved=False))


def test_many_clients_of_many_windows_are_refused_before_they_are_made():
    builder = _core.ProfileBuilder(
        "language", window_ns=10**9, windows=144, epoch_ns=144 * 10**9, epochs=1, default_counts="pinned",
        metadata="{}",
    )  # fmt: skip
    with pytest.raises(tt.ProfileError, match="no client to repeat"):
        builder.repeat_client(["bot"])
    ones = np.ones(144)
    builder.add_cells(
        builder.add_client("bot"), np.arange(144, dtype=np.uint32), ones, ones, ones, np.zeros(144, np.uint8)
    )
    with pytest.raises(
        tt.ProfileError, match="500001 clients with 144 active windows each; allowed: at most 2"
    ):
        builder.repeat_client(["bot"] * 500_000)
    builder.repeat_client(["bot"] * 9)
    assert builder.build().clients == 10


def test_many_clients_of_one_window_are_quickly_made():
    assert tt.ClientPool([chat(count=200_000)], window="1d").profile.clients == 200_000
