"""Durations (`"1h30min"`) and times of a profile (`"day 2 18:00"`), both in seconds."""

from __future__ import annotations

import re

SECONDS = {
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "min": 60.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "days": 86400.0,
    "w": 604800.0,
}
DAY = SECONDS["d"]

_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
_PART = re.compile(rf"\s*({_NUMBER})\s*([a-z]+)\s*", re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(rf"{_NUMBER}(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_TIME = re.compile(
    r"(?:day\s*(?P<day>\d{1,9}))?\s*(?:(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d(?:\.\d{1,9})?))?)?",
    re.IGNORECASE | re.ASCII,
)

MOST_SECONDS = 4e9
"""Of durations and times: a job's limit, 126 years, which is less than 2^62 nanoseconds."""

_DURATION_FORMS = 'seconds as a number, or text such as "90s", "10min", "1h", "1h30min", "30d"'
_TIME_FORMS = 'seconds from the start as a number, "18:00", "day 2 18:00" (day 1 is the first), or a duration'


def parse_duration(value: float | str, what: str = "duration") -> float:
    """Seconds of a duration.

    Args:
        value: seconds as a number, or numbers with units (ms, s, min, h, d, w), largest first or not.
        what: the name of the argument, for errors.

    Returns:
        A number of seconds from 1 nanosecond to 4e9.

    Raises:
        ValueError: naming the value and what is allowed.
    """
    seconds = _seconds(value)
    if seconds is None or not (seconds <= MOST_SECONDS and round(seconds * 1e9) > 0):
        raise ValueError(
            f"{what}: {value!r} is not allowed; it must be at least 1 ns and at most 4e9 s: {_DURATION_FORMS}"
        )
    return seconds


def parse_time(value: float | str, what: str = "time") -> float:
    """Seconds from the start of a profile or a job.

    Args:
        value: seconds as a number; a time of day (`"18:00"`, that is `"day 1 18:00"`; `"24:00"` is the
            day's end), `"day 2"` for its start; or a duration from the start (`"90min"`).
        what: the name of the argument, for errors.

    Returns:
        A number of seconds from 0 to 4e9.

    Raises:
        ValueError: naming the value and what is allowed.
    """
    seconds = _clock(value) if isinstance(value, str) else None
    if seconds is None:
        seconds = _seconds(value)
    if seconds is None or not 0 <= seconds <= MOST_SECONDS:
        raise ValueError(f"{what}: {value!r} is not allowed; it must be from 0 to 4e9 s: {_TIME_FORMS}")
    return seconds


def parse_span(text: str) -> tuple[float, float]:
    """Start and end in seconds of `"A..B"`, where A and B are times as in `parse_time`.

    Raises:
        ValueError: naming the text and what is allowed.
    """
    start, dots, end = text.partition("..")
    if not dots or not start.strip() or not end.strip():
        raise ValueError(
            f'span: {text!r} is not allowed; it must be two times "A..B", such as "18:00..19:00"'
        )
    return parse_time(start, "span start"), parse_time(end, "span end")


def format_duration(seconds: float) -> str:
    """A duration for people: `"14 d"`, `"1 h 30 min"`, `"0.25 s"`."""
    parts: list[str] = []
    rest = round(seconds, 9 if seconds < 60 else 3)
    for unit in ("d", "h", "min"):
        count, rest = divmod(rest, SECONDS[unit])
        if count:
            parts.append(f"{count:.0f} {unit}")
    if rest or not parts:
        parts.append(f"{round(rest, 9):.9g} s")
    return " ".join(parts)


def format_time(seconds: float) -> str:
    """A time of a profile for people: `"day 2 18:00"`."""
    day, rest = divmod(round(seconds, 9), DAY)
    hour, rest = divmod(rest, 3600.0)
    minute, second = divmod(rest, 60.0)
    seconds_text = f":{second:06.3f}".rstrip("0").rstrip(".") if second else ""
    return f"day {day + 1:.0f} {hour:02.0f}:{minute:02.0f}{seconds_text}"


def _seconds(value: float | str) -> float | None:
    if not isinstance(value, str):
        try:
            return None if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            return None
    text = value.strip()
    if _PLAIN.fullmatch(text):
        return float(text)
    total = 0.0
    position = 0
    used: set[float] = set()
    while position < len(text):
        part = _PART.match(text, position)
        unit = SECONDS.get(part[2].lower()) if part else None
        if part is None or unit is None or unit in used:
            return None
        used.add(unit)
        total += float(part[1]) * unit
        position = part.end()
    return total if used else None


def _clock(text: str) -> float | None:
    found = _TIME.fullmatch(text.strip())
    if found is None or (found["day"] is None and found["hour"] is None):
        return None
    day = int(found["day"] or 1)
    hour, minute, second = int(found["hour"] or 0), int(found["minute"] or 0), float(found["second"] or 0)
    seconds = 3600.0 * hour + 60.0 * minute + second
    if day < 1 or minute > 59 or second >= 60 or seconds > DAY:
        return None
    return (day - 1) * DAY + seconds
