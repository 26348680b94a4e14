"""Which windows of a pool to keep: ranges of columns, a predicate, the largest clients, named clients."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.grid import NS
from tracetide.base.vocabulary import FAMILIES
from tracetide.profile.analysis.windows import Columns, cells_within, window_columns
from tracetide.profile.view import ProfileView

Keep = npt.NDArray[np.bool_]
Range: TypeAlias = "tuple[float | None, float | None]"
Predicate: TypeAlias = "Callable[[Mapping[str, npt.NDArray[Any]]], npt.ArrayLike]"

SHORT_NAMES = {
    "avg_input": "input_tokens_avg",
    "avg_output": "output_tokens_avg",
    "max_input": "input_tokens_max",
    "max_output": "output_tokens_max",
}
_TEXTS = ("client_name", "family")


def keep_by(pool: ProfileView, predicate: Predicate | None, ranges: Mapping[str, Any]) -> Keep:
    """Which of all cells of the profile are in the pool's span and meet every condition.

    Args:
        pool: whose windows.
        predicate: takes the columns of `window_columns`, gives a bool for every row.
        ranges: by column or short name: (low, high), both included, None for no bound; a number is an
            upper bound for `_max` columns.

    Raises:
        ValueError: naming the filter, the value and what is allowed.
    """
    columns = window_columns(pool)
    keep = np.ones(columns["rate"].size, dtype=bool)
    for name, wanted in ranges.items():
        keep &= _in_range(columns, name, wanted)
    if predicate is not None:
        keep &= _predicate(predicate, columns)
    return _of_all_cells(pool, keep)


def keep_top(pool: ProfileView, k: int, by: str) -> Keep:
    """The cells of the `k` clients of the highest `by`: expected requests, or the mean of a column."""
    try:
        count = operator.index(k)
    except TypeError:
        count = 0
    if count < 1:
        raise ValueError(f"top: {k!r} clients are not allowed; it must be a whole number from 1 on")
    columns = window_columns(pool)
    values = _column(columns, by)
    weights = columns["requests"]
    client, clients = columns["client"], len(pool)
    total = np.bincount(client, weights, clients).astype(np.float64)
    if SHORT_NAMES.get(by, by) == "requests":
        score: npt.NDArray[np.float64] = total
    else:
        known = np.isfinite(values)
        weight = np.bincount(client[known], weights[known], clients)
        with np.errstate(invalid="ignore", divide="ignore"):
            score = np.bincount(client[known], (weights * values)[known], clients) / weight
    active = np.flatnonzero((total > 0) & np.isfinite(score))
    chosen = active[np.argsort(-score[active], kind="stable")[:count]]
    return _of_all_cells(pool, np.isin(client, chosen))


def keep_clients(pool: ProfileView, clients: Iterable[int | str]) -> Keep:
    """The cells of clients given by number or name."""
    numbers = {name: number for number, name in enumerate(pool.client_names)}
    chosen = []
    for client in [clients] if isinstance(clients, str) else clients:
        if isinstance(client, str):
            if client not in numbers:
                raise ValueError(f"select: there is no client {client!r} in {pool.name}")
            chosen.append(numbers[client])
        else:
            try:
                number = -1 if isinstance(client, bool) else operator.index(client)
            except TypeError:
                number = -1
            if not 0 <= number < len(pool):
                raise ValueError(
                    f"select: client {client!r} is not allowed; it must be a name, or a number from 0 to "
                    f"{len(pool) - 1}"
                )
            chosen.append(number)
    return np.isin(pool.profile.cells()["client"], chosen)


class Kept(NamedTuple):
    """What filters leave of a pool in its span.

    Attributes:
        clients: that are active.
        of_clients: that were.
        requests: the share of the expected requests, from 0 to 1.
    """

    clients: int
    of_clients: int
    requests: float


def kept_of(pool: ProfileView, whole: _core.Profile) -> Kept:
    """What is left of the profile that the pool was narrowed from."""
    clients, requests = _active(pool, pool.profile)
    of_clients, of_requests = _active(pool, whole)
    return Kept(clients, of_clients, requests / of_requests if of_requests else 0.0)


def _active(pool: ProfileView, profile: _core.Profile) -> tuple[int, float]:
    cells, inside, _, duration = cells_within(pool, profile)
    return np.unique(cells["client"][inside]).size, float(cells["rate"][inside] @ duration)


def _of_all_cells(pool: ProfileView, keep: Keep) -> Keep:
    """From the rows of the span to all cells of the profile, which are in the same order."""
    profile = pool.profile
    begin = profile.cells()["window"].astype(np.int64) * profile.window_ns
    all_cells = (begin < round(pool.end * NS)) & (begin + profile.window_ns > round(pool.start * NS))
    all_cells[all_cells] = keep
    return all_cells


def _column(columns: Columns, name: str) -> npt.NDArray[Any]:
    column = SHORT_NAMES.get(name, name)
    if column not in columns or column in _TEXTS:
        allowed = [*SHORT_NAMES, *(column for column in columns if column not in _TEXTS)]
        raise ValueError(f"filter: there is no column {name!r}; there are {', '.join(allowed)}")
    return columns[column]


def _in_range(columns: Columns, name: str, wanted: Any) -> Keep:
    if name == "family":
        if wanted not in FAMILIES:
            raise ValueError(
                f"filter family: {wanted!r} is not allowed; it must be one of {', '.join(FAMILIES)}"
            )
        return np.asarray(columns["family"] == wanted)
    values = _column(columns, name)
    low, high = _bounds(name, wanted)
    # NaN, a value that is not known, is in no range.
    return np.asarray((values >= low) & (values <= high))


def _bounds(name: str, wanted: Any) -> tuple[float, float]:
    is_maximum = SHORT_NAMES.get(name, name).endswith("_max")
    if is_maximum and not isinstance(wanted, tuple | list):
        wanted = (None, wanted)
    form = "a pair (low, high), None for no bound" + (", or the highest" if is_maximum else "")
    if not isinstance(wanted, tuple | list) or len(wanted) != 2:
        raise ValueError(f"filter {name}: {wanted!r} is not allowed; it must be {form}")
    try:
        low, high = (
            bound if value is None else float(value)
            for value, bound in zip(wanted, (-np.inf, np.inf), strict=True)
        )
    except (TypeError, ValueError):
        raise ValueError(f"filter {name}: {wanted!r} is not allowed; it must be {form}") from None
    if not low <= high:
        raise ValueError(f"filter {name}: {wanted!r} is not allowed; the low bound must be at most the high")
    return low, high


def _predicate(predicate: Predicate, columns: Columns) -> Keep:
    if not callable(predicate):
        raise ValueError(f"filter: {predicate!r} is not allowed; it must be a function of the columns")
    rows = columns["rate"].size
    keep = np.asarray(predicate(columns))
    if keep.dtype != np.bool_ or keep.shape != (rows,):
        raise ValueError(
            f"filter: a predicate that gives {keep.dtype} of shape {keep.shape} is not allowed; it must give "
            f"bool of shape ({rows},), one for every row of windows()"
        )
    return keep
