"""Models of sessions from the requests of sessions: turns, waits, and what turns add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.base.grid import NS
from tracetide.fit.counted_laws import binned, counted
from tracetide.fit.persistence import persistence_of
from tracetide.fit.think_time import ThinkTime
from tracetide.profile.sessions.models import MOST_TURNS, Sessions, User

Ints = npt.NDArray[np.int64]
Columns = dict[str, npt.NDArray[Any]]

_COHORT = (0.15, 0.6)
"""Sessions that begin in this part of the trace are seen whole, nearly: others have begun or end outside."""
_LEAST_COHORT = 50
_WITH_HISTORY = 0.7
_OWN = ("input_tokens", "output_tokens")


class Turns:
    """Requests in the order of sessions, and of time within a session.

    Attributes:
        columns: in the order of the trace.
        order: the row of each.
        starts: of sessions, in this order.
        turns: of sessions, how many.
        follows: later turns than the first, in this order.
        waits: seconds from the turn before, of `follows`.
    """

    def __init__(self, columns: Columns, number: Ints) -> None:
        """Of the columns of requests, and the number of each one's session."""
        self.columns = columns
        self.order = np.lexsort((columns["time"], number))
        session = number[self.order]
        begins = np.append(True, session[1:] != session[:-1])
        self.starts = np.flatnonzero(begins)
        self.turns = np.diff(np.append(self.starts, session.size))
        self.follows = np.flatnonzero(~begins)
        time = self.column("time")
        self.waits = (time[self.follows] - time[self.follows - 1]) / NS

    def column(self, name: str) -> npt.NDArray[Any]:
        """A column in this order."""
        found: npt.NDArray[Any] = self.columns[name][self.order]
        return found

    def law(self, chosen: npt.NDArray[np.bool_]) -> dict[float, float]:
        """How many turns the chosen sessions have."""
        sessions = np.bincount(np.minimum(self.turns[chosen], MOST_TURNS))
        at = np.flatnonzero(sessions)
        return counted(at, sessions[at])


def conversations_of(columns: Columns, number: Ints) -> Sessions | None:
    """Sessions that a trace tells, of two turns or more; None if there are none.

    Args:
        columns: "time" (ns), "client", "input_tokens", "output_tokens" and "rank_group" (within which
            lengths are compared) of requests; "reason_tokens" where there are any.
        number: of each one's session.
    """
    found = Turns(columns, number)
    time = found.column("time")
    begin, end = int(columns["time"].min()), int(columns["time"].max())
    early, late = (begin + part * (end - begin) for part in _COHORT)
    cohort = (time[found.starts] >= early) & (time[found.starts] <= late)
    if np.count_nonzero(cohort & (found.turns > 1)) < _LEAST_COHORT:
        cohort[:] = True
    several = cohort & (found.turns > 1)
    if not several.any():
        return None
    inputs = found.column("input_tokens")
    new, carries = _new_tokens(found)
    growth, think_time = _think_time(found, new)
    return Sessions(
        share=float(found.turns[several].sum() / found.turns[cohort].sum()),
        turns=found.law(several),
        steps=[User(think_time=think_time, tokens=binned(new, 1.0))],
        first_tokens=binned(np.maximum(inputs[found.starts[several]], 1), 1.0),
        wait_from="start",
        carry_context=carries,
        wait_output=growth.output,
        wait_tokens=growth.tokens,
        persistence=_lasting(found, found.turns > 1, ["output_tokens"]),
    )


def sittings_of(columns: Columns, number: Ints, fields: Sequence[str]) -> Sessions | None:
    """Sessions of clients by idle time, of two requests or more; None if there are none.

    All requests have their client's own lengths.

    Args:
        columns, number: as of `conversations_of`.
        fields: of the lengths that are drawn.
    """
    found = Turns(columns, number)
    several = found.turns > 1
    if not several.any():
        return None
    growth, think_time = _think_time(found, found.column("input_tokens")[found.follows])
    return Sessions(
        share=float(found.turns[several].sum() / found.turns.sum()),
        turns=found.law(several),
        steps=[User(think_time=think_time)],
        wait_from="start",
        carry_context=False,
        wait_output=growth.output,
        wait_tokens=growth.tokens,
        persistence=_lasting(found, found.turns > 0, [name for name in _OWN if name in fields]),
    )


def _new_tokens(found: Turns) -> tuple[Ints, bool]:
    """What later turns add, and whether they have the turns before in their inputs."""
    inputs, outputs = found.column("input_tokens"), found.column("output_tokens")
    kept = outputs[found.follows - 1]
    if "reason_tokens" in found.columns:
        kept = kept - found.column("reason_tokens")[found.follows - 1]
    before = inputs[found.follows - 1]
    added = inputs[found.follows] - before - kept
    # Tokenizers do not count a history to the token. Where many turns have much less, the log leaves it out.
    carries = bool(np.mean(added >= -0.05 * before) >= _WITH_HISTORY)
    return (np.maximum(added, 0) if carries else inputs[found.follows]), carries


def _think_time(found: Turns, new: Ints) -> tuple[ThinkTime, dict[float, float]]:
    """How waits grow with the output before and the new tokens, and the law of what is left of them."""
    before = found.column("output_tokens")[found.follows - 1]
    growth = ThinkTime.of(found.waits, before, new)
    return growth, binned(growth.law(found.waits, before, new), 1000.0)


def _lasting(
    found: Turns, chosen: npt.NDArray[np.bool_], fields: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Share and memory of the fields that last along the chosen sessions."""
    rows = found.order[np.repeat(chosen, found.turns)]
    session = np.repeat(np.arange(found.turns.size), found.turns)[np.repeat(chosen, found.turns)]
    client, group = found.columns["client"][rows], found.columns["rank_group"][rows]
    # Side by side by client; a session of several clients is one of each.
    order = np.lexsort((session, client))
    pairs = {
        name: persistence_of(group[order], client[order], session[order], found.columns[name][rows][order])
        for name in fields
    }
    return {name: pair for name, pair in pairs.items() if pair[0] > 0}
