"""Distributions across clients, window by window."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from tracetide.profile.analysis.windows import LEVELS, window_columns
from tracetide.profile.view import ProfileView


def cdf_table(pool: ProfileView) -> Any:
    """Cumulative distributions across the clients of every window, as a pyarrow Table.

    Columns: `start` (float64, seconds), `column` (`rate`, `cv`, `input_tokens_avg`, `input_tokens_p50` and
    so on, as in `window_columns`), `value` and `probability` (float64): at that start, a share `probability`
    has at most `value`. Rates count every client alike, all else weighs clients by their rate, as in the
    study (arXiv 2505.09999). Clients of which a value is not known are not in its distribution.
    """
    import pyarrow as pa

    columns = window_columns(pool)
    statistics = ("avg", *LEVELS)
    names = ["rate", "cv", *(name for name in columns if name.rpartition("_")[2] in statistics)]
    starts, values, shares, sizes = [], [], [], []
    for name in names:
        known = np.isfinite(columns[name])
        start, value = columns["start"][known], columns[name][known]
        weight = np.ones(value.size) if name == "rate" else columns["rate"][known]
        order = np.lexsort((value, start))
        start, weight = start[order], weight[order]
        starts.append(start)
        values.append(value[order])
        shares.append(_running_share(start, weight))
        sizes.append(start.size)
    return pa.table(
        {
            "start": np.concatenate(starts),
            "column": pa.DictionaryArray.from_arrays(np.repeat(np.arange(len(names)), sizes), names),
            "value": np.concatenate(values),
            "probability": np.concatenate(shares),
        }
    )


def _running_share(start: Any, weight: Any) -> Any:
    """The running sum of weights within each start, over its total; exactly 1 at the last."""
    bounds = np.append(np.flatnonzero(np.diff(start, prepend=np.nan)), start.size)
    shares = np.empty(weight.size)
    for first, last in pairwise(bounds.tolist()):
        running = np.cumsum(weight[first:last])
        shares[first:last] = running / running[-1]
    return shares
