"""Renewal processes: the burstiness of one, and of many together.

For independent stationary renewal processes of rates r_j the time from any moment to the next event has the
survival function P(t) = prod_j E_j(t), where E_j is that of process j alone: the integrated tail of its gaps,
E_j(t) = r_j * integral of P(gap_j > x) from t on (Cox & Smith 1954). Its mean is E[X^2] / (2 E[X]) for a gap
X of the whole, hence CV^2 = 2 r * integral of P - 1, with r the sum of the rates. Nothing is sampled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.base.vocabulary import EXPONENTIAL, GAMMA

Floats = npt.NDArray[np.float64]

_STEPS_PER_UNIT = 10
_FROM, _TO = -9.0, 16.0
"""ln of the shortest and longest times, in mean gaps of the whole, of the integral."""
_PART = 40
_OVER = -40.0
"""ln of a survival times time from which on nothing more is added."""
_RARE = 1e-3
"""Clients with a lower share together are all but a Poisson process (Palm-Khintchine)."""


def gap_cv(rate: Floats, family: npt.NDArray[np.uint8], shape: Floats) -> float:
    """The CV of the gaps of all processes together; of several, to within 1 part in 1000.

    Args:
        rate: requests/s of each process, above 0.
        family: the number of the law of its gaps.
        shape: of its gaps.
    """
    if rate.size == 1:
        return own_cv(int(family[0]), float(shape[0]))
    share = rate / rate.sum()
    poisson = (family == EXPONENTIAL) | (shape == 1) | (share < _RARE)
    rest = float(share[poisson].sum())
    others = list(zip(share[~poisson], family[~poisson].tolist(), shape[~poisson].tolist(), strict=True))
    # The trapezoidal rule over ln t; before its first time, where the survival is 1, the time itself.
    log_time = np.arange(_FROM, _TO, 1 / _STEPS_PER_UNIT)
    integral = float(np.exp(_FROM))
    for first in range(0, log_time.size, _PART):
        part = log_time[first : first + _PART]
        time = np.exp(part)
        log_survival = -rest * time
        for own, kind, form in others:
            with np.errstate(divide="ignore"):
                log_survival += np.log(integrated_tail(own * time, kind, form))
        integral += float(np.sum(np.exp(log_survival + part))) / _STEPS_PER_UNIT
        if log_survival[-1] + part[-1] < _OVER:
            break
    return float(np.sqrt(max(2.0 * integral - 1.0, 0.0)))


def own_cv(family: int, shape: float) -> float:
    """The CV of a single process."""
    if family == EXPONENTIAL:
        return 1.0
    if family == GAMMA:
        return float(shape**-0.5)
    return float(weibull_cvs(np.array([shape]))[0])


def weibull_cvs(shape: Floats) -> Floats:
    """The CVs of Weibull laws: Var / mean^2 + 1 = Gamma(1 + 2/k) / Gamma(1 + 1/k)^2."""
    from scipy.special import gammaln  # type: ignore[import-untyped]

    with np.errstate(over="ignore"):
        found: Floats = np.sqrt(
            np.maximum(np.expm1(gammaln(1 + 2 / shape) - 2 * gammaln(1 + 1 / shape)), 0.0)
        )
    return found


def integrated_tail(time: Floats, family: int, shape: float) -> Any:
    """E(t) of a renewal process of rate 1.

    With Q the regularised upper incomplete gamma function: Gamma gaps of shape k have
    Q(k + 1, kt) - t Q(k, kt), Weibull gaps of shape k have Q(1/k, (t Gamma(1 + 1/k))^k).
    """
    from scipy.special import gammaincc, gammaln

    if family == GAMMA:
        scaled = shape * time
        # Q(k + 1, x) = Q(k, x) + x^k exp(-x) / Gamma(k + 1)
        step = np.exp(shape * np.log(scaled) - scaled - gammaln(shape + 1.0))
        found = gammaincc(shape, scaled) * (1.0 - time) + step
    else:
        with np.errstate(over="ignore"):
            found = gammaincc(1.0 / shape, np.exp(shape * (np.log(time) + gammaln(1.0 + 1.0 / shape))))
    return np.clip(found, 0.0, 1.0)
