"""Models of what prompts begin with: system prompts and templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from tracetide.handmade.client import LARGEST, Values
from tracetide.sessions.laws import law_of, longest, shortest

MOST_LEVELS = 3
MOST_PROMPTS = 2**24


@dataclass(frozen=True, kw_only=True)
class PromptLevel:
    """System prompts or templates, one of which is chosen for a request.

    Args:
        prompts: how many; on a further level, under each of the level before.
        tokens: their lengths: a law over whole numbers from 1 on, a number, or a mapping. Each prompt has one
            length, which belongs to the profile: it does not depend on a job's seed.
        popularity: the exponent of a Zipf law: the k-th prompt is chosen in proportion to k^-popularity.
    """

    prompts: int = 1
    tokens: Values
    popularity: float = 1.0

    def __post_init__(self) -> None:
        if (
            isinstance(self.prompts, bool)
            or not isinstance(self.prompts, Integral)
            or not 1 <= int(self.prompts) <= MOST_PROMPTS
        ):
            raise ValueError(
                f"prompts: {self.prompts!r} is not allowed; it must be a whole number from 1 to "
                f"{MOST_PROMPTS}"
            )
        law = law_of("tokens", self.tokens)
        if shortest(law, 1) < 1 or longest(law, 1) > LARGEST:
            raise ValueError(
                f"tokens: {self.tokens!r} is not allowed; its values must be from 1 to {LARGEST}"
            )
        _number("popularity", self.popularity, 100, "a number from 0 to 100")


@dataclass(frozen=True, kw_only=True)
class Prefixes:
    """What a client's prompts begin with, so that a prefix cache can reuse it. Immutable.

    Every request that stands alone and every session begins, with probability `share`, with one prompt of
    the first level, followed by one of the second that belongs to it, and so on. They are part of
    `input_tokens`; a prompt that is longer than an input is left out of it.

    Args:
        share: from 0 to 1.
        levels: 1 to 3.

    Raises:
        ValueError: naming the argument, the value and what is allowed.
    """

    share: float = 1.0
    levels: Sequence[PromptLevel]

    def __post_init__(self) -> None:
        _number("share", self.share, 1, "a number from 0 to 1")
        levels = tuple(self.levels) if isinstance(self.levels, Sequence) else ()
        if not 1 <= len(levels) <= MOST_LEVELS or not all(isinstance(one, PromptLevel) for one in levels):
            raise ValueError(
                f"levels: {self.levels!r} is not allowed; it must be 1 to {MOST_LEVELS} PromptLevels"
            )
        object.__setattr__(self, "levels", levels)


def _number(name: str, value: Any, high: float, allowed: str) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= high:
        raise ValueError(f"{name}: {value!r} is not allowed; it must be {allowed}")
