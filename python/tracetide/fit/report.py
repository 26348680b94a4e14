"""How well a fit fits, as tables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from tracetide.base.vocabulary import FAMILY_KEYS, FITTED_KEYS, GAMMA, WEIBULL
from tracetide.fit.arrivals import FALLBACKS, Cells
from tracetide.fit.lengths import FittedField
from tracetide.io.writing.table import write_table

if TYPE_CHECKING:
    import pandas

    from tracetide.profile.pool import ClientPool


@dataclass(frozen=True)
class FitReport:
    """What was fitted, and how well.

    Attributes:
        windows: a row for every window in which a client is active:

            - `client`, `window` (number), `start` (s), `requests`, `rate` (requests/s), `cv`;
            - `family` and `shape`: what the profile has; "table" for gaps that no family has, whose shape is
              the table's number;
            - `fallback`: where they are from: "window", its own gaps; "epoch" or "trace", the client's gaps
              pooled; "exponential", none;
            - `shape_gamma`, `shape_weibull`: maximum likelihood, from the same gaps;
            - `ks_*` and `p_*` for each family: the Kolmogorov-Smirnov statistic and its p-value. The
              parameters are from the same gaps, so p-values are too large (Lilliefors 1967): a small one
              refutes a family, a large one does not prove it.
        lengths: a row for every distribution: `client`, `epoch` (the first that it is for), `field`,
            `observations`, `distinct` (values), `kind` (as in a profile); with `lengths="parametric"` also
            `law`, `ks` (its distance from the lengths), and its parameters.
    """

    windows: pa.Table
    lengths: pa.Table

    def to_pandas(self) -> pandas.DataFrame:
        """The windows as a data frame; needs pandas."""
        return self.windows.to_pandas()

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the windows: `.csv`, `.parquet` or `.arrow`."""
        write_table(self.windows, path)

    def write_lengths(self, path: str | os.PathLike[str]) -> None:
        """Write the lengths: `.csv`, `.parquet` or `.arrow`."""
        write_table(self.lengths, path)


class FitResult(NamedTuple):
    """A fitted pool and the report."""

    pool: ClientPool
    report: FitReport


def windows_table(cells: Cells, rates: Any, names: list[str], window_s: float) -> pa.Table:
    """The table of windows."""
    client = pa.DictionaryArray.from_arrays(pa.array(cells.client.astype(np.int32)), pa.array(names))
    columns = {
        "client": client.dictionary_decode(),
        "window": cells.window.astype(np.uint32),
        "start": cells.window * window_s,
        "requests": cells.requests,
        "rate": rates,
        "cv": cells.cv,
        "family": _words(cells.family, FAMILY_KEYS),
        "shape": cells.shape,
        "fallback": _words(cells.fallback, FALLBACKS),
        **{f"shape_{FAMILY_KEYS[number]}": cells.shapes[number] for number in (GAMMA, WEIBULL)},
        **{f"ks_{family}": cells.ks[number] for number, family in enumerate(FITTED_KEYS)},
        **{f"p_{family}": cells.p_value[number] for number, family in enumerate(FITTED_KEYS)},
    }
    return pa.table({name: _no_nan(column) for name, column in columns.items()})


def lengths_table(fitted: list[FittedField], names: list[str]) -> pa.Table:
    """The table of distributions."""
    columns: dict[str, list[Any]] = {
        "client": [names[entry.client] for entry in fitted],
        "epoch": [entry.epoch for entry in fitted],
        "field": [entry.field for entry in fitted],
        "observations": [entry.observations for entry in fitted],
        "distinct": [entry.distinct for entry in fitted],
        "kind": [entry.law.kind for entry in fitted],
    }
    good = [entry.goodness for entry in fitted]
    if any(good):
        columns["law"] = [one.law if one else None for one in good]
        columns["ks"] = [one.ks if one else None for one in good]
        for name in sorted({name for one in good if one for name in one.parameters}):
            columns[name] = [one.parameters.get(name) if one else None for one in good]
    return pa.table(columns)


def _words(numbers: Any, words: tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(
        pa.array(numbers.astype(np.int8)), pa.array(words)
    ).dictionary_decode()


def _no_nan(column: Any) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    return pa.array(column, from_pandas=column.dtype.kind == "f")
