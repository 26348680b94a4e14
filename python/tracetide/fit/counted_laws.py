"""Laws as counted: mappings {value: probability}, such as models of sessions and prompts take."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def counted(values: npt.NDArray[Any], counts: npt.NDArray[Any]) -> dict[float, float]:
    """The law of values, of which each was seen `counts` times."""
    total = float(counts.sum())
    return {float(value): float(count) / total for value, count in zip(values, counts, strict=True)}


def binned(values: npt.NDArray[Any], scale: float) -> dict[float, float]:
    """Whole numbers of 1 / scale; those above 64 to within 1/128 of themselves."""
    whole = np.rint(np.asarray(values, dtype=np.float64) * scale).astype(np.int64)
    step = np.maximum(1, 2 ** np.maximum(0, np.floor(np.log2(np.maximum(whole, 1))).astype(np.int64) - 6))
    found, counts = np.unique(whole // step * step + step // 2, return_counts=True)
    return counted(found / scale, counts)
