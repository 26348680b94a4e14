"""What a grid of targets found, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracetide.provision.instance import Instance

METHODS = ("naive", "clients")
"""The benchmarks: the workload as a whole, and client by client."""


@dataclass(frozen=True)
class Cell:
    """One pair of targets.

    Attributes:
        ttft, tbt: the targets, seconds.
        needed: the fewest instances that keep to them with the actual requests; None where no number does.
        rates: by method, the largest rate that one instance sustains, requests/s; 0 where it sustains none.
        instances: by method, how many the total rate takes at this rate; None where the rate is 0.
    """

    ttft: float
    tbt: float
    needed: int | None
    rates: dict[str, float]
    instances: dict[str, int | None]

    def over(self, method: str) -> float | None:
        """Percent that a method provisions too many; negative: too few. None where a number is missing."""
        made = self.instances[method]
        if made is None or self.needed is None:
            return None
        return 100.0 * (made - self.needed) / self.needed


@dataclass(frozen=True)
class GridCells:
    """Cells by targets.

    Attributes:
        rate: the total rate, requests/s.
        requests: in the actual workload.
        ttft, tbt: the targets, seconds, ascending.
        quantile: that must keep to them.
        instance: what serves.
        cells: by TTFT, and within by TBT.
    """

    rate: float
    requests: int
    ttft: tuple[float, ...]
    tbt: tuple[float, ...]
    quantile: float
    instance: Instance
    cells: tuple[Cell, ...]

    def table(self) -> Any:
        """A pyarrow Table with a row for each cell.

        Columns: `ttft`, `tbt` (seconds), `needed`; and of `naive` and `clients` each `_rate` (requests/s of
        one instance), `_instances` and `_over` (percent). Null where there is none.
        """
        import pyarrow as pa

        types: dict[str, Any] = {"ttft": pa.float64(), "tbt": pa.float64(), "needed": pa.int64()}
        for method in METHODS:
            types |= {
                f"{method}_rate": pa.float64(),
                f"{method}_instances": pa.int64(),
                f"{method}_over": pa.float64(),
            }
        return pa.Table.from_pylist([_row(cell) for cell in self.cells], pa.schema(list(types.items())))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "rate": self.rate,
            "requests": self.requests,
            "quantile": self.quantile,
            "instance": self.instance.to_dict(),
            "cells": [_row(cell) for cell in self.cells],
        }


def _row(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = {"ttft": cell.ttft, "tbt": cell.tbt, "needed": cell.needed}
    for method in METHODS:
        row |= {
            f"{method}_rate": cell.rates[method],
            f"{method}_instances": cell.instances[method],
            f"{method}_over": cell.over(method),
        }
    return row
