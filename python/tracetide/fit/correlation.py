"""Spearman correlations by client."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tracetide.fit.ties import LARGEST, TERMS, hermite_coefficients, spearman_of, untied

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint32]

_NOISE = 3.0
_LEAST_EIGENVALUE = 1e-4
_SHRINK = 0.95


def mid_ranks(group: Codes, values: npt.NDArray[np.generic]) -> Floats:
    """Ranks from 0 within each group, of which equal values share the mean.

    Args:
        group: uint32, ascending.
        values: uint32.
    """
    keys = (group.astype(np.uint64) << np.uint64(32)) | values.astype(np.uint64)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    counts = np.diff(np.append(starts, keys.size))
    ranks = np.empty(keys.size)
    ranks[order] = np.repeat(starts + (counts - 1) / 2, counts)
    first = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    sizes = np.diff(np.append(first, group.size))
    return ranks - np.repeat(first, sizes)


def spearman_groups(
    client: Codes, columns: Sequence[npt.NDArray[np.generic]]
) -> tuple[Codes, Ints, Floats, Floats]:
    """Correlations of mid-ranks in each group of rows.

    Args:
        client: uint32, ascending.
        columns: F columns of uint32.

    Returns:
        Clients (G,), how many rows each has, correlations (pairs, G) in the order of
        `itertools.combinations`, 0 where a column is constant; and what ties make of a correlation (pairs, G,
        TERMS), see `ties`.
    """
    starts = np.flatnonzero(np.append(True, client[1:] != client[:-1]))
    counts = np.diff(np.append(starts, client.size))
    centred = [mid_ranks(client, column) - np.repeat((counts - 1) / 2, counts) for column in columns]
    norms = [np.sqrt(np.add.reduceat(ranks * ranks, starts)) for ranks in centred]
    coefficients = [hermite_coefficients(client, column) for column in columns]
    found = []
    products = []
    for a, b in itertools.combinations(range(len(columns)), 2):
        product = np.add.reduceat(centred[a] * centred[b], starts)
        scale = norms[a] * norms[b]
        found.append(np.divide(product, scale, out=np.zeros_like(product), where=scale > 0))
        products.append(coefficients[a] * coefficients[b])
    return client[starts], counts, np.stack(found), np.stack(products)


class Correlations:
    """Means of the correlations of each client's epochs, weighted by rows, without what ties take from them.

    They are taken within an epoch, so that lengths that move together over the days do not count: the
    distributions of the epochs already do that.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = list(fields)
        self.pairs = list(itertools.combinations(range(len(self.fields)), 2))
        self._rows: Floats = np.zeros(0)
        self._sums: Floats = np.zeros((len(self.pairs), 0))
        self._products = np.zeros((len(self.pairs), 0, TERMS), dtype=np.float32)
        self.shrunk = 0
        """How many clients' correlations `significant` made smaller."""
        self.limited = 0
        """How many correlations no Gaussian copula has with their ties: they have the largest."""

    def add(self, client: Codes, counts: Ints, correlations: Floats, products: Floats) -> None:
        """Take the correlations of some clients in one epoch, as `spearman_groups` gives them."""
        size = int(client[-1]) + 1
        if size > self._rows.size:
            more = size + size // 2 + 1024 - self._rows.size
            self._rows = np.append(self._rows, np.zeros(more))
            self._sums = np.pad(self._sums, ((0, 0), (0, more)))
            self._products = np.pad(self._products, ((0, 0), (0, more), (0, 0)))
        self._rows[client] += counts
        self._sums[:, client] += correlations * counts
        self._products[:, client] += products * counts[:, None]

    def significant(self) -> Iterator[tuple[int, str, str, float]]:
        """(client's code, field, field, Spearman correlation) of those outside their noise, 3 / sqrt(rows).

        The correlation is that of the ranks before there were ties, which is what a profile has.

        Where a client's matrix for a Gaussian copula is not positive definite, all of its correlations are
        multiplied by 0.95 until it is.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            means = self._sums / self._rows
            noise = _NOISE / np.sqrt(self._rows)
        is_clear = np.nan_to_num(np.abs(means)) > noise
        found = np.zeros_like(means)
        for pair, clear in enumerate(is_clear):
            found[pair, clear] = self._untied(pair, clear, means[pair, clear])
        for client in np.flatnonzero(is_clear.any(axis=0)).tolist():
            kept = found[:, client]
            self.shrunk += int(not self._is_positive_definite(kept))
            while not self._is_positive_definite(kept):
                kept = kept * _SHRINK
            for (a, b), value in zip(self.pairs, kept.tolist(), strict=True):
                if value:
                    yield client, self.fields[a], self.fields[b], value

    def _untied(self, pair: int, clients: npt.NDArray[np.bool_], correlations: Floats) -> Floats:
        found = untied(correlations, self._products[pair, clients] / self._rows[clients, None])
        is_limited = np.isnan(found)
        self.limited += int(is_limited.sum())
        return np.where(is_limited, np.copysign(spearman_of(LARGEST), correlations), found)

    def _is_positive_definite(self, correlations: Floats) -> bool:
        if len(self.fields) == 2:
            return True
        matrix = np.eye(len(self.fields))
        for (a, b), value in zip(self.pairs, correlations.tolist(), strict=True):
            matrix[a, b] = matrix[b, a] = 2 * np.sin(np.pi * value / 6)
        return bool(np.linalg.eigvalsh(matrix)[0] > _LEAST_EIGENVALUE)
