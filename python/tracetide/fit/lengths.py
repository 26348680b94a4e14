"""The distributions of every client in every epoch, and the rank correlations between its fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracetide.base.errors import TraceError
from tracetide.base.vocabulary import FIELDS, KINDS
from tracetide.fit.correlation import Correlations, spearman_groups
from tracetide.fit.parametric import Goodness, exponential, mixture
from tracetide.fit.sample import GroupedSample
from tracetide.passes.pieces import Piece
from tracetide.profile.empirical_laws import ALWAYS_ZERO, RATIO_TICKS, Law, ratios, whole_numbers
from tracetide.statistics.histogram import FULL_BITS, Counts, Histograms

Values = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int64]

_SAMPLE_CAP, _SAMPLE_BUDGET = 1 << 16, 1 << 21


@dataclass(frozen=True)
class FittedField:
    """A distribution of a client from one epoch on, until its next.

    Attributes:
        client: code.
        epoch: the first that it is for.
        field: name.
        law: the distribution.
        observations: how many it is from.
        distinct: how many different values they had, after they were put into bins if they were.
        goodness: how a parametric law fits.
    """

    client: int
    epoch: int
    field: str
    law: Law
    observations: int
    distinct: int
    goodness: Goodness | None = None


class Lengths:
    """Takes pieces and makes distributions.

    An epoch in which a client has at least `least` requests has its own. Epochs with fewer are counted
    together, one after the other, until they have as many, or one comes that has as many by itself, or the
    trace ends.

    Counts and samples are kept by slot: 2 c for what client c had in this epoch, 2 c + 1 for what waits from
    earlier ones.
    """

    def __init__(
        self,
        category: str,
        columns: tuple[str, ...],
        origin: str,
        *,
        least: int,
        budget: int,
        parametric: bool,
    ) -> None:
        self._fields = FIELDS[category]
        self._columns = columns
        self._origin = origin
        self._least = least
        self._parametric = parametric
        self._once = [field for field in self._fields if field[:5] not in KINDS or field.endswith("count")]
        self._histograms = {field: Histograms(budget // len(self._fields)) for field in self._fields}
        self._sample = GroupedSample(_SAMPLE_CAP, _SAMPLE_BUDGET, [np.uint32] * len(self._once))
        self._requests: Ints = np.zeros(0, dtype=np.int64)
        self._epoch: Ints = np.zeros(0, dtype=np.int64)
        self.fitted: list[FittedField] = []
        self.correlations = Correlations(self._once)
        self.coarsest = FULL_BITS

    def add(self, piece: Piece, epoch: int) -> None:
        """Take the next piece, of this epoch."""
        rows = piece.by_client
        slot = rows.client * np.uint32(2)
        self._count(slot[rows.starts], rows.counts, epoch)
        columns = {}
        for field in self._once:
            columns[field] = rows.sort(self._once_per_request(piece, field)).astype(np.uint32, copy=False)
            if field.endswith("_count") and f"{field[:5]}_tokens" not in self._columns:
                continue
            self._histograms[field].add(slot, columns[field])
        for kind in KINDS:
            if f"{kind}_tokens" in self._columns and f"{kind}_tokens" in self._fields:
                counts, items = piece.lists(f"{kind}_tokens")
                owner = np.repeat(piece.client * np.uint32(2), counts)
                self._histograms[f"{kind}_tokens"].add(owner, items)
        self._sample.add(slot, rows.starts, rows.counts, [columns[field] for field in self._once])

    def end_epoch(self) -> None:
        """No more rows of this epoch will come."""
        own, waiting = self._requests[0::2], self._requests[1::2]
        is_enough = own >= self._least
        # What is not enough by itself waits together with what waited.
        moving = np.zeros(self._requests.size, dtype=bool)
        moving[0::2] = (own > 0) & ~is_enough
        is_first = moving[0::2] & (waiting == 0)
        self._epoch[1::2][is_first] = self._epoch[0::2][is_first]
        for histograms in self._histograms.values():
            histograms.move(moving)
        self._sample.move(moving)
        waiting += np.where(moving[0::2], own, 0)
        own[moving[0::2]] = 0
        ready = np.zeros(self._requests.size, dtype=bool)
        ready[0::2] = is_enough
        ready[1::2] = (waiting >= self._least) | (is_enough & (waiting > 0))
        self._emit(ready)

    def finish(self) -> None:
        """No more rows will come."""
        self._emit(self._requests > 0)

    def _count(self, slots: Values, counts: Ints, epoch: int) -> None:
        more = int(slots[-1]) + 2 - self._requests.size
        if more > 0:
            more += 1024
            self._requests = np.append(self._requests, np.zeros(more, dtype=np.int64))
            self._epoch = np.append(self._epoch, np.zeros(more, dtype=np.int64))
        self._epoch[slots] = epoch
        self._requests[slots] += counts

    def _once_per_request(self, piece: Piece, field: str) -> npt.NDArray[np.generic]:
        if field == "reason_ratio":
            return self._ratio(piece)
        if field.endswith("_count"):
            name = f"{field[:5]}_tokens"
            return piece.lists(name)[0] if name in self._columns else np.zeros(len(piece), dtype=np.uint32)
        if field == "text_tokens" and field not in self._columns:
            return self._text(piece)
        return piece.column(field)

    def _ratio(self, piece: Piece) -> Ints:
        reason = piece.column("reason_tokens").astype(np.int64)
        output = piece.column("output_tokens").astype(np.int64)
        self._fail_at(
            reason > output,
            piece,
            "reason_tokens",
            reason,
            "it must be at most output_tokens, of which it is part",
        )
        return np.rint(reason / np.maximum(output, 1) * RATIO_TICKS).astype(np.int64)

    def _text(self, piece: Piece) -> Ints:
        """What the items leave of the input."""
        inputs = piece.column("input_tokens").astype(np.int64)
        items = np.zeros_like(inputs)
        for kind in KINDS:
            if f"{kind}_tokens" in self._columns:
                counts, values = piece.lists(f"{kind}_tokens")
                row = np.repeat(np.arange(len(piece)), counts)
                items += np.bincount(row, values, minlength=len(piece)).astype(np.int64)
        self._fail_at(
            items > inputs, piece, "input_tokens", inputs, "it must be at least the sum of its items' tokens"
        )
        return inputs - items

    def _fail_at(
        self, wrong: npt.NDArray[np.bool_], piece: Piece, column: str, values: Ints, allowed: str
    ) -> None:
        if wrong.any():
            at = int(wrong.argmax())
            raise TraceError(
                f"{self._origin}: row {piece.row[at] + 1}, column {column!r}: {values[at]} is not "
                f"allowed; {allowed}"
            )

    def _emit(self, ready: npt.NDArray[np.bool_]) -> None:
        if not ready.any():
            return
        for field, histograms in self._histograms.items():
            self.coarsest = min(self.coarsest, histograms.bits)
            make = self._maker(field)
            has = np.zeros(ready.size, dtype=bool)
            for slot, counts in histograms.take(ready):
                law, goodness = make(counts)
                has[slot] = True
                entry = (slot // 2, int(self._epoch[slot]), field, law, counts.total, counts.values.size)
                self.fitted.append(FittedField(*entry, goodness))
            for slot in np.flatnonzero(ready & ~has).tolist():  # items of a kind that never come
                self.fitted.append(FittedField(slot // 2, int(self._epoch[slot]), field, ALWAYS_ZERO, 0, 1))
        slots, columns = self._sample.take(ready)
        for half in (0, 1):
            rows = np.flatnonzero(slots % 2 == half)
            if rows.size:
                found = spearman_groups(slots[rows] // np.uint32(2), [column[rows] for column in columns])
                self.correlations.add(*found)
        self._requests[ready] = 0

    def _maker(self, field: str) -> Callable[[Counts], tuple[Law, Goodness | None]]:
        if self._parametric and field in ("input_tokens", "text_tokens"):
            return mixture
        if self._parametric and field == "output_tokens":
            return exponential
        if field == "reason_ratio":
            return lambda counts: (ratios(counts), None)
        return lambda counts: (whole_numbers(counts), None)
