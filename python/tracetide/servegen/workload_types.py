"""What the other modules speak of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Category(Enum):
    """Categories of workloads; the value is the folder's name."""

    LANGUAGE = "language"
    MULTIMODAL = "multimodal"
    REASON = "reason"


class ArrivalPat(Enum):
    """Families of inter-arrival times."""

    GAMMA = "Gamma"
    WEIBULL = "Weibull"


@dataclass
class ClientWindow:
    """One window of a client, cut to a view's span.

    Attributes:
        client_id: whose.
        timestamp: its start in seconds from the view's start.
        window_size: seconds.
        rate: requests/s; None if the client is idle, as are cv and arrival_pat.
        cv: of the gaps.
        arrival_pat: (name, (shape, scale)).
        dataset: by field the probability of each number from 0 on; None if there is none.
    """

    client_id: int
    timestamp: int
    window_size: int
    rate: float | None = None
    cv: float | None = None
    arrival_pat: tuple[str, tuple[float, ...]] | None = None
    dataset: dict[str, list[float]] | None = None
