"""Rules of rows, checked batch by batch."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracetide.base.wording import Option, Told
from tracetide.io.formats.description import TraceFormat
from tracetide.io.reading.place import Place
from tracetide.io.reading.sessions import TurnCounter
from tracetide.validation.blocks import BlockRules
from tracetide.validation.report import Recorder


class RowRules:
    """Checks the rows of a format, in order."""

    def __init__(
        self,
        format: TraceFormat,
        columns: tuple[str, ...],
        block_size: int,
        recorder: Recorder,
        *,
        is_ordered: bool = True,
    ) -> None:
        self.first_turn: int | None = None
        """The first row that is a later turn of a session, from 1."""
        self._format = format
        self._is_ordered = is_ordered
        self._recorder = recorder
        self._rows = 0
        self._last = 0.0
        self._has_turns = "turn" in columns
        self._sessions = TurnCounter() if format.sessions == "turns" else None
        has_rounds = format.sessions == "rounds" and {"session_id", "turn"} <= set(columns)
        self._rounds = TurnCounter() if has_rounds else None
        self._blocks = None
        if "hash_ids" in columns and block_size:
            self._blocks = BlockRules(block_size, recorder)
        elif format.needs_ids and not format.deltas:  # whose ids are not those of whole prompts
            recorder.add("hash-missing", "there are no hash_ids; every row must have them")

    def check(self, batch: pa.RecordBatch) -> None:
        """The next rows."""
        self._check_times(batch.column("timestamp"))
        inputs = batch.column("input_tokens").to_numpy()
        self._check_tokens(inputs, batch.column("output_tokens").to_numpy())
        if self._blocks is not None:
            self._blocks.check(batch.column("hash_ids"), inputs, self._rows)
        if self.first_turn is None and self._has_turns:
            self._find_turn(batch.column("turn").to_numpy())
        if self._sessions is not None:
            self._check_sessions(batch)
        if self._rounds is not None:
            self._check_rounds(batch, self._rounds)
        if self._format.kept_model:
            empty = np.flatnonzero(batch.column("output_tokens").to_numpy() == 0)
            self._recorder.add_rows("response", self._rows + empty, repeat("it has no response"))
        if self._format.kept_model and "model" in batch.schema.names:
            self._check_models(batch)
        self._rows += len(batch)

    def _find_turn(self, turns: Any) -> None:
        later = turns > 1
        if later.any():
            self.first_turn = self._rows + int(later.argmax()) + 1

    def _check_times(self, column: pa.Array) -> None:
        rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        times = column.drop_null().to_numpy()
        if not times.size:
            return
        if self._rows == 0 and self._format.from_zero and times[0] != 0:
            found = f"the first row is at {times[0]:.9g} s, not at 0 (a conversion with "
            self._recorder.add("time-origin", Told(found, Option("rebase", True), " changes that)"), 1)
        if not self._is_ordered:
            return
        back = np.flatnonzero(np.diff(times, prepend=self._last) < 0)
        self._recorder.add_rows(
            "time-order",
            self._rows + rows[back],
            (
                f"{times[i]:.9g} s is not allowed; it must not be before the row above "
                f"({times[i - 1] if i else self._last:.9g} s)"
                for i in back
            ),
        )
        self._last = float(times[-1])

    def _check_tokens(self, inputs: Any, outputs: Any) -> None:
        rule = "tokens" if self._format.needs_ids else "no-tokens"
        for name, tokens in (("input", inputs), ("output", outputs)):
            none = np.flatnonzero(tokens == 0)
            allowed = "are not allowed; there must be at least 1" if rule == "tokens" else "are there"
            self._recorder.add_rows(rule, self._rows + none, repeat(f"0 {name} tokens {allowed}"))

    def _check_sessions(self, batch: pa.RecordBatch) -> None:
        assert self._sessions is not None
        turns = self._sessions.turns(batch.column("session_id"), Place("the trace", self._rows))
        has_time = batch.column("timestamp").is_valid().to_numpy(zero_copy_only=False)
        has_delay = np.zeros(len(batch), dtype=bool)
        if "delay" in batch.schema.names:
            has_delay = batch.column("delay").is_valid().to_numpy(zero_copy_only=False)
        late = np.flatnonzero((turns == 1) & ~has_time)
        self._recorder.add_rows(
            "session-start",
            self._rows + late,
            repeat("the first turn of a session has no timestamp; it must have one"),
        )
        lost = np.flatnonzero((turns > 1) & ~has_delay & ~has_time)
        self._recorder.add_rows(
            "session-delay",
            self._rows + lost,
            repeat("a later turn has neither a delay nor a timestamp; it must have one"),
        )

    def _check_rounds(self, batch: pa.RecordBatch, counter: TurnCounter) -> None:
        sessions = batch.column("session_id")
        sessions = pc.if_else(pc.equal(sessions, ""), pa.scalar(None, pa.string()), sessions)
        wanted = counter.turns(sessions, Place("the trace", self._rows)).astype(np.int64) - 1
        found = batch.column("turn").to_numpy().astype(np.int64) - 1
        in_session = sessions.is_valid().to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero(in_session & (found != wanted))
        self._recorder.add_rows(
            "round-order",
            self._rows + wrong,
            (
                f"round_index is {found[row]}; it must be {wanted[row]}, the next of its session"
                for row in wrong
            ),
        )

    def _check_models(self, batch: pa.RecordBatch) -> None:
        is_kept = pc.and_(
            pc.equal(batch.column("model"), self._format.kept_model),
            pc.greater(batch.column("output_tokens"), 0),
        )
        dropped = np.flatnonzero(~is_kept.fill_null(False).to_numpy(zero_copy_only=False))
        self._recorder.add_rows("model", self._rows + dropped, repeat("vLLM leaves this row out"))
