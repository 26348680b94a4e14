"""Whether the times of a trace count from its beginning."""

from __future__ import annotations

from tracetide.base.errors import TraceError
from tracetide.base.wording import Option, Told

_MOST_OFFSET = 100
_LEAST_S = 86400.0
"""How long a trace counts as at least: the only request of one may come late in a day, but not in 2024."""


def check_origin(origin: str, first_s: float, last_s: float) -> None:
    """Refuse times that do not begin near 0, as durations and rates would be wrong.

    Raises:
        TraceError: naming the times.
    """
    if first_s > _MOST_OFFSET * (last_s - first_s or _LEAST_S):
        raise TraceError(
            Told(
                f"{origin}: column 'timestamp': times from {first_s:.9g} s to {last_s:.9g} s are not "
                "allowed; they count from 0, and ",
                Option("rebase", True),
                " counts them from the first request",
            )
        )
