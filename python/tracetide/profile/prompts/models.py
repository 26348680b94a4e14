"""Models of what prompts begin with: system prompts and templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracetide.profile.sessions.checks import check_law, check_number, check_whole
from tracetide.profile.values import LARGEST, Values

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
        check_whole("prompts", self.prompts, 1, MOST_PROMPTS)
        check_law("tokens", self.tokens, 1, LARGEST)
        check_number("popularity", self.popularity, 0, 100, "a number from 0 to 100")


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
        check_number("share", self.share, 0, 1, "a number from 0 to 1")
        levels = tuple(self.levels) if isinstance(self.levels, Sequence) else ()
        if not 1 <= len(levels) <= MOST_LEVELS or not all(isinstance(one, PromptLevel) for one in levels):
            raise ValueError(
                f"levels: {self.levels!r} is not allowed; it must be 1 to {MOST_LEVELS} PromptLevels"
            )
        object.__setattr__(self, "levels", levels)
