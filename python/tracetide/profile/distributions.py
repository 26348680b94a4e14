"""Laws to draw from: tables of probabilities, parametric laws and mixtures.

    >>> lengths = tt.Mixture([(0.7, tt.Exponential(mean=300)), (0.3, tt.LogNormal(median=900, sigma=0.8))])
    >>> lengths.sample(1_000_000, seed=1)

A sample is a pure function of the law, the seed and the stream, the same on every machine and instruction
set, and the first k values of a sample of n are the sample of k. Samples of different streams, or of
different seeds, are independent; they share no random words with traces. Two laws with the same seed and
stream use the same words, and are hence not independent: give each its own stream. The exact mapping from
Philox words to values is in `cpp/include/tracetide/distributions.hpp`; a change of it is a change of
`TRACE_VERSION`.

A uniform has 52 random bits, a table's or mixture's choice 32: every probability in a table is met to
within 2^-32. Real values are never infinite: they end at 8e307 or beyond.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from tracetide import _core

__all__ = [
    "AliasTable",
    "Constant",
    "Distribution",
    "Exponential",
    "Gamma",
    "LogNormal",
    "Mixture",
    "Pareto",
    "QuantileTable",
    "Uniform",
    "Weibull",
    "Zipf",
]

Array: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]


class Distribution:
    """A law: what all of them can do. Immutable, picklable, and equal to one with the same parameters."""

    __slots__ = ("_law", "_parameters")
    _law: _core.Law
    _parameters: dict[str, Any]

    def __init__(self) -> None:
        raise TypeError("Distribution is what laws have in common; make one of them, such as Exponential")

    def _set(self, law: _core.Law, **parameters: Any) -> None:
        object.__setattr__(self, "_law", law)
        object.__setattr__(self, "_parameters", parameters)

    @property
    def parameters(self) -> dict[str, Any]:
        """What determines the law, by name; `type(law)(**law.parameters) == law`."""
        return dict(self._parameters)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values: float64; uint32 for tables of whole numbers; int64 for Zipf."""
        return np.dtype(self._law.dtype)

    def sample(self, n: int, seed: int = 0, *, out: Array | None = None, stream: int = 0) -> Array:
        """Draw `n` values, without holding the GIL.

        Args:
            n: how many.
            seed: from 0 to 2^64 - 1.
            out: a one-dimensional contiguous array of `n` values of `dtype` to fill instead of a new one.
                Filling the same array again is faster: fresh memory costs more than most draws.
            stream: from 0 to 2^32 - 1.

        Returns:
            The values: `out`, or a new array.
        """
        n = _whole("n", n, 2**62)
        seed = _whole("seed", seed, 2**64 - 1)
        stream = _whole("stream", stream, 2**32 - 1)
        if out is None:
            out = np.empty(n, self.dtype)
        else:
            self._check(out, n)
        self._law.sample(out, seed, stream)
        return out

    def mean(self) -> float:
        """The expectation; infinity where there is none or it is too large."""
        return self._law.mean()

    def cdf(self, x: npt.ArrayLike) -> Any:
        """P(X <= x), a number or an array as `x` is; the same bits on every machine."""
        return _evaluate(self._law.cdf, x)

    def _check(self, out: Array, n: int) -> None:
        if not isinstance(out, np.ndarray):
            raise ValueError(f"out: {type(out).__name__} is not allowed; it must be a NumPy array")
        if out.dtype != self.dtype:
            raise ValueError(f"out: dtype {out.dtype} is not allowed; it must be {self.dtype}")
        if out.shape != (n,):
            raise ValueError(f"out: shape {out.shape} is not allowed; it must be ({n},), as n = {n}")
        if not (out.flags.c_contiguous and out.flags.aligned):
            raise ValueError(f"out: strides {out.strides} are not allowed; it must be contiguous and aligned")
        if not out.flags.writeable:
            raise ValueError("out: a read-only array is not allowed; it must be writeable")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._parameters.items())
        return f"{type(self).__name__}({shown})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self._parameters == other._parameters

    def __hash__(self) -> int:
        return hash((type(self), *self._parameters.values()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (type(self), self.parameters)


class _Invertible(Distribution):
    """Laws whose quantile function has a closed form."""

    __slots__ = ()
    _law: Any

    def quantile(self, p: npt.ArrayLike) -> Any:
        """The smallest x with P(X <= x) >= p, a number or an array as `p` (0 to 1) is."""
        return _evaluate(self._law.quantile, p)


class Exponential(_Invertible):
    """P(X > x) = exp(-x / mean). Inverse transform; values reach 36.7 means.

    Args:
        mean: above 0.
    """

    __slots__ = ()

    def __init__(self, mean: float = 1.0) -> None:
        mean = _number("mean", mean)
        self._set(_core.Exponential(mean), mean=mean)


class Gamma(Distribution):
    """Density x^(shape - 1) exp(-x / scale), up to a constant. Marsaglia & Tsang's rejection (2000).

    Args:
        shape: from 0.005 to 100,000.
        scale: above 0; 1 if neither it nor `mean` is given.
        mean: instead of `scale`: shape * scale.
        cv: instead of `shape`, the coefficient of variation, 1 / sqrt(shape).
    """

    __slots__ = ()

    def __init__(
        self,
        shape: float | None = None,
        scale: float | None = None,
        *,
        mean: float | None = None,
        cv: float | None = None,
    ) -> None:
        _one_of("Gamma", shape=shape, cv=cv)
        if cv is not None:
            cv = _number("cv", cv)
            if not 0.00317 <= cv <= 14.14:
                raise ValueError(f"cv: {cv:g} is not allowed; it must be from 0.00317 to 14.14")
            shape = 1.0 / (cv * cv)
        shape = _number("shape", shape)
        _at_most_one("Gamma", scale=scale, mean=mean)
        if mean is not None:
            _core.Gamma(shape, 1.0)
            scale = _positive("mean", mean) / shape
        scale = 1.0 if scale is None else _number("scale", scale)
        self._set(_core.Gamma(shape, scale), shape=shape, scale=scale)


class Weibull(_Invertible):
    """P(X > x) = exp(-(x / scale)^shape). Inverse transform.

    Args:
        shape: from 0.005 to 100,000.
        scale: above 0; 1 if neither it nor `mean` is given.
        mean: instead of `scale`: scale * Gamma(1 + 1 / shape).
    """

    __slots__ = ()

    def __init__(self, shape: float, scale: float | None = None, *, mean: float | None = None) -> None:
        shape = _number("shape", shape)
        _at_most_one("Weibull", scale=scale, mean=mean)
        if mean is not None:
            law = _core.Weibull.with_mean(shape, _number("mean", mean))
        else:
            law = _core.Weibull(shape, 1.0 if scale is None else _number("scale", scale))
        self._set(law, shape=shape, scale=law.scale)


class Pareto(_Invertible):
    """P(X > x) = (minimum / x)^alpha for x >= minimum. Inverse transform.

    This is Pareto's own law (type I). `numpy.random.Generator.pareto` draws X / minimum - 1 (Lomax).

    Args:
        alpha: above 0; the mean is infinite for alpha <= 1.
        minimum: above 0.
    """

    __slots__ = ()

    def __init__(self, alpha: float, minimum: float = 1.0) -> None:
        alpha, minimum = _number("alpha", alpha), _number("minimum", minimum)
        self._set(_core.Pareto(alpha, minimum), alpha=alpha, minimum=minimum)


class LogNormal(Distribution):
    """exp(mu + sigma N), N standard normal. Box & Muller's normals (1958), |N| < 8.6.

    Give mu, mean or median, and sigma; or mean and median.

    Args:
        mu: the mean of ln X; 0 if neither it, mean nor median is given.
        sigma: the standard deviation of ln X, at least 0.
        mean: exp(mu + sigma^2 / 2).
        median: exp(mu).
    """

    __slots__ = ()

    def __init__(
        self,
        mu: float | None = None,
        sigma: float | None = None,
        *,
        mean: float | None = None,
        median: float | None = None,
    ) -> None:
        if mean is not None and median is not None and mu is None and sigma is None:
            law = _core.LogNormal.with_mean_and_median(_number("mean", mean), _number("median", median))
        else:
            if sigma is None:
                raise ValueError("LogNormal: sigma is missing; give it, or mean and median")
            _at_most_one("LogNormal", mu=mu, mean=mean, median=median)
            sigma = _number("sigma", sigma)
            if mean is not None:
                law = _core.LogNormal.with_mean(_number("mean", mean), sigma)
            elif median is not None:
                law = _core.LogNormal.with_median(_number("median", median), sigma)
            else:
                law = _core.LogNormal(0.0 if mu is None else _number("mu", mu), sigma)
        self._set(law, mu=law.mu, sigma=law.sigma)


class Uniform(_Invertible):
    """Real numbers between `low` and `high`, all alike.

    Args:
        low: finite.
        high: above `low`.
    """

    __slots__ = ()

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        low, high = _number("low", low), _number("high", high)
        self._set(_core.Uniform(low, high), low=low, high=high)


class Constant(_Invertible):
    """Always `value`."""

    __slots__ = ()

    def __init__(self, value: float) -> None:
        value = _number("value", value)
        self._set(_core.Constant(value), value=value)


class Zipf(Distribution):
    """P(X = k) in proportion to k^-exponent, k = 1, 2, ..., maximum; int64.

    Rejection-inversion of Hörmann & Derflinger (1996). Without a maximum, values end at 2^63 - 1, as those
    of `numpy.random.Generator.zipf` do; `mean` and `cdf` are those of the law without an end.

    Args:
        exponent: at least 0; above 1 if there is no maximum.
        maximum: from 1 to 2^53.
    """

    __slots__ = ()

    def __init__(self, exponent: float, maximum: int | None = None) -> None:
        exponent = _number("exponent", exponent)
        if maximum is not None:
            maximum = _whole("maximum", maximum, 2**53, least=1)
        self._set(_core.Zipf(exponent, maximum), exponent=exponent, maximum=maximum)


class _Table(_Invertible):
    """A table of probabilities; parameters are `values`, ascending, and `probabilities`, normalised."""

    __slots__ = ()
    _core_type: ClassVar[Any]

    def __init__(
        self,
        values: Mapping[Any, float] | npt.ArrayLike,
        probabilities: npt.ArrayLike | None = None,
    ) -> None:
        if isinstance(values, Mapping):
            if probabilities is not None:
                raise ValueError("probabilities: not allowed beside a mapping, which has its own")
            probabilities = list(values.values())
            values = list(values)
        elif probabilities is None:
            raise ValueError("probabilities: missing; give them, or a mapping {value: probability}")
        numbers = _table_values(values)
        law = self._core_type(numbers, _vector("probabilities", probabilities))
        self._set(law, values=_frozen(law.values, numbers.dtype), probabilities=law.probabilities)

    def __repr__(self) -> str:
        values = self._parameters["values"]
        return f"<{type(self).__name__} of {values.size:,} values, {values[0]} to {values[-1]}>"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self.dtype == other.dtype and all(
            np.array_equal(mine, other._parameters[name]) for name, mine in self._parameters.items()
        )

    def __hash__(self) -> int:
        return hash((type(self), self._parameters["values"].size, self.mean()))


class AliasTable(_Table):
    """Draws from a probability mass function in constant time (Walker 1977, Vose 1991).

    Args:
        values: different numbers, in any order, or a mapping {value: probability}. Whole numbers (of an
            integer type, from 0 to 2^32 - 1) are drawn as uint32, others as float64.
        probabilities: at least 0. They are divided by their sum, which must be from 1e-9 to 1e9, unless that
            is 1 to within 1e-9.
    """

    __slots__ = ()
    _core_type = _core.AliasTable


class QuantileTable(_Table):
    """Draws from a probability mass function by its quantile function (Chen & Asau 1974).

    Value i is the quantile of the uniform that 32-bit word i of the stream stands for: tables sampled with
    the same seed and stream rise and fall together. Slower than `AliasTable`, whose arguments it has.
    """

    __slots__ = ()
    _core_type = _core.QuantileTable


_MOST_NESTED = 16
_MOST_LAWS = 1 << 16


class Mixture(Distribution):
    """Each value from one of several laws, chosen by weight.

    The laws, which may be mixtures, draw independently of each other, and of the choice. Values are of the
    laws' type if they share one, else float64.

    Args:
        components: (weight, law) pairs; or laws, and `weights`.
        weights: at least 0; they are divided by their sum, which must be from 1e-9 to 1e9.

    Mixtures within each other may have 16 levels, and 65,536 laws in all, counted as often as they are named.
    """

    __slots__ = ("_laws", "_nested")
    _laws: int
    _nested: int

    def __init__(
        self,
        components: Iterable[tuple[float, Distribution]] | Iterable[Distribution],
        weights: Sequence[float] | npt.ArrayLike | None = None,
    ) -> None:
        entries: list[Any] = list(components)
        if weights is not None:
            shares = _vector("weights", weights).tolist()
            if len(shares) != len(entries):
                raise ValueError(
                    f"weights: a length of {len(shares)} is not allowed; it must be that of components, "
                    f"{len(entries)}"
                )
            entries = list(zip(shares, entries, strict=True))
        for entry in entries:
            if not (isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[1], Distribution)):
                raise ValueError(
                    f"components: {entry!r} is not allowed; it must be a (weight, law) pair, or a law if "
                    "weights is given"
                )
        pairs = [(_number("weights", weight), law) for weight, law in entries]
        laws = sum(getattr(law, "_laws", 1) for _, law in pairs)
        nested = 1 + max((getattr(law, "_nested", 0) for _, law in pairs), default=0)
        if nested > _MOST_NESTED:
            raise ValueError(f"components: mixtures are nested too deeply; {_MOST_NESTED} levels are allowed")
        if laws > _MOST_LAWS:
            raise ValueError(f"components: {laws:,} laws in one are not allowed; at most {_MOST_LAWS:,} are")
        object.__setattr__(self, "_laws", laws)
        object.__setattr__(self, "_nested", nested)
        law = _core.Mixture([(weight, law._law) for weight, law in pairs])
        self._set(law, components=tuple(pairs))

    def __repr__(self) -> str:
        return f"Mixture({list(self._parameters['components'])!r})"


D = TypeVar("D", bound=Distribution)


def _remake(kind: type[D], parameters: dict[str, Any]) -> D:
    return kind(**parameters)


def _evaluate(function: Any, points: npt.ArrayLike) -> Any:
    """A number for a number, an array for an array."""
    values: Floats = function(np.asarray(points, dtype=np.float64))
    return float(values) if values.ndim == 0 else values


def _number(name: str, value: Any) -> float:
    if not isinstance(value, bool | str | bytes):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    raise ValueError(f"{name}: {value!r} is not allowed; it must be a number")


def _positive(name: str, value: Any) -> float:
    number = _number(name, value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name}: {number:g} is not allowed; it must be above 0 and finite")
    return number


def _whole(name: str, value: Any, most: int, *, least: int = 0) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name}: {value!r} is not allowed; it must be a whole number") from None
    if not least <= number <= most:
        bound = f"2^{most.bit_length() - 1}" if most & (most - 1) == 0 else f"2^{most.bit_length()} - 1"
        raise ValueError(f"{name}: {number} is not allowed; it must be from {least} to {bound}")
    return number


def _one_of(law: str, **given: Any) -> None:
    if all(value is None for value in given.values()):
        raise ValueError(f"{law}: one of {', '.join(given)} is missing")
    _at_most_one(law, **given)


def _at_most_one(law: str, **given: Any) -> None:
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise ValueError(f"{law}: {' and '.join(names)} together are not allowed; give one of them")


def _vector(name: str, values: npt.ArrayLike) -> Floats:
    try:
        array = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: {values!r} is not allowed; it must be a list of numbers") from None
    if np.ndim(values) != 1:
        raise ValueError(f"{name}: {np.ndim(values)} dimensions are not allowed; it must have 1")
    return array


def _table_values(values: npt.ArrayLike) -> Array:
    """As uint32 where they are whole numbers by type, else as float64."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        return _vector("values", values)
    if array.size and not (array.min() >= 0 and array.max() <= 2**32 - 1):
        wrong = array.min() if array.min() < 0 else array.max()
        raise ValueError(f"values: {wrong} is not allowed; whole numbers must be from 0 to 2^32 - 1")
    if array.ndim != 1:
        raise ValueError(f"values: {array.ndim} dimensions are not allowed; it must have 1")
    return np.ascontiguousarray(array, dtype=np.uint32)


def _frozen(values: Floats, dtype: np.dtype[Any]) -> Array:
    array = values.astype(dtype)
    array.flags.writeable = False
    return array
