"""Lengths that last along a session: the share a and the memory phi of the variates of their ranks.

The rank of turn k is that of z_k = sqrt(a) h_k + sqrt(1 - a) e_k, with h an autoregressive process of the
coefficient phi and e new in every turn: the autocorrelation at distance k is a phi^k.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.fit.correlation import mid_ranks
from tracetide.fit.ties import hermite_coefficients, normal_of

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
    taken = _of_several_sessions(client, session)
    if not taken.any():
        return 0.0, 0.0
    client, session = client[taken], session[taken]
    scores, products = rank_scores(group[taken], values[taken])
    correlation, pairs = autocorrelation(client, session, scores)
    if not (pairs[0] > 0 and correlation[0] > _NOISE / np.sqrt(pairs[0])):
        return 0.0, 0.0
    normal = normal_of(correlation, np.tile(products, (len(LAGS), 1)))
    # Ties do not show more than this, nor does a sample less than nothing.
    return fitted(np.where(np.isnan(normal), np.copysign(_MOST, correlation), normal), pairs)


def rank_groups(client: npt.NDArray[Any], epoch: Ints, least: int) -> Ints:
    """The group of each request, within which lengths are compared: its client in its epoch.

    A client's epochs with fewer than `least` requests are one group, as they share their lengths' laws.
    """
    epochs = np.int64(epoch.max() + 2) if epoch.size else np.int64(1)
    keys = client.astype(np.int64) * epochs + epoch
    _, group, counts = np.unique(keys, return_inverse=True, return_counts=True)
    few = counts[group] < least
    keys[few] = client[few].astype(np.int64) * epochs + epochs - 1
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


def rank_scores(group: Ints, values: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Mid-ranks within each group, of mean 0 and variance 1; and what ties make of their correlation.

    Returns:
        The scores, 0 in a group of one value, and the products of coefficients for `ties.normal_of`: means
        over the requests, as a generated trace has the same ties.
    """
    order = np.argsort(group, kind="stable")
    ascending, counts = group[order].astype(np.uint32), np.unique(group, return_counts=True)[1]
    column = values[order].astype(np.uint32)
    starts = np.cumsum(counts) - counts
    ranks = mid_ranks(ascending, column) - np.repeat((counts - 1) / 2, counts)
    variance = np.add.reduceat(ranks**2, starts) / counts
    scores = np.zeros(values.size)
    deviation = np.repeat(np.sqrt(variance), counts)
    np.divide(ranks, deviation, out=ranks, where=deviation > 0)
    scores[order] = ranks
    weight = np.where(variance > 0, counts, 0)
    coefficients = hermite_coefficients(ascending, column)
    return scores, (weight @ coefficients**2) / max(weight.sum(), 1)


def _of_several_sessions(client: Ints, session: Ints) -> npt.NDArray[np.bool_]:
    """Requests of clients with enough sessions for a mean product over different ones."""
    if not client.size:
        return np.zeros(0, dtype=bool)
    begins = np.append(True, (session[1:] != session[:-1]) | (client[1:] != client[:-1]))
    own = np.unique(client, return_inverse=True)[1]
    enough: npt.NDArray[np.bool_] = (np.bincount(own, begins) >= _LEAST_SESSIONS)[own]
    return enough


def autocorrelation(client: Ints, session: Ints, scores: Floats) -> tuple[Floats, Ints]:
    """The autocorrelation of scores at `LAGS` inside sessions, and how many pairs it is from.

    The mean of a client is not known but from its own scores. That changes products inside a session as much
    as those over different sessions of the client, whose mean is therefore taken off.
    """
    begins = np.append(True, (session[1:] != session[:-1]) | (client[1:] != client[:-1]))
    starts = np.flatnonzero(begins)
    number = np.cumsum(begins) - 1
    own = np.unique(client[starts], return_inverse=True)[1]
    sizes = np.diff(np.append(starts, scores.size)).astype(np.float64)
    sums = np.add.reduceat(scores, starts)
    total, rows = np.bincount(own, sums), np.bincount(own, sizes)
    # Of all pairs of a client's requests without those inside a session.
    crossing = rows**2 - np.bincount(own, sizes**2)
    mean = (total**2 - np.bincount(own, sums**2)) / np.maximum(crossing, 1)
    of_row = mean[own[number]]
    variance = np.mean(scores**2 - of_row)
    found, pairs = np.zeros(len(LAGS)), np.zeros(len(LAGS), dtype=np.int64)
    for place, lag in enumerate(LAGS):
        rows_at = np.flatnonzero(number[lag:] == number[:-lag])
        pairs[place] = rows_at.size
        if rows_at.size and variance > 0:
            product = scores[rows_at] * scores[rows_at + lag] - of_row[rows_at]
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
