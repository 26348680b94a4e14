"""Findings 6 to 8: load of images, audio and video, which shifts apart from the text (figures 7, 8 and 9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tracetide.base.vocabulary import KINDS
from tracetide.characterize.correlation import bins_table
from tracetide.characterize.figures.modality import chart
from tracetide.characterize.finding import Finding, Part, Whole, quantile_numbers, table_of
from tracetide.characterize.rates import readable_step
from tracetide.measures.intervals import IntervalSums
from tracetide.measures.pairs import Pairs
from tracetide.measures.series import rank_correlation
from tracetide.statistics.points import Points
from tracetide.statistics.whole_numbers import WholeNumbers, points_of_counts

RATIO_STEPS = 1000
_STANDARD_SIZES = 5
_MOST_ROWS = 4096


@dataclass
class _Kind:
    """What is counted of one kind of items."""

    per_request: WholeNumbers = field(default_factory=WholeNumbers)
    per_item: WholeNumbers = field(default_factory=WholeNumbers)
    with_text: Pairs = field(default_factory=Pairs)
    requests: int = 0


class Modality:
    """Counts items per request and tokens per item exactly (`WholeNumbers`), and pairs of text and items.

    Memory: 8 MiB a kind of items, and 32 MiB for the load over time.
    """

    def __init__(self) -> None:
        self._kinds = {kind: _Kind() for kind in KINDS}
        self._sums = IntervalSums(("text", *KINDS))
        self._ratios = np.zeros(RATIO_STEPS + 1, dtype=np.int64)

    def add(self, part: Part) -> None:
        """Take the next part."""
        tokens = [part.text]
        for kind, counted in self._kinds.items():
            if kind not in part.kinds:
                tokens.append(np.zeros(len(part), dtype=np.int64))
                continue
            counts, values = part.items(kind)
            of_kind = part.item_tokens(kind)
            counted.per_request.add(counts)
            counted.per_item.add(values)
            some = counts > 0
            counted.with_text.add(part.text[some], of_kind[some])
            counted.requests += int(np.count_nonzero(some))
            tokens.append(of_kind)
        self._sums.add(part.piece.time_ns, *tokens)
        whole = part.column("input_tokens").astype(np.int64)
        ratio = np.rint(part.all_items / np.maximum(whole, 1) * RATIO_STEPS).astype(np.int64)
        self._ratios += np.bincount(ratio, minlength=RATIO_STEPS + 1)

    def result(self, whole: Whole) -> Finding | None:
        """The finding; None where no request has items."""
        kinds = {kind: counted for kind, counted in self._kinds.items() if counted.requests}
        if not kinds:
            return None
        ratios = Points.of(np.arange(RATIO_STEPS + 1) / RATIO_STEPS, self._ratios)
        load = self._sums.at(readable_step(whole.duration_s, self._sums.step_s), whole.duration_s)
        numbers: dict[str, Any] = {"step": load.step_s}
        tables: dict[str, Any] = {}
        for kind, counted in kinds.items():
            numbers[kind], of_kind = _kind(counted, whole.requests)
            rates = load.sums[kind], load.sums["text"]
            numbers[kind]["load_and_text_load"] = rank_correlation(*rates)
            tables |= {f"{name}_{kind}": table for name, table in of_kind.items()}
        numbers["item_share"] = {"mean": ratios.mean, "quantiles": quantile_numbers(ratios)}
        tables["item_share"] = table_of({"item_share": ratios.values, "share": ratios.weights / ratios.total})
        columns = {"start": load.start_s, "rate": load.rate}
        columns |= {f"{name}_tokens_per_s": load.sums[name] / load.step_s for name in ("text", *kinds)}
        tables["modality_load"] = table_of(columns)
        return Finding("modality", "7, 8, 9", numbers, tables, chart)


def _kind(counted: _Kind, requests: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The numbers and tables of one kind."""
    per_request = points_of_counts(counted.per_request.counts())
    per_item = points_of_counts(counted.per_item.counts())
    order = np.argsort(-per_item.weights, kind="stable")[:_STANDARD_SIZES]
    numbers = {
        "share_of_requests": counted.requests / requests,
        "items_per_request": {"mean": per_request.mean, "quantiles": quantile_numbers(per_request)},
        "tokens_per_item": {"mean": per_item.mean, "quantiles": quantile_numbers(per_item)},
        "standard_sizes": {
            f"{per_item.values[row]:g}": float(per_item.weights[row] / per_item.total) for row in order
        },
        "text_spearman": counted.with_text.spearman(),
    }
    tables = {
        "items_per_request": _shares("items", per_request),
        "tokens_per_item": _shares("tokens", per_item),
        "items_by_text": bins_table(counted.with_text),
    }
    return numbers, tables


def _shares(name: str, points: Points) -> Any:
    """Values and how large a share has at most them; of very many, evenly chosen ones."""
    size = points.values.size
    rows = np.unique(np.linspace(0, size - 1, min(size, _MOST_ROWS)).astype(np.int64))
    return table_of({name: points.values[rows], "share_at_most": points.cumulative[rows]})
