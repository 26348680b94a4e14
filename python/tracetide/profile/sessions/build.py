"""Models of sessions into profiles."""

from __future__ import annotations

from typing import Any

from tracetide import _core
from tracetide.base.vocabulary import MISSING
from tracetide.profile.reshape.copying import copy_of
from tracetide.profile.sessions.laws import add_whole, law_of, scaled
from tracetide.profile.sessions.models import MOST_CALLS, MOST_TURNS, Sessions, Step, SubAgent, Tool, User
from tracetide.profile.values import LARGEST, Values
from tracetide.profile.view import ProfileView

_MS = 1000.0


def add_sessions(builder: _core.ProfileBuilder, sessions: Sessions) -> int:
    """Add a model with those of its sub-agents, which come after it; returns its number.

    Raises:
        ValueError: naming what does not fit.
    """
    order = _depth_first(sessions)
    # The builder numbers models as they come: those of sub-agents are known before they are added.
    first = builder.session_models
    numbers = {id(model): first + position for position, model in enumerate(order)}
    for model in order:
        builder.add_session_model(
            {
                "share": float(model.share),
                "overhead": model.service.overhead,
                "input_time": model.service.input_token,
                "output_time": model.service.output_token,
                "turns": add_whole(builder, law_of("turns", model.turns), 1, MOST_TURNS),
                "first_tokens": _tokens(builder, "first_tokens", model.first_tokens, 1),
                "context_limit": model.context_limit or 0,
                "restarts": int(model.at_limit == "end"),
                "waits_from_start": int(model.wait_from == "start"),
                "keeps_reasoning": int(model.keep_reasoning),
                "forgets": int(not model.carry_context),
                "persistence": model.persistence,
            },
            [_step(builder, step, numbers) | _growth(model, step) for step in model.steps],
        )
    return first


def with_sessions(pool: ProfileView, sessions: Sessions | None) -> _core.Profile:
    """The pool's profile with a model of sessions for all clients, or none, instead of what they had."""
    if sessions is not None and not isinstance(sessions, Sessions):
        raise ValueError(f"sessions: {sessions!r} is not allowed; it must be Sessions or None")
    plain = pool.profile.without_sessions()
    if sessions is None:
        return plain
    builder = copy_of(plain)
    model = add_sessions(builder, sessions)
    for client in range(plain.clients):
        builder.set_session(client, model)
    return builder.build()


def _depth_first(sessions: Sessions) -> list[Sessions]:
    """The model and those of its sub-agents, each after all that call it. Models cannot call in a circle:
    they are made before they are named.
    """
    order: dict[int, Sessions] = {}

    def visit(model: Sessions) -> None:
        if id(model) in order:
            return
        for step in model.steps:
            if isinstance(step, SubAgent):
                visit(step.sessions)
        order[id(model)] = model

    visit(sessions)
    return list(order.values())[::-1]


def _step(builder: _core.ProfileBuilder, step: Step, numbers: dict[int, int]) -> dict[str, Any]:
    wait = step.think_time if isinstance(step, User) else step.latency
    made: dict[str, Any] = {
        "weight": float(step.weight),
        "failure": 0.0,
        "wait": add_whole(builder, scaled(law_of("wait", wait), _MS), 0, LARGEST),
        "tokens": _tokens(builder, "tokens", step.tokens, 0),
        "calls": MISSING,
        "child": numbers[id(step.sessions)] if isinstance(step, SubAgent) else MISSING,
        "failure_tokens": MISSING,
        "retries": 0,
    }
    if not isinstance(step, User) and step.calls != 1:
        made["calls"] = add_whole(builder, law_of("calls", step.calls), 1, MOST_CALLS)
    if isinstance(step, Tool):
        made["failure"] = float(step.failure)
        made["failure_tokens"] = _tokens(builder, "failure_tokens", step.failure_tokens, 0)
        made["retries"] = step.retries
    return made


def _growth(model: Sessions, step: Step) -> dict[str, float]:
    if not isinstance(step, User):
        return {}
    return {"wait_output": model.wait_output, "wait_tokens": model.wait_tokens}


def _tokens(builder: _core.ProfileBuilder, name: str, value: Values | None, low: int) -> int:
    return MISSING if value is None else add_whole(builder, law_of(name, value), low, LARGEST)
