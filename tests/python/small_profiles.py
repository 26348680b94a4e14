"""Small synthetic profiles for tests."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import oracle
from tracetide import _core

SECOND = 1_000_000_000


@dataclass(frozen=True)
class IntegerPmf:
    values: npt.ArrayLike
    probabilities: npt.ArrayLike


@dataclass(frozen=True)
class RealPmf:
    values: npt.ArrayLike
    probabilities: npt.ArrayLike


@dataclass(frozen=True)
class Quantiles:
    values: npt.ArrayLike
    minimum: float = 0.0
    maximum: float = 4294967295.0


@dataclass(frozen=True)
class Bins:
    """Bin i holds the whole numbers from values[i] to before values[i + 1], the last one to `maximum`."""

    values: npt.ArrayLike
    probabilities: npt.ArrayLike
    maximum: int


Law = IntegerPmf | RealPmf | Quantiles | Bins


def constant(value: int) -> IntegerPmf:
    return IntegerPmf([value], [1.0])


def zipf(values: npt.ArrayLike, exponent: float = 1.0) -> IntegerPmf:
    """Weights 1 / rank^exponent; exponent 1 uses division alone, so that every machine gets the same bits."""
    ranks = np.arange(1, np.asarray(values).size + 1, dtype=np.float64)
    weights = 1.0 / (ranks if exponent == 1.0 else ranks**exponent)
    return IntegerPmf(values, weights / weights.sum())


LANGUAGE: dict[str, Law] = {"input_tokens": constant(10), "output_tokens": constant(20)}
REASON: dict[str, Law] = {**LANGUAGE, "reason_ratio": RealPmf([0.5], [1.0])}
MULTIMODAL: dict[str, Law] = {
    "output_tokens": constant(20),
    "text_tokens": constant(10),
    **{f"{kind}_count": constant(0) for kind in oracle.KINDS},
    **{f"{kind}_tokens": constant(0) for kind in oracle.KINDS},
}
DEFAULTS = {"language": LANGUAGE, "reason": REASON, "multimodal": MULTIMODAL}


@dataclass(frozen=True)
class Client:
    """`rate` in requests/s: one for all windows, or one per window with 0 for idle.

    `fields` replaces defaults of the category: one mapping for all epochs, or one per epoch with None
    for an epoch without distributions. `fields=None` leaves the client without any. `correlations` are
    Spearman's, by pairs of fields.
    """

    rate: float | Sequence[float] | npt.NDArray[np.float64] = 1.0
    family: str = "exponential"
    shape: float = 1.0
    fields: Mapping[str, Law] | Sequence[Mapping[str, Law] | None] | None = field(default_factory=dict)
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)


def build(
    clients: Sequence[Client],
    *,
    window_s: float = 600.0,
    windows: int = 1,
    epoch_windows: int | None = None,
    category: str = "language",
    default_counts: str = "pinned",
    metadata: dict[str, Any] | None = None,
) -> Any:
    """A profile of `clients` on a grid of `windows` windows; by default all of it is one epoch."""
    epoch_windows = windows if epoch_windows is None else epoch_windows
    epochs = -(-windows // epoch_windows)
    window_ns = round(window_s * SECOND)
    builder = _core.ProfileBuilder(
        category,
        window_ns=window_ns,
        windows=windows,
        epoch_ns=window_ns * epoch_windows,
        epochs=epochs,
        default_counts=default_counts,
        metadata=json.dumps({"name": "synthetic"} if metadata is None else metadata),
    )
    for number, client in enumerate(clients):
        id = builder.add_client(f"client {number}")
        _add_cells(builder, id, client, windows)
        for pair, spearman in client.correlations.items():
            builder.set_correlation(id, *pair, spearman)
        by_epoch = client.fields
        if by_epoch is None or isinstance(by_epoch, Mapping):
            by_epoch = [by_epoch] * epochs
        for epoch, laws in enumerate(by_epoch):
            if laws is not None:
                for name, law in {**DEFAULTS[category], **laws}.items():
                    builder.set_field(epoch, id, name, _add_law(builder, law))
    return builder.build()


def _add_cells(builder: Any, id: int, client: Client, windows: int) -> None:
    rates = np.broadcast_to(np.asarray(client.rate, dtype=np.float64), windows)
    active = np.flatnonzero(rates > 0)
    family = oracle.FAMILIES.index(client.family)
    cv = math.nan if client.family == "weibull" else math.sqrt(oracle.squared_cv(family, client.shape))
    builder.add_cells(
        id,
        active.astype(np.uint32),
        rates[active],
        np.full(active.size, client.shape),
        np.full(active.size, cv),
        np.full(active.size, family, dtype=np.uint8),
    )


def _add_law(builder: Any, law: Law) -> int:
    if isinstance(law, IntegerPmf):
        return builder.add_integer_pmf(
            np.asarray(law.values, dtype=np.uint32), np.asarray(law.probabilities, dtype=np.float64)
        )
    if isinstance(law, RealPmf):
        return builder.add_real_pmf(
            np.asarray(law.values, dtype=np.float64), np.asarray(law.probabilities, dtype=np.float64)
        )
    if isinstance(law, Bins):
        return builder.add_bins(
            np.asarray(law.values, dtype=np.uint32),
            np.asarray(law.probabilities, dtype=np.float64),
            law.maximum,
        )
    return builder.add_quantiles(np.asarray(law.values, dtype=np.float64), law.minimum, law.maximum)


def one_client(
    rate: float = 1.0,
    family: str = "exponential",
    shape: float = 1.0,
    *,
    window_s: float = 600.0,
    windows: int = 1,
    category: str = "language",
    **fields: Law,
) -> Any:
    """A profile of one client with one rate, family and set of distributions throughout."""
    return build([Client(rate, family, shape, fields)], window_s=window_s, windows=windows, category=category)
