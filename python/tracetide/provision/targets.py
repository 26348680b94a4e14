"""What serving must keep to."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tracetide.provision.result import ServingResult


@dataclass(frozen=True)
class Targets:
    """Upper bounds of latencies, in seconds.

    Attributes:
        ttft: of the time to first token.
        tbt: of the time between tokens, over all tokens of all requests.
        quantile: how many must keep to them: 0.99 means 99 %.

    Raises:
        ValueError: naming the target, the value and what is allowed.
    """

    ttft: float
    tbt: float
    quantile: float = 0.99

    def __post_init__(self) -> None:
        for name in ("ttft", "tbt"):
            value = getattr(self, name)
            if not _is_number(value) or not value > 0:
                raise ValueError(f"{name}: {value!r} is not allowed; it must be a number of seconds above 0")
        if not _is_number(self.quantile) or not 0 < self.quantile < 1:
            raise ValueError(f"quantile: {self.quantile!r} is not allowed; it must be above 0 and below 1")

    def are_met(self, result: ServingResult) -> bool:
        """Whether they are. A rejected request waits for ever; where there are no gaps, any TBT is met."""
        tbt = result.tbt.quantile(self.quantile)
        return result.ttft_quantile(self.quantile) <= self.ttft and not tbt > self.tbt


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
