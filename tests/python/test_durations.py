"""Durations and times as users write them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracetide.base.durations import format_duration, format_time, parse_duration, parse_span, parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (90, 90.0),
        (0.5, 0.5),
        ("90", 90.0),
        ("1e3", 1000.0),
        ("250ms", 0.25),
        ("90s", 90.0),
        ("10min", 600.0),
        ("1h", 3600.0),
        ("1.5h", 5400.0),
        ("30d", 2_592_000.0),
        ("2w", 1_209_600.0),
        ("1h30min", 5400.0),
        (" 1 d 2 H 3 min 4 s ", 93_784.0),
    ],
)
def test_durations_are_read_in_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1, "0", "-5min", "", " ", "h", "1x", "1h1h", "1h 30", "1h,30min", "٣h"),
        *(math.nan, math.inf, "nan", "1e999", None, True, [], b"1h", "18:00"),
    ],
)
def test_a_wrong_duration_is_refused_with_its_value_and_what_is_allowed(value):
    with pytest.raises(ValueError, match="1h30min") as caught:
        parse_duration(value)
    assert str(caught.value).startswith(f"duration: {value!r} is not allowed")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (0, 0.0),
        ("0", 0.0),
        ("18:00", 64_800.0),
        ("day 1 18:00", 64_800.0),
        ("day 2 18:00", 151_200.0),
        ("Day2 6:05", 108_300.0),
        ("day 3", 172_800.0),
        ("24:00", 86_400.0),
        ("18:00:30.5", 64_830.5),
        ("90min", 5400.0),
        (64_800, 64_800.0),
    ],
)
def test_times_are_read_in_seconds_from_the_start(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "value", ["24:01", "18:60", "18:00:60", "day 0 18:00", "day", "-1", -1, "noon", math.nan, ""]
)
def test_a_wrong_time_is_refused_with_its_value_and_what_is_allowed(value):
    with pytest.raises(ValueError, match="day 2 18:00") as caught:
        parse_time(value)
    assert str(caught.value).startswith(f"time: {value!r} is not allowed")


def test_a_span_is_two_times():
    assert parse_span("18:00..day 2 19:00") == (64_800.0, 154_800.0)
    assert parse_span("0.5..1.5") == (0.5, 1.5)


@pytest.mark.parametrize("text", ["18:00", "18:00..", "..19:00", "18:00-19:00", "", ".."])
def test_a_wrong_span_is_refused(text):
    with pytest.raises(ValueError, match=r"A\.\.B"):
        parse_span(text)


@given(st.integers(min_value=0, max_value=4 * 10**12))
def test_a_formatted_time_reads_as_the_same_time(milliseconds):
    assert parse_time(format_time(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, rel=0, abs=1e-4)


@given(st.integers(min_value=1, max_value=4 * 10**12))
def test_a_formatted_duration_reads_as_the_same_duration(milliseconds):
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(
        milliseconds / 1000, abs=1e-3
    )
