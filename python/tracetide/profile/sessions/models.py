"""Models of sessions: conversations, and agents that call tools and other agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tracetide.profile.sessions.checks import (
    check_below_1,
    check_choice,
    check_law,
    check_number,
    check_persistence,
    check_whole,
)
from tracetide.profile.sessions.laws import shortest
from tracetide.profile.values import LARGEST, Values

MOST_TURNS = 4096
MOST_CALLS = 64
MOST_RETRIES = 15
MOST_NESTED = 64
"""Agents that start each other, one within the other."""
MOST_WAIT_GROWTH = 1e6
_AT_LIMIT = ("truncate", "end")
_WAIT_FROM = ("end", "start")


@dataclass(frozen=True, kw_only=True)
class ServiceTime:
    """How long a turn is taken to be served: `overhead + input_token * inputs + output_token * outputs`.

    The times of later turns and `delay` count from the end of the turn before, which a trace cannot know.
    With the default, everything is served at once.

    Args:
        overhead: seconds a request.
        input_token: seconds a token of the input (prefill).
        output_token: seconds a token of the output (decoding).
    """

    overhead: float = 0.0
    input_token: float = 0.0
    output_token: float = 0.0

    def __post_init__(self) -> None:
        for name in ("overhead", "input_token", "output_token"):
            object.__setattr__(
                self,
                name,
                check_number(f"service: {name}", getattr(self, name), 0, 1e6, "a number of seconds"),
            )


@dataclass(frozen=True, kw_only=True)
class User:
    """The user reads, thinks and writes the next message.

    Args:
        think_time: seconds, to whole milliseconds: a law, a number, or a mapping {seconds: probability}.
        tokens: what the message adds to the context; by default as the client's own `input_tokens`.
        weight: how often, in relation to the other steps of the session.
    """

    think_time: Values
    tokens: Values | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        _check_step(self, "think_time")


@dataclass(frozen=True, kw_only=True)
class Tool:
    """The model calls a tool, or several calls of it side by side, and goes on with the results.

    Args:
        latency: of one try, in seconds, to whole milliseconds. Of calls side by side the slowest decides.
        tokens: what the output of one call adds to the context.
        weight: how often, in relation to the other steps of the session.
        calls: how many calls side by side (fan-out), at most 64.
        failure: the probability that a try fails, from 0 to below 1.
        retries: how often a call is tried again, at most 15; every try takes its latency.
        failure_tokens: what a call adds to the context whose tries have all failed; by default nothing.
        name: what to call it.
    """

    latency: Values
    tokens: Values
    weight: float = 1.0
    calls: Values = 1
    failure: float = 0.0
    retries: int = 0
    failure_tokens: Values | None = None
    name: str = ""

    def __post_init__(self) -> None:
        _check_step(self, "latency")
        check_law("calls", self.calls, 1, MOST_CALLS)
        if self.failure_tokens is not None:
            check_law("failure_tokens", self.failure_tokens, 0, LARGEST)
        check_below_1("failure", self.failure)
        check_whole("retries", self.retries, 0, MOST_RETRIES)


@dataclass(frozen=True, kw_only=True)
class SubAgent:
    """The model starts agents with a context of their own, side by side, and waits for their answers.

    Args:
        sessions: what such an agent does; its `share` does not matter. Its first turn should have
            `first_tokens`: what it is told.
        latency: seconds until it starts.
        tokens: what one adds to the context; by default the output of its last turn.
        weight: how often, in relation to the other steps of the session.
        calls: how many side by side, at most 64.
    """

    sessions: Sessions
    latency: Values = 0
    tokens: Values | None = None
    weight: float = 1.0
    calls: Values = 1

    def __post_init__(self) -> None:
        if not isinstance(self.sessions, Sessions):
            raise ValueError(f"sessions: {self.sessions!r} is not allowed; it must be Sessions")
        _check_step(self, "latency")
        check_law("calls", self.calls, 1, MOST_CALLS)


Step: TypeAlias = "User | Tool | SubAgent"


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """How requests of a client belong together. Immutable.

    A session is a number of turns, each a request. Between two turns is one of `steps`, chosen by weight:
    the user thinks, a tool runs, a sub-agent works. The next turn's input is the input and the output of the
    one before, less its reasoning tokens, and what the step adds.

    The total rate of a job stays what it is: starts of sessions come with the client's own burstiness, and
    the requests that stand alone are what is left of the rate, window by window. The few turns
    that come later than nearly all (99.99 %), or than 6 h, after the first are left out.

    Args:
        share: of the client's requests that belong to sessions, those of sub-agents included, from 0 to 1.
        turns: a law over whole numbers from 1 to 4096, a number, or a mapping {turns: probability}.
        steps: what comes between turns.
        first_tokens: the input of the first turn; by default the client's own `input_tokens`, or text and
            items. Output and reasoning are always as the client's own.
        context_limit: the most input tokens of a turn.
        at_limit: what happens beyond it: `"truncate"` cuts off what is oldest; `"end"` ends the session, and
            what would have been its further turns are the turns of a new one.
        wait_from: whether waits count from the `"end"` or the `"start"` of the turn before.
        service: how long a turn is taken to be served.
        keep_reasoning: whether reasoning tokens stay in the context.
        carry_context: whether a turn's input has the turns before; False where a log's inputs do not.
        wait_output, wait_tokens: how the think time of users grows with what they read and write: it is
            multiplied by `1 + wait_output * o + wait_tokens * t`, where o is the output of the turn before
            and t are the new tokens of the one that comes, as drawn. Per token, at least 0. Tools and
            sub-agents take the time that they take.
        persistence: how far lengths stay what they are along a session, `(share, memory)` by field, each
            from 0 to below 1, such as `{"output_tokens": (0.6, 0.9)}`: normal scores of the client's own
            law are correlated by `share * memory**k` at k turns' distance. The law stays the same. Of
            fields that are drawn once for a request; laws of steps and `first_tokens` are drawn anew.

    Raises:
        ValueError: naming the argument, the value and what is allowed.
    """

    share: float = 1.0
    turns: Values
    steps: Sequence[Step]
    first_tokens: Values | None = None
    context_limit: int | None = None
    at_limit: str = "truncate"
    wait_from: str = "end"
    service: ServiceTime = field(default_factory=ServiceTime)
    keep_reasoning: bool = False
    carry_context: bool = True
    wait_output: float = 0.0
    wait_tokens: float = 0.0
    persistence: Mapping[str, tuple[float, float]] = field(default_factory=dict, hash=False)
    _nested: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_number("share", self.share, 0, 1, "a number from 0 to 1")
        check_law("turns", self.turns, 1, MOST_TURNS)
        steps = tuple(self.steps) if isinstance(self.steps, Sequence) else ()
        if not steps or not all(isinstance(step, User | Tool | SubAgent) for step in steps):
            raise ValueError(
                f"steps: {self.steps!r} is not allowed; it must be Users, Tools and SubAgents, at least one"
            )
        object.__setattr__(self, "steps", steps)
        inner = (step.sessions._nested for step in steps if isinstance(step, SubAgent))
        object.__setattr__(self, "_nested", 1 + max(inner, default=0))
        if self._nested > MOST_NESTED:
            raise ValueError(
                f"steps: agents that start agents are nested too deeply; {MOST_NESTED} levels are allowed"
            )
        if self.first_tokens is not None:
            check_law("first_tokens", self.first_tokens, 1, LARGEST)
        if self.context_limit is not None:
            check_whole("context_limit", self.context_limit, 1, LARGEST)
        check_choice("at_limit", self.at_limit, _AT_LIMIT)
        check_choice("wait_from", self.wait_from, _WAIT_FROM)
        if not isinstance(self.service, ServiceTime):
            raise ValueError(f"service: {self.service!r} is not allowed; it must be a ServiceTime")
        for name in ("keep_reasoning", "carry_context"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name}: {getattr(self, name)!r} is not allowed; it must be a bool")
        self._check_growth()
        object.__setattr__(self, "persistence", check_persistence(self.persistence))

    def _check_growth(self) -> None:
        for name in ("wait_output", "wait_tokens"):
            allowed = "a number from 0 to 1e6: per token, in parts of the think time"
            given = check_number(name, getattr(self, name), 0, MOST_WAIT_GROWTH, allowed)
            object.__setattr__(self, name, given)
            if given > 0 and not any(isinstance(step, User) for step in self.steps):
                raise ValueError(
                    f"{name}: {given!r} is not allowed without a User among the steps, whose think time grows"
                )


def conversations(
    *,
    share: float,
    turns: Values,
    think_time: Values,
    new_tokens: Values | None = None,
    first_tokens: Values | None = None,
    context_limit: int | None = None,
    at_limit: str = "truncate",
    wait_from: str = "end",
    service: ServiceTime | None = None,
    keep_reasoning: bool = False,
    wait_output: float = 0.0,
    wait_tokens: float = 0.0,
    persistence: Mapping[str, tuple[float, float]] | None = None,
) -> Sessions:
    """Sessions between whose turns is always the user: multi-turn conversations.

        tt.conversations(share=0.1, turns={2: 0.5, 3: 0.3, 8: 0.2},
                         think_time=tt.LogNormal(median=60, sigma=1))

    Args:
        share: of the requests that belong to conversations, from 0 to 1.
        turns: how many requests a conversation has, 2 to 4096.
        think_time: seconds from the end (or the start) of a turn to the next.
        new_tokens: what a message adds to the context; by default as the client's own `input_tokens`.
        first_tokens, context_limit, at_limit, wait_from, service, keep_reasoning, wait_output, wait_tokens,
            persistence: as of `Sessions`.

    Raises:
        ValueError: naming the argument, the value and what is allowed.
    """
    if shortest(check_law("turns", turns, 1, MOST_TURNS), 1) < 2:
        raise ValueError(
            f"turns: {turns!r} is not allowed; a conversation has at least 2 turns, and a law must not give "
            "less: share says how many requests stand alone"
        )
    return Sessions(
        share=share,
        turns=turns,
        steps=(User(think_time=think_time, tokens=new_tokens),),
        first_tokens=first_tokens,
        context_limit=context_limit,
        at_limit=at_limit,
        wait_from=wait_from,
        service=service or ServiceTime(),
        keep_reasoning=keep_reasoning,
        wait_output=wait_output,
        wait_tokens=wait_tokens,
        persistence={} if persistence is None else persistence,
    )


def _check_step(step: Step, wait: str) -> None:
    check_law(wait, getattr(step, wait), 0, LARGEST / 1000)
    if step.tokens is not None:
        check_law("tokens", step.tokens, 0, LARGEST)
    check_number("weight", step.weight, 0, 1e9, "a number above 0, at most 1e9", open_below=True)
