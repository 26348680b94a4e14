"""Rates over time.

    tt.Daily(mean=5, peak="14:00", swing=0.6) * tt.Weekly([1, 1, 1, 1, 1, 0.3, 0.3])
    tt.Linear([("0:00", 1), ("8:00", 20)]) + tt.Spike("12:00", "5min", 40)

Curves add and multiply, with each other and with numbers. The mean over a window is exact to about 12 digits:
pieces between the times at which a curve breaks are integrated by Gauss and Legendre's formula of 8 points,
which is exact for polynomials up to degree 15. Only sums, products and quotients are used, so that every
machine gets the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tracetide.base.durations import DAY, format_time, parse_duration, parse_time
from tracetide.profile.flattened import Swings, swings_of_curve

Floats = npt.NDArray[np.float64]
Time: TypeAlias = "float | str"

WEEK = 7 * DAY
MOST_PARTS = 1000
"""Curves that a sum or a product is made of, those within each other included."""
MOST_NESTED = 32
"""Sums and products within each other."""
MOST_VALUES = 1 << 26
"""Values of curves that means over windows may take, at each of `_NODES`."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
# Rounded, because they come from an eigenvalue solver of the machine's.
_NODES, _WEIGHTS = np.round(_NODES, 14), np.round(_WEIGHTS, 14)


class RateCurve:
    """A rate as a function of time in seconds from the period's start: what all of them can do. Immutable."""

    __slots__ = ()

    def __init__(self) -> None:
        raise TypeError("RateCurve is what rates over time have in common; make one, such as Steps")

    def __call__(self, time: npt.ArrayLike) -> Any:
        """The value at times in seconds; where it jumps, that after the jump."""
        values = self._at(np.asarray(time, dtype=np.float64))
        return float(values) if values.ndim == 0 else values

    def means(self, edges: npt.ArrayLike) -> Floats:
        """The mean between each time and the next.

        Args:
            edges: float64, seconds, ascending.

        Returns:
            float64, one fewer.
        """
        edges = np.asarray(edges, dtype=np.float64)
        if values_of(self, edges) > MOST_VALUES:
            raise ValueError(
                f"rate: {parts_of(self):,} curves in one are not allowed for {edges.size - 1:,} windows "
                f"until {format_time(float(edges[-1]))}; choose fewer, longer windows, or a shorter period"
            )
        breaks = np.asarray(self._breaks(float(edges[-1])), dtype=np.float64)
        inside = breaks[(breaks > edges[0]) & (breaks < edges[-1])]
        times = np.unique(np.concatenate([edges, inside]))
        middle, half = (times[:-1] + times[1:]) / 2, np.diff(times) / 2
        integral = np.zeros(middle.size)
        # Too large is infinite, which the profile refuses.
        with np.errstate(over="ignore", invalid="ignore"):
            for node, weight in zip(_NODES.tolist(), _WEIGHTS.tolist(), strict=True):
                integral += weight * self._at(middle + node * half)
        window = np.searchsorted(edges, middle, side="right") - 1
        total = np.bincount(window, integral * half, edges.size - 1)
        means: Floats = total / np.diff(edges)
        return means

    def _swings(self, edges: Floats, means: Floats) -> Swings:
        """How it moves between each time and the next, of which the means are known."""
        breaks = np.asarray(self._breaks(float(edges[-1])), dtype=np.float64)
        return swings_of_curve(self._at, breaks, edges, means)

    @property
    def extent(self) -> float:
        """The last time that the curve mentions, in seconds."""
        raise NotImplementedError

    @property
    def is_weekly(self) -> bool:
        """Whether it repeats by weeks rather than days."""
        return False

    def _at(self, time: Floats) -> Floats:
        raise NotImplementedError

    def _breaks(self, end: float) -> Iterable[float]:
        """The times before `end` at which it is not smooth."""
        raise NotImplementedError

    def _count_breaks(self, end: float) -> float:
        """How many these are, or some more, before they are made."""
        raise NotImplementedError

    def _parameters(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def __add__(self, other: RateCurve | float) -> RateCurve:
        return _Sum(self, as_curve(other))

    def __mul__(self, other: RateCurve | float) -> RateCurve:
        return _Product(self, as_curve(other))

    __radd__ = __add__
    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self._parameters() == other._parameters()

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._parameters()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._parameters()))})"


class _Constant(RateCurve):
    """The same at all times."""

    __slots__ = ("_value",)

    def __init__(self, value: float) -> None:
        self._value = _number("rate", value)

    @property
    def extent(self) -> float:
        return 0.0

    def _swings(self, edges: Floats, means: Floats) -> Swings:
        return Swings(edges[:0], edges[:0], means[:0], means[:0], means[:0])

    def _at(self, time: Floats) -> Floats:
        return np.full(time.shape, self._value)

    def _breaks(self, end: float) -> Iterable[float]:
        return ()

    def _count_breaks(self, end: float) -> float:
        return 0

    def _parameters(self) -> tuple[Any, ...]:
        return (self._value,)

    def __repr__(self) -> str:
        return repr(self._value)


class _Points(RateCurve):
    """What is given by times and values."""

    __slots__ = ("_times", "_values")

    def __init__(self, points: Mapping[Time, float] | Iterable[tuple[Time, float]]) -> None:
        what = type(self).__name__
        if isinstance(points, np.ndarray):
            points = points.tolist()
        pairs = list(points.items() if isinstance(points, Mapping) else points)
        if not pairs or not all(isinstance(pair, Sequence) and len(pair) == 2 for pair in pairs):
            raise ValueError(
                f"{what}: {points!r} is not allowed; it must be (time, rate) pairs, at least one"
            )
        self._times = tuple(parse_time(time, f"{what} time") for time, _ in pairs)
        self._values = tuple(_number(f"{what} rate", value) for _, value in pairs)
        wrong = [i for i in range(1, len(pairs)) if not self._times[i - 1] < self._times[i]]
        if wrong:
            raise ValueError(
                f"{what}: the time {pairs[wrong[0]][0]!r} after {pairs[wrong[0] - 1][0]!r} is not allowed; "
                "times must ascend"
            )

    @property
    def extent(self) -> float:
        return self._times[-1]

    def _breaks(self, end: float) -> Iterable[float]:
        return self._times

    def _count_breaks(self, end: float) -> float:
        return len(self._times)

    def _parameters(self) -> tuple[Any, ...]:
        return (tuple(zip(self._times, self._values, strict=True)),)


class Steps(_Points):
    """From each time on its rate, until the next.

    Args:
        points: {time: rate} or (time, rate) pairs, ascending, the first at 0. Times are seconds or text such
            as "18:00" and "day 2 18:00".
    """

    __slots__ = ()

    def __init__(self, points: Mapping[Time, float] | Iterable[tuple[Time, float]]) -> None:
        super().__init__(points)
        if self._times[0] != 0:
            first = format_time(self._times[0])
            raise ValueError(f"Steps: a first time of {first} is not allowed; it must be 0, the start")

    def _at(self, time: Floats) -> Floats:
        found: Floats = np.array(self._values)[np.searchsorted(self._times, time, side="right") - 1]
        return found


class Linear(_Points):
    """Straight lines between points; before the first and after the last their rates.

    Args:
        points: (time, rate) pairs or {time: rate}, ascending.
    """

    __slots__ = ()

    def _at(self, time: Floats) -> Floats:
        times, values = np.array(self._times), np.array(self._values)
        if times.size == 1:
            return np.full(time.shape, values[0])
        at = np.clip(np.searchsorted(times, time, side="right") - 1, 0, times.size - 2)
        part = np.clip((time - times[at]) / (times[at + 1] - times[at]), 0.0, 1.0)
        found: Floats = values[at] + part * (values[at + 1] - values[at])
        return found


class Daily(RateCurve):
    """A wave over each day: mean * (1 + swing * cos(2 pi (t - peak) / day)).

    Args:
        mean: over the day.
        peak: the time of day of the highest rate.
        swing: from 0 to 1; the highest rate is 1 + swing times the mean, the lowest 1 - swing.
    """

    __slots__ = ("_mean", "_peak", "_swing")

    def __init__(self, mean: float = 1.0, peak: Time = "14:00", swing: float = 0.5) -> None:
        self._mean = _number("Daily mean", mean)
        self._peak = parse_time(peak, "Daily peak")
        self._swing = _number("Daily swing", swing)
        if self._peak >= DAY:
            raise ValueError(f"Daily peak: {peak!r} is not allowed; it must be a time of day")
        if self._swing > 1:
            raise ValueError(f"Daily swing: {swing!r} is not allowed; it must be from 0 to 1")

    @property
    def extent(self) -> float:
        """A day."""
        return DAY

    def _at(self, time: Floats) -> Floats:
        found: Floats = self._mean * (1.0 + self._swing * _cosine((time - self._peak) / DAY))
        return found

    def _breaks(self, end: float) -> Iterable[float]:
        # The eighths of a day, between which the wave is as good as a polynomial.
        return [float(eighth) for eighth in np.arange(0.0, end, DAY / 8)]

    def _count_breaks(self, end: float) -> float:
        return end / (DAY / 8)

    def _parameters(self) -> tuple[Any, ...]:
        return self._mean, self._peak, self._swing


class Weekly(RateCurve):
    """One factor for each day of the week; the period begins on the first.

    Args:
        days: 7 numbers, Monday first if the period begins on a Monday.
    """

    __slots__ = ("_days",)

    def __init__(self, days: Iterable[float]) -> None:
        self._days = tuple(_number("Weekly", day) for day in days)
        if len(self._days) != 7:
            raise ValueError(f"Weekly: {len(self._days)} days are not allowed; it must be 7")

    @property
    def extent(self) -> float:
        """A week."""
        return WEEK

    @property
    def is_weekly(self) -> bool:
        """It is."""
        return True

    def _at(self, time: Floats) -> Floats:
        found: Floats = np.array(self._days)[(time // DAY).astype(np.int64) % 7]
        return found

    def _breaks(self, end: float) -> Iterable[float]:
        return [float(day) for day in np.arange(0.0, end, DAY)]

    def _count_breaks(self, end: float) -> float:
        return end / DAY

    def _parameters(self) -> tuple[Any, ...]:
        return (self._days,)


class Spike(RateCurve):
    """A rate for a while, and 0 otherwise: to be added.

    Args:
        at: when it begins.
        duration: how long the rate is `height`.
        height: requests/s.
        ramp: over which it rises before and falls after, in a straight line; 0: at once.
    """

    __slots__ = ("_at_time", "_duration", "_height", "_ramp")

    def __init__(self, at: Time, duration: float | str, height: float, ramp: float | str = 0.0) -> None:
        self._at_time = parse_time(at, "Spike at")
        self._duration = parse_duration(duration, "Spike duration")
        self._height = _number("Spike height", height)
        self._ramp = 0.0 if ramp == 0 else parse_duration(ramp, "Spike ramp")
        if self._at_time < self._ramp:
            raise ValueError(f"Spike ramp: {ramp!r} is not allowed; it must begin at 0 or later")

    @property
    def _times(self) -> tuple[float, float, float, float]:
        high, end = self._at_time, self._at_time + self._duration
        return high - self._ramp, high, end, end + self._ramp

    @property
    def extent(self) -> float:
        """When it is over."""
        return self._times[-1]

    def _at(self, time: Floats) -> Floats:
        rise, high, end, fall = self._times
        if self._ramp == 0:
            return np.where((time >= high) & (time < end), self._height, 0.0)
        up, down = (time - rise) / self._ramp, (fall - time) / self._ramp
        found: Floats = self._height * np.clip(np.minimum(up, down), 0.0, 1.0)
        return found

    def _breaks(self, end: float) -> Iterable[float]:
        return self._times

    def _count_breaks(self, end: float) -> float:
        return len(self._times)

    def _parameters(self) -> tuple[Any, ...]:
        return self._at_time, self._duration, self._height, self._ramp


class _Several(RateCurve):
    """Curves that are put together, from left to right: `a + b + c` is one sum of three."""

    __slots__ = ("_curves", "_nested", "_parts")
    _curves: tuple[RateCurve, ...]
    _parts: int
    _nested: int

    def __init__(self, left: RateCurve, right: RateCurve) -> None:
        self._curves = (*(left._curves if isinstance(left, type(self)) else (left,)), right)
        self._parts = parts_of(left) + parts_of(right)
        self._nested = 1 + max(getattr(curve, "_nested", 0) for curve in self._curves)
        if self._parts > MOST_PARTS:
            raise ValueError(f"rate: more than {MOST_PARTS:,} curves in one are not allowed")
        if self._nested > MOST_NESTED:
            raise ValueError(
                f"rate: sums and products within each other are nested too deeply; {MOST_NESTED} levels are "
                "allowed"
            )

    @property
    def extent(self) -> float:
        return max(curve.extent for curve in self._curves)

    @property
    def is_weekly(self) -> bool:
        return any(curve.is_weekly for curve in self._curves)

    def _breaks(self, end: float) -> Iterable[float]:
        return [time for curve in self._curves for time in curve._breaks(end)]

    def _count_breaks(self, end: float) -> float:
        return sum(curve._count_breaks(end) for curve in self._curves)

    def _parameters(self) -> tuple[Any, ...]:
        return self._curves


class _Sum(_Several):
    __slots__ = ()

    def _at(self, time: Floats) -> Floats:
        first, *others = self._curves
        found = first._at(time)
        for curve in others:
            found = found + curve._at(time)
        return found

    def __repr__(self) -> str:
        return f"({' + '.join(map(repr, self._curves))})"


class _Product(_Several):
    __slots__ = ()

    def _at(self, time: Floats) -> Floats:
        first, *others = self._curves
        found = first._at(time)
        for curve in others:
            found = found * curve._at(time)
        return found

    def __repr__(self) -> str:
        return " * ".join(map(repr, self._curves))


def parts_of(curve: RateCurve) -> int:
    """How many curves one is made of."""
    return curve._parts if isinstance(curve, _Several) else 1


def values_of(curve: RateCurve, edges: Floats) -> float:
    """How many values of curves its means over these windows take, at most."""
    return parts_of(curve) * (edges.size + curve._count_breaks(float(edges[-1])))


def as_curve(rate: Any) -> RateCurve:
    """A number as the curve that is always that; a mapping as steps; curves as they are."""
    if isinstance(rate, RateCurve):
        return rate
    if isinstance(rate, Mapping):
        return Steps(rate)
    return _Constant(rate)


def _number(name: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(f"{name}: {value!r} is not allowed; it must be a number from 0 on")
    return number


_COSINE = [(-1) ** k / math.factorial(2 * k) for k in range(10, -1, -1)]
_TURN = 2 * math.pi


def _cosine(turns: Floats) -> Floats:
    """cos(2 pi x), to 1e-15, the same on every machine: Taylor's series within an eighth of a turn of 0."""
    # By symmetry to a quarter turn around 0, then by the double angle from an eighth.
    part = np.abs(turns - np.floor(turns + 0.5))
    mirrored = part > 0.25
    part = np.where(mirrored, 0.5 - part, part)
    squared = (_TURN * (part / 2)) ** 2
    cosine = np.full(squared.shape, _COSINE[0])
    for coefficient in _COSINE[1:]:
        cosine = cosine * squared + coefficient
    doubled = 2.0 * cosine * cosine - 1.0
    found: Floats = np.where(mirrored, -doubled, doubled)
    return found
