"""The burstiness of many renewal processes together.

For independent stationary renewal processes of rates r_j the time from any moment to the next event has the
survival function P(t) = prod_j E_j(t), where E_j is that of process j alone: the integrated tail of its gaps,
E_j(t) = r_j * integral of P(gap_j > x) from t on (Cox & Smith 1954). Its mean is E[X^2] / (2 E[X]) for a gap
X of the whole, hence CV^2 = 2 r * integral of P - 1, with r the sum of the rates. Nothing is sampled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EXPONENTIAL, GAMMA, WEIBULL = 0, 1, 2
_STEPS_PER_UNIT = 16
_FROM, _TO = -18.0, 16.0
"""ln of the shortest and longest times, in mean gaps of the whole, of the integral."""
_RARE = 1e-3
"""Clients with a lower share together are all but a Poisson process (Palm-Khintchine)."""


def gap_cv(rate: Floats, family: npt.NDArray[np.uint8], shape: Floats) -> float:
    """The CV of the gaps of all processes together; to within about 1 part in 1000.

    Args:
        rate: requests/s of each process, above 0.
        family: 0 Exponential, 1 Gamma, 2 Weibull.
        shape: of its gaps.
    """
    total = rate.sum()
    share = rate / total
    log_time = np.arange(_FROM, _TO, 1 / _STEPS_PER_UNIT)
    time = np.exp(log_time)
    poisson = (family == EXPONENTIAL) | (shape == 1) | (share < _RARE)
    log_survival = -share[poisson].sum() * time
    for process in np.flatnonzero(~poisson):
        tail = integrated_tail(share[process] * time, int(family[process]), float(shape[process]))
        with np.errstate(divide="ignore"):
            log_survival = log_survival + np.log(tail)
    # The trapezoidal rule over ln t, with what lies before the first time, where the survival is 1.
    integral = np.exp(_FROM) + float(np.sum(np.exp(log_survival) * time)) / _STEPS_PER_UNIT
    return float(np.sqrt(max(2.0 * integral - 1.0, 0.0)))


def integrated_tail(time: Floats, family: int, shape: float) -> Any:
    """E(t) of a renewal process of rate 1.

    With Q the regularised upper incomplete gamma function: Gamma gaps of shape k have
    Q(k + 1, kt) - t Q(k, kt), Weibull gaps of shape k have Q(1/k, (t Gamma(1 + 1/k))^k).
    """
    from scipy.special import gammaincc, gammaln  # type: ignore[import-untyped]

    if family == GAMMA:
        found = gammaincc(shape + 1.0, shape * time) - time * gammaincc(shape, shape * time)
    else:
        log_scale = -gammaln(1.0 + 1.0 / shape)
        with np.errstate(over="ignore"):
            found = gammaincc(1.0 / shape, np.exp(shape * (np.log(time) - log_scale)))
    return np.clip(found, 0.0, 1.0)
