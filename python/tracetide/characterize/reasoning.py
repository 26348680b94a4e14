"""Finding 9: reasons and answers, whose ratio has two modes (figure 13)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.characterize.correlation import bins_table
from tracetide.characterize.figures.reasoning import chart
from tracetide.characterize.finding import Finding, Part, Whole, quantile_numbers, table_of
from tracetide.measures.pairs import Pairs
from tracetide.statistics.points import Points
from tracetide.statistics.whole_numbers import WholeNumbers, points_of_counts

Floats = npt.NDArray[np.float64]

RATIO_STEPS = 1000
_BANDWIDTH = 0.03
_LEAST_PROMINENCE = 0.05
_NOISE = 4.0
_MOST_ROWS = 1024


class Reasoning:
    """Counts reasons and answers exactly (`WholeNumbers`), pairs of both, and ratios to 1/1000."""

    def __init__(self) -> None:
        self._reason, self._answer = WholeNumbers(), WholeNumbers()
        self._pairs = Pairs()
        self._ratios = np.zeros(RATIO_STEPS + 1, dtype=np.int64)

    def add(self, part: Part) -> None:
        """Take the next part."""
        output = part.column("output_tokens").astype(np.int64)
        reason = part.reason
        self._reason.add(reason)
        self._answer.add(output - reason)
        self._pairs.add(reason, output - reason)
        some = output > 0
        ratio = np.rint(reason[some] / output[some] * RATIO_STEPS).astype(np.int64)
        self._ratios += np.bincount(ratio, minlength=RATIO_STEPS + 1)

    def result(self, whole: Whole) -> Finding:
        """The finding."""
        reason, answer = (points_of_counts(one.counts()) for one in (self._reason, self._answer))
        ratios = Points.of(np.arange(RATIO_STEPS + 1) / RATIO_STEPS, self._ratios)
        density = _density(self._ratios)
        numbers: dict[str, Any] = {
            "reason": {"mean": reason.mean, "quantiles": quantile_numbers(reason)},
            "answer": {"mean": answer.mean, "quantiles": quantile_numbers(answer)},
            "ratio": {"mean": ratios.mean, "quantiles": quantile_numbers(ratios)},
            "reason_answer_spearman": self._pairs.spearman(),
            "ratio_modes": modes(density, int(self._ratios.sum())),
            "bimodality_coefficient": bimodality_coefficient(ratios),
        }
        share = self._ratios / max(int(self._ratios.sum()), 1)
        tables = {
            "reason": _shares(reason),
            "answer": _shares(answer),
            "reason_ratio": table_of(
                {"ratio": np.arange(RATIO_STEPS + 1) / RATIO_STEPS, "share": share, "density": density}
            ),
            "answer_by_reason": bins_table(self._pairs),
        }
        return Finding("reasoning", "13", numbers, tables, chart)


def _density(counts: npt.NDArray[np.int64]) -> Floats:
    """A kernel estimate of the density on [0, 1], with a Gaussian kernel reflected at both ends."""
    from scipy import ndimage  # type: ignore[import-untyped]

    share = counts / max(int(counts.sum()), 1) * RATIO_STEPS
    # What lies at an end stands for half a step only.
    share[[0, -1]] *= 2
    found: Floats = ndimage.gaussian_filter1d(share, _BANDWIDTH * RATIO_STEPS, mode="mirror")
    return found


def modes(density: Floats, observations: int) -> list[float]:
    """Where a density on [0, 1] has peaks that stand out.

    By a twentieth of the highest, and by four standard deviations of the estimate there: of n observations
    with a Gaussian kernel of width h its variance is f / (2 sqrt(pi) n h) (Silverman 1986).
    """
    from scipy import signal

    highest = float(density.max(initial=0))
    if not highest > 0:
        return []
    noise = math.sqrt(highest / (2 * math.sqrt(math.pi) * observations * _BANDWIDTH))
    padded = np.concatenate([[0.0], density, [0.0]])
    least = max(_LEAST_PROMINENCE * highest, _NOISE * noise)
    peaks, _ = signal.find_peaks(padded, prominence=min(least, 0.99 * highest))
    return [float(peak - 1) / (density.size - 1) for peak in peaks]


def bimodality_coefficient(points: Points) -> float:
    """Sarle's: (skewness^2 + 1) / kurtosis, from 0 to 1; a uniform law has 5/9, two equal points have 1.

    NaN where the values do not vary, or there are none.
    """
    if not points.total:
        return math.nan
    centred = points.values - points.mean
    second, third, fourth = (float(points.weights @ centred**power) / points.total for power in (2, 3, 4))
    if not second**2 > 0:
        return math.nan
    return (third**2 / second**3 + 1) / (fourth / second**2)


def _shares(points: Points) -> Any:
    size = points.values.size
    rows = np.unique(np.linspace(0, size - 1, min(size, _MOST_ROWS)).astype(np.int64))
    return table_of({"tokens": points.values[rows], "share_at_most": points.cumulative[rows]})
