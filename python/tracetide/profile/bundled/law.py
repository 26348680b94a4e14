"""How a distribution of lengths is kept in a compact profile: by quantile knots, or as it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.columns import LIST_COLUMNS
from tracetide.profile.bundled import knots as quantile_knots
from tracetide.profile.bundled.knots import Pmf

_FULL_SHARE = 0.02
_LEAST = 17


@dataclass(frozen=True)
class Resolution:
    """How finely distributions are kept.

    A client with the share s of an epoch's requests has `knots * sqrt(s / 0.02)` knots, from `least` to
    `knots`. The square root makes the distance, weighted by requests, least for a given number of bytes,
    since a distribution's goes with 1 / knots.

    Attributes:
        knots: the most knots of a distribution, from 2 to 65537.
        least: the fewest, 17 or `knots`.
    """

    knots: int = 129

    def __post_init__(self) -> None:
        """Numbers out of range are a ValueError."""
        if not 2 <= self.knots <= 65537:
            raise ValueError(f"knots {self.knots}; allowed: 2 to 65537")

    @property
    def least(self) -> int:
        """The fewest knots of a distribution."""
        return min(_LEAST, self.knots)

    def knots_for(self, share: float) -> int:
        """The number of knots for a client with this share of the requests."""
        return int(np.clip(np.ceil(self.knots * np.sqrt(share / _FULL_SHARE)), self.least, self.knots))


@dataclass(frozen=True)
class Law:
    """A distribution of the compact profile.

    Attributes:
        pmf: the source's.
        knots: quantile knots; None where the PMF is kept as it is.
        whole: draws are rounded to whole numbers.
    """

    pmf: Pmf
    knots: npt.NDArray[np.float64] | None
    whole: bool

    @cached_property
    def ks(self) -> float:
        """The Kolmogorov-Smirnov distance from the source's."""
        return (
            0.0 if self.knots is None else quantile_knots.ks_distance(self.knots, self.pmf, whole=self.whole)
        )

    @cached_property
    def mean_error(self) -> float:
        """The relative difference of the mean from the source's."""
        mean = self.pmf.mean
        return 0.0 if self.knots is None or mean == 0 else quantile_knots.mean_of(self.knots) / mean - 1

    def add_to(self, builder: _core.ProfileBuilder) -> int:
        """Adds the distribution; its number."""
        if self.knots is not None:
            return builder.add_quantiles(self.knots, float(self.knots[0]), float(self.pmf.values[-1]))
        if self.whole:
            return builder.add_integer_pmf(self.pmf.values.astype(np.uint32), self.pmf.probabilities)
        return builder.add_real_pmf(self.pmf.values, self.pmf.probabilities)


def is_of_items(field: str) -> bool:
    """Whether it is a count of items, or their tokens."""
    return field.endswith("_count") or field in LIST_COLUMNS


def law_of(pmf: Pmf, field: str, resolution: Resolution, share: float) -> Law:
    """The law that is kept of a PMF of a field, for a client with this share of the requests.

    A PMF stays as it is where it needs no more bytes than the knots, or is of an item's tokens or of a count,
    whose values are standard sizes.
    """
    whole = field != "reason_ratio"
    knots = resolution.knots_for(share)
    value_bytes = 12 if whole else 16
    if is_of_items(field) or value_bytes * len(pmf.values) <= 8 * knots:
        return Law(pmf, None, whole)
    return Law(pmf, quantile_knots.fit(pmf, knots, whole=whole), whole)
