"""The windows of a pool as columns: one row for every window in which a client is active."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.grid import NS
from tracetide.base.vocabulary import FAMILIES, KINDS, MISSING
from tracetide.profile.view import ProfileView

Floats = npt.NDArray[np.float64]
Columns = dict[str, npt.NDArray[Any]]

LEVELS = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def window_columns(pool: ProfileView) -> Columns:
    """One row per client and window of the pool's span in which the client is active, by time and client.

    Returns:
        Arrays of one length:

        - `start`, `duration`: float64, seconds; `start` counts from the profile's start, and both are cut
          to the pool's span, and to `pool.duration`;
        - `client`: uint32; `client_name`: str;
        - `rate`: float64, requests/s; `requests`: rate * duration, the expected number;
        - `family`: str; `shape`, `cv`: float64; of a gap table the shape is its number, and a CV that the
          profile has not is NaN;
        - for every field `<field>_avg`, `_p50`, `_p95`, `_p99` and `_max`: float64, of the distribution
          that sampling would use; NaN where a client has none. `p95` is the lowest value that at least
          95 % do not exceed. Multimodal profiles also have `input_tokens_avg` and `input_tokens_max`:
          text and all items.
    """
    cells, inside, start, duration = cells_within(pool, pool.profile)
    profile = pool.profile
    window_ns = profile.window_ns
    window, client, rate = (cells[name][inside] for name in ("window", "client", "rate"))
    columns: Columns = {
        "start": start / NS,
        "duration": duration,
        "client": client,
        "client_name": _names(profile)[client],
        "rate": rate,
        "requests": rate * duration,
        "family": np.array(FAMILIES)[cells["family"][inside]],
        "shape": cells["shape"][inside],
        "cv": cells["cv"][inside],
    }
    epoch = window.astype(np.int64) * window_ns // profile.epoch_ns % profile.epochs
    return columns | length_statistics(profile, epoch, client)


def cells_within(
    pool: ProfileView, profile: _core.Profile
) -> tuple[Columns, npt.NDArray[np.bool_], npt.NDArray[np.int64], Floats]:
    """The cells of a profile; which are in the pool's span; and of those start, ns, and duration, s."""
    cells = profile.cells()
    first, last = round(pool.start * NS), round(pool.end * NS)
    told = round((pool.start + pool.duration) * NS)
    begin = cells["window"].astype(np.int64) * profile.window_ns
    inside = (begin < last) & (begin + profile.window_ns > first)
    begin = begin[inside]
    start = np.maximum(begin, first)
    duration: Floats = np.maximum(np.minimum(begin + profile.window_ns, told) - start, 0) / NS
    return cells, inside, start, duration


def _names(profile: _core.Profile) -> npt.NDArray[Any]:
    return np.array(profile.client_names, dtype=str)


def length_statistics(
    profile: _core.Profile, epoch: npt.NDArray[np.integer[Any]], client: npt.NDArray[np.integer[Any]]
) -> Columns:
    """Statistics of every field's distribution at pairs of epoch and client, by column name."""
    found = profile.statistics(np.array(list(LEVELS.values())))
    by_statistic = {
        "avg": found["mean"],
        **{name: found["quantiles"][:, i] for i, name in enumerate(LEVELS)},
        "max": found["maximum"],
    }
    # A row more, for what is missing.
    tables = {name: np.append(values, np.nan) for name, values in by_statistic.items()}
    ids = profile.ids(True)
    columns: Columns = {}
    for position, field in enumerate(profile.fields):
        id = ids[epoch, client, position]
        at = np.where(id == MISSING, np.uint32(profile.distributions), id)
        columns |= {f"{field}_{name}": table[at] for name, table in tables.items()}
    if profile.category == "multimodal":
        columns |= {f"input_tokens_{name}": _whole_input(columns, name) for name in ("avg", "max")}
    return columns


def _whole_input(columns: Columns, name: str) -> Floats:
    """Text and items: for the mean, counts and sizes are independent (Wald's equation)."""
    total: Floats = columns[f"text_tokens_{name}"].copy()
    for kind in KINDS:
        total += columns[f"{kind}_count_{name}"] * columns[f"{kind}_tokens_{name}"]
    return total


def window_table(pool: ProfileView) -> Any:
    """`window_columns` as a pyarrow Table: null for what is not known, names and families as dictionaries."""
    import pyarrow as pa

    columns = window_columns(pool)
    return pa.table(
        {
            name: pa.array(values).dictionary_encode()
            if values.dtype.kind == "U"
            else pa.array(values, from_pandas=True)  # NaN is null
            for name, values in columns.items()
        }
    )
