"""How the rate of a client moves inside windows."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real

_HIGHEST, _MOST_LEVELS = 0.9, 10


@dataclass(frozen=True)
class RateNoise:
    """Noise of a client's rate inside windows: a cascade. Immutable.

    The window is halved `levels` times. At each halving the two halves get (1 + s)/2 and (1 - s)/2 of what
    their whole has, with s of mean 0 and variance `rho`; parts in which fewer than four requests are expected
    are halved evenly. The whole is turned by chance, so that every moment has the same expected rate: what is
    expected in any part of the window stays as it is, and bursts of all sizes come on top.

    `rho` stays at other rates, as the shape of gaps does: variance over mean of counts, less 1, grows in
    proportion to the rate. `modulation` of a job is a factor on it.

    Args:
        rho: from 0 to 0.9.
        levels: from 0 to 10; with windows of ten minutes 10 halvings reach 0.6 s.

    Raises:
        ValueError: naming the argument, the value and what is allowed.
    """

    rho: float
    levels: int

    def __post_init__(self) -> None:
        is_number = isinstance(self.rho, Real) and not isinstance(self.rho, bool)
        if not (is_number and 0 <= self.rho <= _HIGHEST):
            raise ValueError(f"rho: {self.rho!r} is not allowed; it must be a number from 0 to {_HIGHEST}")
        is_whole = isinstance(self.levels, Integral) and not isinstance(self.levels, bool)
        if not (is_whole and 0 <= self.levels <= _MOST_LEVELS):
            raise ValueError(
                f"levels: {self.levels!r} is not allowed; it must be a whole number from 0 to {_MOST_LEVELS}"
            )
        object.__setattr__(self, "rho", float(self.rho))
        object.__setattr__(self, "levels", int(self.levels))
