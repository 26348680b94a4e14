"""Statistics of series of intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def cv(values: Floats) -> float:
    """Standard deviation over mean; NaN for fewer than two values, or a mean of 0."""
    return float(values.std() / values.mean()) if values.size > 1 and values.mean() > 0 else float("nan")


def dispersion(counts: Floats) -> float:
    """Variance over mean; NaN for fewer than two counts, or a mean of 0."""
    return float(counts.var() / counts.mean()) if counts.size > 1 and counts.mean() > 0 else float("nan")


def autocorrelation(values: Floats, lag: int) -> float:
    """The correlation of a stationary series with itself, `lag` steps on; NaN where it has no variance."""
    centred = values - values.mean() if values.size else values
    variance = float(centred @ centred)
    if values.size <= 2 * lag or variance == 0:
        return float("nan")
    return float(centred[lag:] @ centred[:-lag]) / variance


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's, of pairs of which both are known; NaN for fewer than three, or where one does not vary."""
    from scipy import stats  # type: ignore[import-untyped]

    known = np.isfinite(one) & np.isfinite(other)
    one, other = one[known], other[known]
    if one.size < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(stats.spearmanr(one, other).statistic)
