"""Options of a job, checked."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, TypedDict

from tracetide.base.vocabulary import KINDS
from tracetide.job.rates import Rate

COUPLINGS = ("profile", "independent", "comonotonic")
MISSING = ("nearest", "error")
_COUPLING_HELP = (
    f"it must be one of {', '.join(COUPLINGS)}, or a mapping such as "
    '{("input_tokens", "output_tokens"): 0.4}'
)
_LARGEST_SEED = 2**64 - 1


class JobOptions(TypedDict, total=False):
    """What `tracetide.Job` may be told, by keyword; it says what each means, and its default."""

    rate: Rate | None
    scale: float | None
    max_rate: float | None
    duration: float | str | None
    seed: int
    counts: str
    coupling: str | Mapping[tuple[str, str], float]
    missing: str
    conversations: bool | None
    prefixes: bool | None
    block_size: int | None
    modulation: float
    payload_bytes: Mapping[str, float] | None


def choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    """One of what is allowed."""
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is not allowed; it must be one of {', '.join(allowed)}")
    return value


def coupling_options(coupling: str | Mapping[tuple[str, str], float]) -> dict[str, Any]:
    """The core's options of a coupling: its name, or correlations."""
    if isinstance(coupling, str):
        return {"coupling": choice("coupling", coupling, COUPLINGS)}
    if not isinstance(coupling, Mapping) or not coupling:
        raise ValueError(f"coupling: {coupling!r} is not allowed; {_COUPLING_HELP}")
    pairs = []
    for pair, spearman in coupling.items():
        if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(name, str) for name in pair)):
            raise ValueError(f"coupling: {pair!r} is not allowed; {_COUPLING_HELP}")
        try:
            pairs.append((*pair, float(spearman)))
        except (TypeError, ValueError):
            raise ValueError(
                f"coupling: {spearman!r} for {pair!r} is not allowed; it must be a number above -1, below 1"
            ) from None
    return {"coupling": "copula", "correlations": pairs}


def flag(name: str, value: bool | None) -> bool | None:
    """True, False or None."""
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"{name}: {value!r} is not allowed; it must be True, False or None")
    return value


def block_size_of(value: int | None) -> int | None:
    """Tokens of a block, or None."""
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if isinstance(value, bool) or not 1 <= number < 2**32:
        raise ValueError(
            f"block_size: {value!r} is not allowed; it must be a whole number of tokens from 1 on"
        )
    return number


def modulation_of(value: float) -> float:
    """A factor from 0 to 1."""
    number = real("modulation", value, "a factor from 0 to 1")
    if not 0 <= number <= 1:
        raise ValueError(f"modulation: {value!r} is not allowed; it must be a factor from 0 to 1")
    return number


def payload_bytes_of(given: Mapping[str, float] | None) -> list[float]:
    """Bytes a token by kind; 0 where they are not given."""
    found = dict.fromkeys(KINDS, 0.0)
    if not isinstance(given, Mapping | None) or (given and not given.keys() <= found.keys()):
        raise ValueError(
            f'payload_bytes: {given!r} is not allowed; it must be a mapping such as {{"image": 240}} of '
            "image, audio and video"
        )
    for kind, bytes_per_token in (given or {}).items():
        found[kind] = real("payload_bytes", bytes_per_token)
        if not 0 < found[kind] <= 1e9:
            raise ValueError(
                f"payload_bytes: {bytes_per_token!r} for {kind!r} is not allowed; it must be a number above "
                "0, at most 1e9"
            )
    return list(found.values())


def seed_of(seed: int) -> int:
    """A seed."""
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number <= _LARGEST_SEED:
        raise ValueError(f"seed: {seed!r} is not allowed; it must be a whole number from 0 to 2^64 - 1")
    return number


def real(name: str, value: Any, allowed: str = "a number above 0") -> float:
    """A number; the core says which are allowed."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name}: {value!r} is not allowed; it must be {allowed}") from None
