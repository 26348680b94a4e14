"""The distributions of a client for some time: as lists, as the interface has them, or as the core does."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tracetide import _core

Floats = npt.NDArray[np.float64]


class Statistics(NamedTuple):
    """Of one field; `last` is the highest number that its list has a place for."""

    avg: float
    p50: float
    p95: float
    p99: float
    last: int


class Pdf(NamedTuple):
    """Numbers from 0 on with their probabilities, without those that never come; `size` of the whole list."""

    values: npt.NDArray[np.uint32]
    probabilities: Floats
    size: int

    @staticmethod
    def of(pdf: list[float]) -> Pdf:
        """From a list with a probability for each number."""
        dense = np.asarray(pdf, dtype=np.float64)
        values = np.flatnonzero(dense > 0)
        return Pdf(values.astype(np.uint32), dense[values], dense.size)

    def to_list(self) -> list[float]:
        """The list with a probability for each number."""
        dense = np.zeros(self.size)
        dense[self.values] = self.probabilities
        return list(dense.tolist())

    def statistics(self) -> Statistics:
        """Mean and quantiles; all 0 if nothing has a probability."""
        if not self.values.size:
            return Statistics(0.0, 0.0, 0.0, 0.0, max(self.size - 1, 0))
        shares = self.probabilities / self.probabilities.sum()
        running = np.cumsum(shares)
        at = np.minimum(np.searchsorted(running, (0.5, 0.95, 0.99)), self.values.size - 1)
        p50, p95, p99 = self.values[at].tolist()
        return Statistics(float(self.values @ shares), p50, p95, p99, self.size - 1)


class Dataset:
    """All fields of a client for some time."""

    def __init__(self, pdfs: dict[str, Pdf]) -> None:
        self.pdfs = pdfs
        self._statistics: dict[str, Statistics] = {}
        self._lists: dict[str, list[float]] | None = None

    @staticmethod
    def of(lists: dict[str, list[float]]) -> Dataset:
        """From lists."""
        dataset = Dataset({field: Pdf.of(pdf) for field, pdf in lists.items()})
        dataset._lists = lists
        return dataset

    @staticmethod
    def recorded(
        profile: _core.Profile, epoch: int, client: int, ratios: list[float] | None = None
    ) -> Dataset | None:
        """Of a profile; None if nothing was seen.

        Args:
            profile, epoch, client: where.
            ratios: the list of `reason_ratio`, which has places also for what never comes, and what they
                stand for depends on their number.
        """
        pdfs = {}
        for field in profile.fields:
            id = profile.recorded(epoch, client, field)
            if id is None:
                return None
            if field == "reason_ratio":
                assert ratios is not None
                pdfs[field] = Pdf.of(ratios)
                continue
            found = profile.distribution(id)
            values = np.asarray(found["values"])
            pdfs[field] = Pdf(values, np.asarray(found["probabilities"]), int(values[-1]) + 1)
        return Dataset(pdfs)

    def lists(self) -> dict[str, list[float]]:
        """As the interface shows it; made once."""
        if self._lists is None:
            self._lists = {field: pdf.to_list() for field, pdf in self.pdfs.items()}
        return self._lists

    def statistics(self, field: str) -> Statistics | None:
        """Of a field; None if it is not there."""
        if field not in self.pdfs:
            return None
        if field not in self._statistics:
            self._statistics[field] = self.pdfs[field].statistics()
        return self._statistics[field]
