"""Laws of gaps as tables, for clients whose gaps no family has.

A table is counted over the whole trace: gaps are divided by the mean gap of their window, so windows with
other rates add up, and rare long gaps, which fill most of the time of a client that is on and off, need all
of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special  # type: ignore[import-untyped]

from tracetide.base.vocabulary import GAMMA, WEIBULL
from tracetide.profile.gap_table import BINS_PER_OCTAVE, GapTable

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint32]

_LEAST_GAPS = 500
_LEAST_KS = 0.05
_LEAST_KS_ROOT = 3.0
_LEAST_SHARE = 0.5
"""Of a client's requests, in windows whose own gaps are counted."""

_LOWEST, _HIGHEST = -1024, 1024
"""Bins that are counted; 2^-64 and 2^64 mean gaps."""
_BINS = _HIGHEST - _LOWEST
_ENDS = 2.0 ** (np.arange(_LOWEST + 1, _HIGHEST + 1) / BINS_PER_OCTAVE)
_MIDDLES = 2.0 ** ((np.arange(_LOWEST, _HIGHEST + 1) + 0.5) / BINS_PER_OCTAVE)
_MERGE_AT = 1 << 21
_SHAPES_OF_OCTAVE = 16


@dataclass(frozen=True)
class Chosen:
    """The families of a client's windows that have one from their own gaps.

    Attributes:
        client, requests, family, shape: of each window.
        share: of a client's requests that are in such windows, by code.
    """

    client: Codes
    requests: Ints
    family: npt.NDArray[np.uint8]
    shape: Floats
    share: Floats


class GapHistograms:
    """Counts gaps of clients in bins of their logarithm; only bins that are not empty are kept."""

    def __init__(self) -> None:
        self._keys: list[Ints] = []
        self._counts: list[Ints] = []
        self._size = 0

    def add(self, client: Codes, counts: Ints, gaps: Floats, mean: Floats, least: Floats) -> None:
        """Take gaps of windows.

        Args:
            client: of each window.
            counts: how many of the gaps each has.
            gaps: window after window.
            mean: the mean gap of each window.
            least: what shorter gaps count as, of each window: half of the resolution of times, say.
        """
        octaves = np.log2(np.maximum(gaps, np.repeat(least, counts))) - np.repeat(np.log2(mean), counts)
        at = np.floor(BINS_PER_OCTAVE * octaves).astype(np.int64)
        np.clip(at, _LOWEST, _HIGHEST - 1, out=at)
        at += np.repeat(client.astype(np.int64) * _BINS - _LOWEST, counts)
        keys, number = _counted(at)
        self._keys.append(keys)
        self._counts.append(number)
        self._size += keys.size
        if self._size > _MERGE_AT:
            self._merge()

    def tables(self, chosen: Chosen, known_from: Floats) -> dict[int, GapTable]:
        """The tables of the clients that need one, by code.

        A client needs one if its gaps are far from those that its windows' families make together: by a
        Kolmogorov-Smirnov distance above 0.05 that is no chance. So windows of different shapes, each of
        which has a family, keep them.

        Args:
            chosen: the families.
            known_from: by code, in mean gaps: of shorter gaps only that they are shorter is known.
        """
        if not self._keys:
            return {}
        self._merge()
        client, bins = np.divmod(self._keys[0], _BINS)
        first = np.flatnonzero(np.append(True, client[1:] != client[:-1]))
        total = np.add.reduceat(self._counts[0], first)
        found: dict[int, GapTable] = {}
        mixtures = _Mixtures(chosen)
        for start, end, gaps in zip(first, np.append(first[1:], client.size), total, strict=True):
            code = int(client[start])
            if gaps < _LEAST_GAPS or chosen.share[code] < _LEAST_SHARE:
                continue
            here, share = bins[start:end] + _LOWEST, self._counts[0][start:end] / gaps
            distance = mixtures.distance(code, here, share, known_from[code])
            if distance > _LEAST_KS and distance * np.sqrt(gaps) > _LEAST_KS_ROOT:
                probabilities = np.zeros(int(here[-1] - here[0]) + 1)
                probabilities[here - here[0]] = share
                # The longest gap is at most as many mean gaps as there are gaps, so no table is refused.
                found[code] = GapTable(int(here[0]), probabilities)
        return found

    def _merge(self) -> None:
        if len(self._keys) > 1:
            keys, place = np.unique(np.concatenate(self._keys), return_inverse=True)
            counts = np.bincount(place, np.concatenate(self._counts)).astype(np.int64)
            self._keys, self._counts = [keys], [counts]
            self._size = keys.size


def _counted(keys: Ints) -> tuple[Ints, Ints]:
    """The different keys, ascending, and how often each is there."""
    first = keys.min()
    if keys.max() - first >= 2 * keys.size:
        return np.unique(keys, return_counts=True)
    # Few clients: without a sort.
    counts = np.bincount(keys - first)
    there = np.flatnonzero(counts)
    return there + first, counts[there]


class _Mixtures:
    """What clients' windows make together. Shapes are rounded to 1/16 octave, of which there are few."""

    def __init__(self, chosen: Chosen) -> None:
        self._chosen = chosen
        order = np.argsort(chosen.client, kind="stable")
        self._order = order
        self._sorted = chosen.client[order]
        self._known: dict[tuple[int, int], Floats] = {}

    def distance(self, client: int, bins: Ints, share: Floats, known_from: float) -> float:
        """The largest difference of the distribution functions, at the ends of bins that are known.

        The law may lie half a bin beside: a table could not tell.
        """
        begin, end = np.searchsorted(self._sorted, [client, client + 1])
        rows = self._order[begin:end]
        family = self._chosen.family[rows].astype(np.int64)
        rounded = np.rint(_SHAPES_OF_OCTAVE * np.log2(self._chosen.shape[rows])).astype(np.int64)
        kinds, place = np.unique(np.stack([family, rounded]), axis=1, return_inverse=True)
        weights = np.bincount(place.ravel(), self._chosen.requests[rows])
        law = sum(
            weight * self._law(int(kind), int(shape))
            for weight, (kind, shape) in zip(weights / weights.sum(), kinds.T, strict=True)
        )
        seen = np.cumsum(np.bincount(bins - _LOWEST, share, minlength=_BINS))
        beside = np.maximum(seen - law[1:], law[:-1] - seen)
        return float(beside[known_from <= _ENDS].max(initial=0.0))

    def _law(self, family: int, rounded: int) -> Floats:
        """The distribution function of gaps of mean 1 in the middle of all bins, and of the one after."""
        if (family, rounded) not in self._known:
            shape = 2.0 ** (rounded / _SHAPES_OF_OCTAVE)
            if family == GAMMA:
                law = special.gammainc(shape, _MIDDLES * shape)
            elif family == WEIBULL:
                # Powers of small shapes are near 1, those of large ones may be infinite.
                with np.errstate(over="ignore"):
                    law = -np.expm1(-np.exp(shape * (np.log(_MIDDLES) + special.gammaln(1 + 1 / shape))))
            else:
                law = -np.expm1(-_MIDDLES)
            self._known[family, rounded] = law
        return self._known[family, rounded]
