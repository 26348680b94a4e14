"""Think times that grow with what was read and what is written: wait = M (1 + b output + c new)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEAST_WAITS = 200
_LEAST_R2 = 0.05
_LEAST_CONSTANT = 0.01
"""Of the mean wait: where waits are in proportion to lengths, what is left for lengths of 0."""


@dataclass(frozen=True)
class ThinkTime:
    """How a wait grows with the lengths around it.

    Attributes:
        output: b, a token of the output of the turn before.
        tokens: c, a token that the turn adds.
    """

    output: float = 0.0
    tokens: float = 0.0

    @classmethod
    def of(cls, waits: npt.NDArray[Any], outputs: npt.NDArray[Any], new: npt.NDArray[Any]) -> ThinkTime:
        """By non-negative least squares of the wait on (1, output, new).

        No growth where there are fewer than 200 waits, or lengths explain no more than a twentieth of the
        variance.

        Args:
            waits: seconds.
            outputs: tokens of the turn before each.
            new: tokens that the turn after each adds.
        """
        if waits.size < LEAST_WAITS:
            return cls()
        columns = np.stack([np.ones(waits.size), outputs, new]).astype(np.float64)
        found, r2 = non_negative(columns @ columns.T, columns @ waits, float(waits @ waits))
        if not r2 > _LEAST_R2:
            return cls()
        constant = max(found[0], _LEAST_CONSTANT * waits.mean())
        return cls(output=float(found[1] / constant), tokens=float(found[2] / constant))

    def law(self, waits: npt.NDArray[Any], outputs: npt.NDArray[Any], new: npt.NDArray[Any]) -> Floats:
        """M: the waits without what lengths add, seconds."""
        found: Floats = waits / (1.0 + self.output * outputs + self.tokens * new)
        return found


def non_negative(products: Floats, with_waits: Floats, squares: float) -> tuple[Floats, float]:
    """Non-negative least squares of y on columns of which the first is constant, from sums over the rows.

    Args:
        products: shape (k, k), sums of products of two columns.
        with_waits: shape (k,), those of a column and y.
        squares: the sum of y squared.

    Returns:
        The coefficients, and R^2, the part of the variance of y that they explain.
    """
    from scipy.optimize import nnls  # type: ignore[import-untyped]

    scale = np.sqrt(np.maximum(np.diag(products), 1e-300))
    values, vectors = np.linalg.eigh(products / np.outer(scale, scale))
    # A root of the matrix stands for the rows: what has the same sums has the same solution. Directions in
    # which columns do not differ are left out.
    kept = values > 1e-12 * values[-1]
    root = np.sqrt(values[kept])
    rows = root[:, None] * vectors[:, kept].T
    target = vectors[:, kept].T @ (with_waits / scale) / root
    scaled, _ = nnls(rows, target)
    coefficients: Floats = scaled / scale
    left = squares - 2 * coefficients @ with_waits + coefficients @ products @ coefficients
    around_mean = squares - with_waits[0] ** 2 / products[0, 0]
    return coefficients, 1 - left / around_mean if around_mean > 1e-12 * squares else 0.0
