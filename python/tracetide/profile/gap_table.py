"""Laws of gaps as histograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.renewal import weibull_cvs
from tracetide.base.vocabulary import GAMMA, TABLE, WEIBULL

Floats = npt.NDArray[np.float64]

BINS_PER_OCTAVE = 16
_FURTHEST = 64 * BINS_PER_OCTAVE
_MOST_BINS = 2 * _FURTHEST
_LONGEST = 2.0**40
_LEAST_SHAPE, _MOST_SHAPE = 0.005, 1e5


@dataclass(frozen=True, eq=False)
class GapTable:
    """A law of gaps as a histogram of their logarithms, 16 bins to the octave.

    For gaps that no family has, such as bursts with long silences between them. Bin i has the gaps from
    2^((first_bin + i)/16) to 2^((first_bin + i + 1)/16), in any unit, because the mean follows from the rate.
    Immutable.

        tt.Client(rate=2, arrivals=tt.GapTable.of(recorded_gaps), ...)

    Args:
        first_bin: the number of the lowest bin, from -1024 on.
        probabilities: of the bins, shape (bins,), at least 0; they are divided by their sum. The longest gap
            is at most 2^40 times the mean.

    Raises:
        ValueError: naming the argument, the value and what is allowed.
    """

    first_bin: int
    probabilities: Floats

    def __post_init__(self) -> None:
        if isinstance(self.first_bin, bool) or not isinstance(self.first_bin, int | np.integer):
            raise ValueError(f"first_bin: {self.first_bin!r} is not allowed; it must be a whole number")
        try:
            found = np.array(self.probabilities, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError("probabilities: it must be an array of numbers") from None
        if found.ndim != 1 or not 1 <= found.size <= _MOST_BINS:
            raise ValueError(
                f"probabilities: shape {found.shape} is not allowed; it must have one dimension and 1 to "
                f"{_MOST_BINS} entries"
            )
        if not (np.isfinite(found).all() and (found >= 0).all() and found.sum() > 0):
            raise ValueError("probabilities: they must be finite and at least 0, with a sum above 0")
        if self.first_bin < -_FURTHEST or self.first_bin + found.size > _FURTHEST:
            raise ValueError(
                f"first_bin: {self.first_bin} with {found.size} bins is not allowed; bins must be from "
                f"{-_FURTHEST} to {_FURTHEST - 1}"
            )
        found.flags.writeable = False
        object.__setattr__(self, "first_bin", int(self.first_bin))
        object.__setattr__(self, "probabilities", found / found.sum())
        longest = float(self._starts[np.flatnonzero(found)[-1]] / self._moment(1))
        if longest * 2 ** (1 / BINS_PER_OCTAVE) > _LONGEST:
            raise ValueError(
                f"probabilities: gaps up to {longest:.3g} times the mean are not allowed; at most 2^40 times"
            )

    def __repr__(self) -> str:
        return f"GapTable({self.probabilities.size} bins from {self.first_bin}, cv {self.cv:.4g})"

    @classmethod
    def of(cls, gaps: Sequence[float] | npt.NDArray[Any]) -> GapTable:
        """The histogram of recorded gaps, in any unit, all above 0.

        Raises:
            ValueError: if one is not above 0 or not finite, or there are none.
        """
        found = np.asarray(gaps, dtype=np.float64)
        if found.ndim != 1 or not found.size or not ((found > 0) & np.isfinite(found)).all():
            raise ValueError("gaps: they must be one or more numbers above 0, in one dimension")
        bins = np.floor(np.log2(found / found.mean()) * BINS_PER_OCTAVE).astype(np.int64)
        first = int(bins.min())
        return cls(first, np.bincount(bins - first).astype(np.float64))

    @property
    def cv(self) -> float:
        """The coefficient of variation of its gaps."""
        return math.sqrt(max(self._moment(2) / self._moment(1) ** 2 - 1, 0.0))

    @property
    def _starts(self) -> Floats:
        bins = self.first_bin + np.arange(self.probabilities.size)
        starts: Floats = np.exp2(bins / BINS_PER_OCTAVE)
        return starts

    def _moment(self, power: int) -> float:
        """The mean of a power of a gap: in a bin, logarithms are uniform."""
        width = power * math.log(2) / BINS_PER_OCTAVE
        return float(self.probabilities @ self._starts**power) * math.expm1(width) / width

    def add_to(self, builder: _core.ProfileBuilder) -> int:
        """Its number in a profile."""
        return builder.add_gap_table(self.first_bin, self.probabilities)


def tables_of(profile: _core.Profile) -> list[GapTable]:
    """The tables of a profile, by their numbers."""
    return [GapTable(first, probabilities) for first, probabilities in profile.gap_tables()]


def law_cvs(profile: _core.Profile, family: npt.NDArray[np.uint8], shape: Floats) -> Floats:
    """The CVs of the laws of gaps of cells, as they are drawn."""
    found: Floats = np.ones(shape.size)
    for kind, of_law in ((GAMMA, lambda k: k**-0.5), (WEIBULL, weibull_cvs)):
        rows = family == kind
        found[rows] = of_law(shape[rows])
    tables = family == TABLE
    if tables.any():
        cvs = np.array([table.cv for table in tables_of(profile)])
        found[tables] = cvs[shape[tables].astype(np.int64)]
    return found


def as_gamma(
    profile: _core.Profile, family: npt.NDArray[np.uint8], shape: Floats
) -> tuple[npt.NDArray[np.uint8], Floats]:
    """Families and shapes of cells, where each table is the Gamma law of the same CV."""
    is_table = family == TABLE
    if not is_table.any():
        return family, shape
    cvs = np.array([table.cv for table in tables_of(profile)])
    of_table = cvs[np.where(is_table, shape, 0).astype(np.int64)]
    shapes = np.clip(1.0 / np.maximum(of_table, 1e-3) ** 2, _LEAST_SHAPE, _MOST_SHAPE)
    return np.where(is_table, np.uint8(GAMMA), family), np.where(is_table, shapes, shape)
