"""A client by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.base.utf8 import is_utf8
from tracetide.base.vocabulary import FIELDS, KINDS
from tracetide.profile.distributions import (
    AliasTable,
    Constant,
    Distribution,
    Exponential,
    Gamma,
    QuantileTable,
    Weibull,
)
from tracetide.profile.gap_table import GapTable
from tracetide.profile.handmade.curves import RateCurve, as_curve
from tracetide.profile.prompts.models import Prefixes
from tracetide.profile.rate_noise import RateNoise
from tracetide.profile.sessions.models import Sessions
from tracetide.profile.values import LARGEST, Values

_ALL_FIELDS = tuple(dict.fromkeys(name for names in FIELDS.values() for name in names))
_FIELD_FORMS = "a number, a law such as Exponential(mean=300), or a mapping {value: probability}"
DEFAULT_LIMITS = {
    name: (0.0, 1.0) if name == "reason_ratio" else (0, LARGEST) if name.endswith("_count") else (1, LARGEST)
    for name in _ALL_FIELDS
}


@dataclass(frozen=True, kw_only=True)
class Client:
    """One source of requests: how often, how bursty, and what they are like. Immutable.

        tt.Client(rate=2.5, arrivals=tt.Gamma(cv=2), input_tokens=tt.LogNormal(median=800, sigma=1),
                  output_tokens=tt.Exponential(mean=300))

    With `reason_ratio` it is of the category `reason`; with `text_tokens` of `multimodal`, where a kind of
    which there is neither a count nor tokens never comes; else of `language`.

    Args:
        rate: requests/s: a number, a curve such as `tracetide.Daily`, or a mapping {time: rate} of steps.
        arrivals: the gaps' law, of which only the shape matters, because the mean follows from the rate:
            `Exponential()` (Poisson arrivals), `Gamma(cv=...)`, `Weibull(shape)`, or a
            `tracetide.GapTable`.
        modulation: how its rate moves inside windows, a `tracetide.RateNoise`; None: not at all.
        input_tokens, output_tokens: a law, a number, or a mapping {value: probability}. Real values are
            rounded half up and kept within the limits; laws are kept as tables that are exact to 2048 above
            the lowest value and then to 1/1024 of the value.
        reason_ratio: the part of the output tokens that is reasoning, from 0 to 1.
        text_tokens: the input without items.
        image_count, image_tokens, audio_count, audio_tokens, video_count, video_tokens: how many items a
            request has, and the tokens of each.
        correlations: Spearman correlations above -1 and below 1 by pairs of fields, such as
            {("input_tokens", "output_tokens"): 0.3}: a Gaussian copula. Tokens of items cannot be in it.
        limits: (lowest, highest) by field. By default counts are from 0 on, tokens from 1 on, both to
            2^32 - 1, and ratios from 0 to 1.
        sessions: which of its requests belong together, as `tracetide.conversations` or an agent says.
        prefixes: what its prompts begin with.
        name: what to call it.
        count: how many clients like this there are, each with this rate.

    Raises:
        ValueError: naming the field, the value and what is allowed.
    """

    rate: RateCurve | float | Mapping[float | str, float]
    arrivals: Distribution | GapTable = field(default_factory=Exponential)
    modulation: RateNoise | None = None
    input_tokens: Values | None = None
    output_tokens: Values | None = None
    reason_ratio: Values | None = None
    text_tokens: Values | None = None
    image_count: Values | None = None
    image_tokens: Values | None = None
    audio_count: Values | None = None
    audio_tokens: Values | None = None
    video_count: Values | None = None
    video_tokens: Values | None = None
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    sessions: Sessions | None = None
    prefixes: Prefixes | None = None
    name: str = ""
    count: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", as_curve(self.rate))
        object.__setattr__(self, "correlations", dict(self.correlations))
        object.__setattr__(self, "limits", dict(self.limits))
        if not isinstance(self.arrivals, GapTable):
            check_arrivals(self.arrivals, or_else=" or a GapTable")
        if not isinstance(self.modulation, RateNoise | None):
            raise ValueError(
                f"modulation: {self.modulation!r} is not allowed; it must be a RateNoise, such as "
                "tracetide.RateNoise(0.1, 5), or None"
            )
        given = [name for name in _ALL_FIELDS if getattr(self, name) is not None]
        allowed = FIELDS[self.category]
        for name in given:
            if name not in allowed:
                raise ValueError(
                    f"{name}: not allowed for a client of the category {self.category}, whose fields are "
                    f"{', '.join(allowed)}"
                )
        for name in self._required():
            if name not in given:
                raise ValueError(f"{name}: missing; a client of the category {self.category} needs it")
        self._check_limits(allowed)
        for name in given:
            self.law_of(name)
        self._check_correlations(allowed)
        self._check_sessions()
        if isinstance(self.count, bool) or not isinstance(self.count, Integral) or self.count < 1:
            raise ValueError(f"count: {self.count!r} is not allowed; it must be a whole number from 1 on")
        object.__setattr__(self, "count", int(self.count))
        if not isinstance(self.name, str) or not is_utf8(self.name):
            raise ValueError(f"name: {self.name!r} is not allowed; it must be a text")

    @property
    def category(self) -> str:
        """`"language"`, `"reason"` or `"multimodal"`, by the fields that are given."""
        if self.text_tokens is not None or any(
            getattr(self, name) is not None for name in FIELDS["multimodal"][2:]
        ):
            return "multimodal"
        return "language" if self.reason_ratio is None else "reason"

    def limits_of(self, name: str) -> tuple[float, float]:
        """The lowest and highest value of a field."""
        low, high = self.limits.get(name, DEFAULT_LIMITS[name])
        return low, high

    def law_of(self, name: str) -> Distribution:
        """The law of a field, which must be given: numbers and mappings are tables of probabilities.

        Raises:
            ValueError: if a number that it names is out of the limits.
        """
        value = getattr(self, name)
        ratio = name == "reason_ratio"
        if isinstance(value, Constant):
            value = value.parameters["value"]
        if isinstance(value, Mapping):
            try:
                value = AliasTable({float(key): share for key, share in value.items()} if ratio else value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        elif not isinstance(value, Distribution):
            number = _number(name, value)
            self._check_values(name, np.array([number]))
            value = AliasTable({number if ratio or number % 1 else int(number): 1.0})
        if isinstance(value, AliasTable | QuantileTable):
            self._check_values(name, value.parameters["values"])
        law: Distribution = value
        return law

    def _check_values(self, name: str, values: npt.NDArray[Any]) -> None:
        low, high = self.limits_of(name)
        wrong = values[~((values >= low) & (values <= high))]
        if wrong.size:
            raise ValueError(f"{name}: {wrong[0]} is not allowed; it must be from {low:g} to {high:.10g}")

    def _required(self) -> list[str]:
        required = [name for name in FIELDS[self.category] if not name.startswith(KINDS)]
        for kind in KINDS:
            pair = f"{kind}_count", f"{kind}_tokens"
            if any(getattr(self, name) is not None for name in pair):
                required += pair
        return required

    def _check_limits(self, allowed: tuple[str, ...]) -> None:
        for name, pair in self.limits.items():
            if name not in allowed:
                raise ValueError(
                    f"limits: {name!r} is not allowed; the fields of a {self.category} client are "
                    f"{', '.join(allowed)}"
                )
            whole, most = name != "reason_ratio", DEFAULT_LIMITS[name][1]
            if not (
                isinstance(pair, tuple | list) and len(pair) == 2 and _are_limits(pair, most, whole=whole)
            ):
                numbers = "whole numbers" if whole else "numbers"
                raise ValueError(
                    f"limits of {name}: {pair!r} is not allowed; it must be two {numbers} (lowest, highest) "
                    f"from 0 to {most}"
                )

    def _check_sessions(self) -> None:
        if self.prefixes is not None and not isinstance(self.prefixes, Prefixes):
            raise ValueError(f"prefixes: {self.prefixes!r} is not allowed; it must be Prefixes")

        if self.sessions is not None and not isinstance(self.sessions, Sessions):
            raise ValueError(
                f"sessions: {self.sessions!r} is not allowed; it must be Sessions, such as "
                "tracetide.conversations(...)"
            )

    def _check_correlations(self, allowed: tuple[str, ...]) -> None:
        for pair, spearman in self.correlations.items():
            if not (isinstance(pair, tuple) and len(pair) == 2 and set(pair) <= set(allowed)):
                raise ValueError(
                    f"correlations: {pair!r} is not allowed; it must be a pair of {', '.join(allowed)}"
                )
            what, allowed_values = f"correlations of {pair[0]} and {pair[1]}", "a number above -1 and below 1"
            if not -1 < _number(what, spearman, allowed_values) < 1:
                raise ValueError(f"{what}: {spearman!r} is not allowed; it must be {allowed_values}")


def check_arrivals(law: Any, or_else: str = "") -> None:
    """Raise a ValueError unless a law of gaps is given by its shape alone; `or_else` is allowed besides."""
    forms = "Exponential(), Gamma(cv=...), Gamma(shape) or Weibull(shape)"
    if not isinstance(law, Exponential | Gamma | Weibull):
        raise ValueError(f"arrivals: {law!r} is not allowed; it must be {forms}{or_else}")
    scale = law.parameters["mean" if isinstance(law, Exponential) else "scale"]
    if scale != 1.0:
        raise ValueError(
            f"arrivals: {law!r} is not allowed; give its shape alone, {forms}: the mean gap follows from "
            "the rate"
        )


def _are_limits(pair: Sequence[Any], most: float, *, whole: bool) -> bool:
    if not all(isinstance(value, Real) and not isinstance(value, bool) for value in pair):
        return False
    low, high = pair
    return 0 <= low <= high <= most and not (whole and (low % 1 or high % 1))


def _number(name: str, value: Any, what: str = _FIELD_FORMS) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name}: {value!r} is not allowed; it must be {what}")
    return float(value)
