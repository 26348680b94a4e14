"""Rates over time: values, exact means, and what is refused."""

from __future__ import annotations

import math
import pickle
import warnings
from itertools import pairwise

import numpy as np
import pytest
import tracetide as tt
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from small_profiles import Client as Small
from small_profiles import build

DAY = 86400.0
HOURS = np.arange(25) * 3600.0


def integral(curve, start, end, breaks):
    """By another method, between the given breaks."""
    points = sorted({start, end, *(b for b in breaks if start < b < end)})
    return sum(quad(lambda t: curve(t), a, b, epsabs=1e-12, epsrel=1e-12)[0] for a, b in pairwise(points))


def test_steps_hold_until_the_next():
    curve = tt.Steps({0: 1, "18:00": 5, "day 2 6:00": 2})
    assert curve(0) == 1
    assert curve(np.array([64799.9, 64800.0])).tolist() == [1, 5]
    assert curve(DAY + 6 * 3600) == 2
    assert curve.means([17 * 3600, 19 * 3600]).tolist() == [3.0]


def test_lines_are_constant_outside_of_their_points():
    curve = tt.Linear([("6:00", 10), ("8:00", 30)])
    assert curve([0.0, 6 * 3600, 7 * 3600, 8 * 3600, DAY]).tolist() == [10, 10, 20, 30, 30]
    assert curve.means([0, 7 * 3600, 9 * 3600]) == pytest.approx(
        [10 + 2.5 / 3.5 * 0 + 5 / 7, 27.5], rel=1e-13
    )
    assert tt.Linear({5: 3})(100) == 3


def test_a_day_has_its_mean_and_its_peak():
    curve = tt.Daily(mean=4, peak="14:00", swing=0.75)
    assert curve(14 * 3600) == pytest.approx(7, rel=1e-15)
    assert curve(2 * 3600) == pytest.approx(1, rel=1e-14)
    assert curve.means([0, DAY]) == pytest.approx([4], rel=1e-13)
    expected = [4 * (1 + 0.75 * math.cos(2 * math.pi * (t - 50400) / DAY)) for t in HOURS]
    assert curve(HOURS) == pytest.approx(expected, rel=1e-14)


def test_days_of_a_week_begin_again():
    curve = tt.Weekly([1, 2, 3, 4, 5, 6, 7])
    assert curve(np.arange(9) * DAY).tolist() == [1, 2, 3, 4, 5, 6, 7, 1, 2]


def test_a_spike_with_and_without_ramps():
    assert tt.Spike("12:00", "5min", 40)(np.array([43199.0, 43200, 43499, 43500])).tolist() == [0, 40, 40, 0]
    ramped = tt.Spike("12:00", "5min", 40, ramp="10min")
    assert ramped(np.array([42600.0, 42900, 43200, 43500, 43800, 44100])).tolist() == [0, 20, 40, 40, 20, 0]
    assert ramped.means([0, DAY])[0] * DAY == pytest.approx(40 * (300 + 600), rel=1e-12)


def test_means_of_sums_and_products_are_exact():
    spike = tt.Spike("1:50", "25min", 3, ramp="7min")
    curve = (
        2 * tt.Daily(1.5, "3:00", 0.9) * tt.Linear([(0, 1), ("5:00", 4)]) * tt.Steps({0: 1, 7000: 0.5})
        + spike
    )
    breaks = [5 * 3600, 7000, *spike._breaks(DAY)]
    edges = np.array([0.0, 600, 5000, 7001.5, 20000, 50000])
    expected = [integral(curve, a, b, breaks) / (b - a) for a, b in pairwise(edges)]
    assert curve.means(edges) == pytest.approx(expected, rel=1e-11)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(1, 1e5), min_size=1, max_size=6, unique=True),
    st.lists(st.floats(0, 100), min_size=7, max_size=7),
)
def test_windows_add_up_to_the_whole(times, rates):
    points = list(zip([0.0, *sorted(times)], rates, strict=False))
    for curve in (tt.Steps(points), tt.Linear(points), tt.Steps(points) * tt.Daily(1, 0, 1)):
        edges = np.linspace(0, 2 * DAY, 289)
        whole = curve.means([0, 2 * DAY])[0]
        assert curve.means(edges).mean() == pytest.approx(whole, rel=1e-9, abs=1e-12)


def test_curves_are_values():
    one = tt.Daily(2) * tt.Weekly([1] * 7) + 3
    two = tt.Daily(2) * tt.Weekly([1] * 7) + 3
    assert one == two
    assert hash(one) == hash(two)
    assert one != tt.Daily(2) * tt.Weekly([1] * 7) + 4
    assert repr(one).startswith("(Daily(2.0")
    assert pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tt.Steps({}), r"Steps: {} is not allowed"),
        (lambda: tt.Steps({5: 1}), r"Steps: a first time of day 1 00:00:05 is not allowed"),
        (lambda: tt.Steps([(0, 1), (0, 2)]), r"Steps: the time 0 after 0 is not allowed"),
        (lambda: tt.Steps({0: -1}), r"Steps rate: -1 is not allowed"),
        (lambda: tt.Linear([(0, math.nan)]), r"Linear rate: nan is not allowed"),
        (lambda: tt.Linear([1, 2]), r"Linear: \[1, 2\] is not allowed"),
        (lambda: tt.Linear([("x", 2)]), r"Linear time: 'x' is not allowed"),
        (lambda: tt.Daily(swing=1.5), r"Daily swing: 1.5 is not allowed"),
        (lambda: tt.Daily(peak="day 2 1:00"), r"Daily peak: .* is not allowed"),
        (lambda: tt.Weekly([1, 2]), r"Weekly: 2 days are not allowed"),
        (lambda: tt.Spike(0, 0, 1), r"Spike duration: 0 is not allowed"),
        (lambda: tt.Spike(5, 5, 1, ramp=10), r"Spike ramp: 10 is not allowed"),
        (lambda: tt.Daily() * -1, r"rate: -1 is not allowed"),
        (lambda: tt.Daily() + "1", r"rate: '1' is not allowed"),
    ],
)
def test_what_is_wrong_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_curves_have_in_common_is_not_one():
    with pytest.raises(TypeError, match="make one"):
        tt.RateCurve()


def test_many_curves_are_one_sum():
    curve = sum((tt.Spike(600 * n, 60, 1 + n) for n in range(900)), start=tt.Steps({0: 1}))
    assert curve.extent == 600 * 899 + 60
    assert curve(600 * 5 + 1) == 7
    assert curve == eval(repr(curve), vars(tt)), "what it shows makes it again"
    assert curve.means([0, 60, 600]).tolist() == pytest.approx([2, 1])


def test_curves_in_one_are_limited():
    days = sum((tt.Daily() for _ in range(999)), start=tt.Daily())
    with pytest.raises(ValueError, match="rate: more than 1,000 curves in one are not allowed"):
        days * 2
    curve = tt.Daily()
    for _ in range(16):
        curve = 1 + 2 * curve
    with pytest.raises(ValueError, match=r"rate: .* are nested too deeply; 32 levels are allowed"):
        2 * curve
    with pytest.raises(ValueError, match=r"rate: 1,000 curves in one are not allowed for 1 windows until"):
        days.means([0, 4e9])
    clients = [tt.Client(rate=days, input_tokens=1, output_tokens=1)] * 400
    with pytest.raises(ValueError, match="clients: rates of 400,000 curves in 144 windows are not allowed"):
        tt.ClientPool(clients)


# Rates that move within a window


def flattened(make):
    """The warning's text of making something; None for none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make()
    assert len(caught) <= 1
    if not caught:
        return None
    assert caught[0].category is tt.FlattenedRateWarning
    assert caught[0].filename == __file__
    return str(caught[0].message)


@pytest.fixture(scope="module")
def hours():
    """Ten hours with windows of one."""
    return tt.ClientPool(build([Small(2.0)], window_s=3600, windows=10), name="hours")


@pytest.mark.parametrize(
    ("points", "duration", "says"),
    [
        ([(0, 5)], 36000, None),
        ([(0, 1), ("5h", 2)], 36000, None),
        ([(0, 1), ("4h", 5), ("8h", 1)], 28800, None),
        ([(0, 5), ("90min", 5), ("95min", 50), ("100min", 5)], 36000, (3600, 5, 50, 8.75)),
        # Only the first pass of the profile, or only the second, has it.
        ([(0, 5), ("90min", 5), ("95min", 50), ("100min", 5)], "30h", (3600, 5, 50, 8.75)),
        ([("11h30min", 5), ("11h35min", 50), ("11h40min", 5)], "30h", (39600, 5, 50, 8.75)),
        # Between its points, in windows without one; and in a last window that is short.
        ([(1800, 0), ("4h30min", 40)], 36000, (3600, 5, 15, 10)),
        ([(0, 0), ("1h", 0), (3700, 90)], 3700, (3600, 0, 90, 45)),
        # After the job's end.
        ([(0, 5), ("10h", 5), ("11h", 50)], 36000, None),
    ],
)
def test_points_that_move_within_a_window_are_told(hours, points, duration, says):
    assert flattened(lambda: tt.Job(hours, rate=points, duration=duration)) is None
    text = flattened(lambda: tt.Job(hours, rate=points, duration=duration, counts="servegen"))
    if says is None:
        assert text is None
        return
    begin, low, high, flat = says
    length = "1 min 40 s" if duration == 3700 else "1 h"
    assert text.startswith(
        f'rate with counts="servegen": within the window of {length} from {begin} s on it goes from {low} '
        f"to {high} requests/s, which is made flat at {flat};"
    )
    assert text.endswith('counts="pinned" and counts="renewal" do')


def test_points_of_a_span_are_seen_in_its_windows(hours):
    text = flattened(
        lambda: tt.Job(
            hours.span(1800, 9000), rate=[(0, 1), (900, 1), (901, 9)], duration=14400, counts="servegen"
        )
    )
    assert "the window of 30 min from 0 s on it goes from 1 to 9 requests/s" in text


def test_functions_are_followed_where_they_bend(hours):
    def points(rate, duration=36000):
        return tt.Job(hours, rate=rate, duration=duration).metadata()["rate"]["rate_points"]

    assert points(lambda t: 5.0) == [(0, 5), (36000, 5)]
    assert points(lambda t: 5 + t / 36000) == [(0, 5), (36000, 6)]
    # A wave of a minute is between its points within a thousandth of the highest rate.
    found = np.array(points(lambda t: 5 + 4 * math.sin(2 * math.pi * t / 60), 3600))
    times = np.linspace(0, 3600, 100_001)
    wave = 5 + 4 * np.sin(2 * np.pi * times / 60)
    assert np.abs(np.interp(times, *found.T) - wave).max() < 0.009 * 1.05
    # A step is known to a microsecond, and so is a spike of ten seconds in ten hours.
    found = points(lambda t: 50.0 if 20000 <= t < 20010 else 5.0)
    assert [rate for _, rate in found] == [5, 5, 50, 50, 5, 5]
    assert [time for time, _ in found] == pytest.approx([0, 20000, 20000, 20010, 20010, 36000], abs=1e-6)


def test_a_function_that_cannot_be_followed_is_refused(hours):
    with pytest.raises(ValueError, match="rate: a function that moves in so many places is not allowed"):
        tt.Job(hours, rate=lambda t: 5 + math.sin(t * 1e9))
    with pytest.raises(ValueError, match="rate: a function must return a number of requests/s"):
        tt.Job(hours, rate=lambda t: None)


def test_rates_of_whole_windows_are_not_told(hours):
    assert flattened(lambda: tt.Job(hours, rate={0: 1, "1h": 100}, counts="servegen")) is None
    assert flattened(lambda: tt.Job(hours, rate=[1, 100] * 5, counts="servegen")) is None
    job = tt.Job(hours, rate=[1, 100] * 5)
    assert flattened(lambda: pickle.loads(pickle.dumps(job))) is None


def test_a_mapping_may_step_inside_a_window(hours):
    job = tt.Job(hours, rate={0: 2, "90min": 40, "95min": 2}, seed=1)
    rates = job.metadata()["rate"]["rate_points"]
    assert rates == [(0, 2), (5400 - 1e-9, 2), (5400, 40), (5700 - 1e-9, 40), (5700, 2)]
    with pytest.raises(ValueError, match="it must be over 1 ns after the time before it"):
        tt.Job(hours, rate={0: 2, 1.0: 3, 1.0000000005: 4})


# Ten seconds at ten times the rate in a window of an hour: 100 of 3,690 parts. 40 hours have 36,900 requests;
# of a Poisson count of 1,000, 4.5 standard deviations are passed by chance once in 150,000.
@pytest.mark.parametrize("counts", ["pinned", "renewal"])
def test_a_spike_of_seconds_is_in_the_trace(counts):
    client = tt.Client(rate=1, input_tokens=1, output_tokens=1)
    pool = tt.ClientPool([client] * 3, window="1h", period="1h")
    rate = [(0, 0.25), (1000, 0.25), (1000.001, 2.5), (1010, 2.5), (1010.001, 0.25)]
    inside = total = 0
    for seed in range(40):
        time = tt.generate(pool, rate=rate, duration="1h", seed=seed, counts=counts).timestamp
        inside += np.count_nonzero((time >= 1000) & (time < 1010))
        total += time.size
    assert total == pytest.approx(36_900, abs=4.5 * math.sqrt(36_900))
    assert inside == pytest.approx(1000, abs=4.5 * math.sqrt(1000))


def test_curves_of_clients_that_move_within_a_window_are_told():
    def pool(rate, window):
        clients = [
            tt.Client(rate=one, input_tokens=5, output_tokens=5, name=name) for name, one in rate.items()
        ]
        return flattened(lambda: tt.ClientPool(clients, window=window))

    spike = 0.2 + tt.Spike("02:00", "1min", 20)
    assert pool({"a": 1, "b": spike}, "1min") is None
    text = pool({"a": 1, "b": spike, "c": 2 * spike}, None)
    assert text.startswith(
        "b (and 1 other clients): rate: within the window of 10 min from 7200 s on it goes from 0.2 to 20.2 "
        "requests/s, which is made flat at 2.2;"
    )
    assert text.endswith("a shorter window of the pool does")
    assert pool({"a": tt.Daily(5)}, "1h") is None
    assert pool({"a": tt.Daily(5)}, "6h") is not None
    assert pool({"a": tt.Steps({0: 1, "01:00": 9})}, "1h") is None
    assert pool({"a": tt.Steps({0: 1, "01:00": 9})}, "8h") is not None
