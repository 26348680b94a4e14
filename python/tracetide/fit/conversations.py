"""Turns, times between them and growth of inputs, where a trace has sessions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from tracetide.base.grid import NS
from tracetide.fit.sample import GroupedSample
from tracetide.passes.pieces import Piece

Ints = npt.NDArray[np.int64]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_CAP = 1 << 18


class Conversations:
    """Takes pieces; keeps an entry for every session, about 200 bytes, up to `most` sessions.

    Requests of sessions that begin after that are not followed, which the result tells.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[Any, int] = {}
        self._last_ns: Ints = np.zeros(0, dtype=np.int64)
        self._last_input: Ints = np.zeros(0, dtype=np.int64)
        self._turns: Ints = np.zeros(0, dtype=np.int64)
        self._steps = GroupedSample(_CAP, _CAP, [np.int64, np.int64])
        self._step_sums = np.zeros(3)
        self._requests = self._without = self._not_followed = 0

    def add(self, piece: Piece) -> None:
        """Take the next piece."""
        number = self._numbers(piece)
        self._requests += len(piece)
        rows = np.flatnonzero(number >= 0)
        if not rows.size:
            return
        rows = rows[np.argsort(number[rows], kind="stable")]
        session, time = number[rows], piece.time_ns[rows]
        inputs = piece.column("input_tokens")[rows].astype(np.int64)
        starts = np.flatnonzero(np.append(True, session[1:] != session[:-1]))
        here, counts = session[starts], np.diff(np.append(starts, session.size))
        step_ns, growth = np.diff(time, prepend=0), np.diff(inputs, prepend=0)
        step_ns[starts] = time[starts] - self._last_ns[here]
        growth[starts] = inputs[starts] - self._last_input[here]
        follows = np.ones(session.size, dtype=bool)
        follows[starts] = self._turns[here] > 0
        self._turns[here] += counts
        self._last_ns[here] = time[starts + counts - 1]
        self._last_input[here] = inputs[starts + counts - 1]
        # In the order of the trace, so that the sample does not depend on how sessions are numbered.
        later = np.sort(rows[follows])
        if later.size:
            place = np.empty(len(piece), dtype=np.int64)
            place[rows] = np.arange(rows.size)
            step_ns, growth = step_ns[place[later]], growth[place[later]]
            self._step_sums += later.size, step_ns.sum(dtype=np.float64), growth.sum(dtype=np.float64)
            nobody = np.zeros(later.size, dtype=np.uint32)
            self._steps.add(nobody, np.zeros(1, dtype=np.int64), np.array([later.size]), [step_ns, growth])

    def _numbers(self, piece: Piece) -> Ints:
        """The number of each row's session; -1 where it has none or is not followed."""
        encoded = pc.dictionary_encode(piece.table.column("session_id").combine_chunks())
        known = self._known
        table = np.empty(len(encoded.dictionary) + 1, dtype=np.int64)
        for position, name in enumerate(encoded.dictionary.to_pylist()):
            if name not in known and len(known) < self._most and name != "":
                known[name] = len(known)
            table[position] = known.get(name, -2 if name != "" else -1)
        table[-1] = -1
        codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        number: Ints = table[codes]
        self._without += int(np.count_nonzero(number == -1))
        self._not_followed += int(np.count_nonzero(number == -2))
        more = len(known) - self._turns.size
        if more > 0:
            self._turns, self._last_ns, self._last_input = (
                np.append(column, np.zeros(more + 1024, dtype=np.int64))
                for column in (self._turns, self._last_ns, self._last_input)
            )
        return number

    def summary(self) -> dict[str, Any]:
        """What was measured, for the profile's provenance."""
        turns = self._turns[self._turns > 0]
        several = turns[turns > 1]
        found: dict[str, Any] = {
            "sessions": int(turns.size),
            "requests_without_session": self._without,
            "requests_not_followed": self._not_followed,
            "share_in_conversations": _rounded(several.sum() / self._requests),
            "conversations": int(several.size),
        }
        if self._not_followed:
            found["note"] = f"only the first {self._most} sessions were followed"
        if several.size:
            _, (step_ns, growth) = self._steps.take()
            steps, seconds, tokens = self._step_sums
            found |= {
                "turns_mean": _rounded(several.mean()),
                "turns_quantiles": _quantiles(several),
                "inter_turn_seconds_mean": _rounded(seconds / steps / NS),
                "inter_turn_seconds_quantiles": _quantiles(step_ns.astype(np.float64) / NS),
                "input_growth_mean": _rounded(tokens / steps),
                "input_growth_quantiles": _quantiles(np.asarray(growth)),
            }
        return found


def _quantiles(values: npt.NDArray[Any]) -> dict[str, float]:
    found = np.quantile(values, _QUANTILES, method="inverted_cdf")
    return {f"{p:g}": _rounded(value) for p, value in zip(_QUANTILES, found, strict=True)}


def _rounded(value: Any) -> float:
    return float(f"{float(value):.6g}")
