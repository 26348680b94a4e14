"""Lengths that last along a session: the share a and the memory phi of the variates of their ranks.

The rank of turn k is that of z_k = sqrt(a) h_k + sqrt(1 - a) e_k, with h an autoregressive process of the
coefficient phi and e new in every turn: the autocorrelation at distance k is a phi^k.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.fit.correlation import mid_ranks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LAGS = (1, 2, 3, 5, 8, 12, 20)
"""Turns apart."""

_LEAST_SESSIONS = 5
"""Of a client, for the mean product over different sessions."""
_NOISE = 3.0
_MOST = 0.999
_MEMORIES = np.linspace(0.0, _MOST, 1000)


def persistence_of(group: Ints, client: Ints, session: Ints, values: npt.NDArray[Any]) -> tuple[float, float]:
    """(a, phi) of a field; zeros if its autocorrelation from turn to turn is within noise, 3 / sqrt(pairs).

    Args:
        group: within which lengths are compared, whole numbers from 0: a client in an epoch.
        client: of each request, ascending.
        session: of each request; those of a session lie side by side, in the order of turns, and those of a
            client too.
        values: the field, whole numbers.
    """
    scores = normal_scores(group, values)
    correlation, pairs = autocorrelation(client, session, scores)
    if not (pairs[0] > 0 and correlation[0] > _NOISE / np.sqrt(pairs[0])):
        return 0.0, 0.0
    return fitted(correlation, pairs)


def normal_scores(group: Ints, values: npt.NDArray[Any]) -> Floats:
    """The normal quantiles of the middle of the ranks (r - 1/2) / n within each group; ties share theirs."""
    from scipy.special import ndtri  # type: ignore[import-untyped]

    order = np.argsort(group, kind="stable")
    ranks = np.empty(values.size)
    ranks[order] = mid_ranks(group[order].astype(np.uint32), values[order].astype(np.uint32))
    sizes = np.bincount(group)[group]
    scores: Floats = ndtri((ranks + 0.5) / sizes)
    return scores


def autocorrelation(client: Ints, session: Ints, scores: Floats) -> tuple[Floats, Ints]:
    """The autocorrelation of scores at `LAGS` inside sessions, and how many pairs it is from.

    The mean of a client is not known but from its own scores. That changes products inside a session as much
    as those over different sessions of the client, whose mean is therefore taken off. So clients with fewer
    than five sessions do not count.
    """
    empty = np.zeros(len(LAGS)), np.zeros(len(LAGS), dtype=np.int64)
    if not scores.size:
        return empty
    begins = np.append(True, (session[1:] != session[:-1]) | (client[1:] != client[:-1]))
    starts = np.flatnonzero(begins)
    number = np.cumsum(begins) - 1
    own = np.unique(client[starts], return_inverse=True)[1]
    sizes = np.diff(np.append(starts, scores.size)).astype(np.float64)
    sums = np.add.reduceat(scores, starts)
    total, rows = np.bincount(own, sums), np.bincount(own, sizes)
    # Of all pairs of a client's requests without those inside a session.
    crossing = rows**2 - np.bincount(own, sizes**2)
    counts = (np.bincount(own) >= _LEAST_SESSIONS) & (crossing > 0)
    if not counts.any():
        return empty
    mean = np.where(counts, (total**2 - np.bincount(own, sums**2)) / np.maximum(crossing, 1), 0.0)
    of_row = own[number]
    taken = counts[of_row]
    variance = np.mean(scores[taken] ** 2 - mean[of_row[taken]])
    if not variance > 0:
        return empty
    found, pairs = empty
    for place, lag in enumerate(LAGS):
        rows_at = np.flatnonzero((number[lag:] == number[:-lag]) & taken[lag:])
        pairs[place] = rows_at.size
        if rows_at.size:
            product = scores[rows_at] * scores[rows_at + lag] - mean[of_row[rows_at]]
            found[place] = product.mean() / variance
    return found, pairs


def fitted(correlation: Floats, pairs: Ints) -> tuple[float, float]:
    """(a, phi) of the least squares of a phi^k at `LAGS`, each weighted by its pairs."""
    powers = _MEMORIES[:, None] ** np.array(LAGS)
    a = (powers * pairs * correlation).sum(axis=1) / np.maximum((powers**2 * pairs).sum(axis=1), 1e-300)
    a = np.clip(a, 0.0, _MOST)
    left = ((correlation - a[:, None] * powers) ** 2 * pairs).sum(axis=1)
    best = int(np.argmin(left))
    return float(a[best]), float(_MEMORIES[best])
