"""Models of sessions from the requests of sessions: turns, waits, and what turns add."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.base.grid import NS
from tracetide.fit.counted_laws import binned, counted
from tracetide.profile.sessions.models import MOST_TURNS, Sessions, User

Ints = npt.NDArray[np.int64]
Columns = dict[str, npt.NDArray[Any]]

_COHORT = (0.15, 0.6)
"""Sessions that begin in this part of the trace are seen whole, nearly: others have begun or end outside."""
_LEAST_COHORT = 50
_WITH_HISTORY = 0.7


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
    """Sessions that a trace tells, of two turns or more; None if there are none."""
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
    return Sessions(
        share=float(found.turns[several].sum() / found.turns[cohort].sum()),
        turns=found.law(several),
        steps=[User(think_time=binned(found.waits, 1000.0), tokens=binned(new, 1.0))],
        first_tokens=binned(np.maximum(inputs[found.starts[several]], 1), 1.0),
        wait_from="start",
        carry_context=carries,
    )


def sittings_of(columns: Columns, number: Ints) -> Sessions | None:
    """Sessions of clients by idle time, of two requests or more; None if there are none.

    All requests have their client's own lengths.
    """
    found = Turns(columns, number)
    several = found.turns > 1
    if not several.any():
        return None
    return Sessions(
        share=float(found.turns[several].sum() / found.turns.sum()),
        turns=found.law(several),
        steps=[User(think_time=binned(found.waits, 1000.0))],
        wait_from="start",
        carry_context=False,
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
