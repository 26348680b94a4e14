"""A profile on a finer grid and over a longer period; what a request is like does not change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import gcd, lcm
from typing import Any

import numpy as np

from tracetide import _core
from tracetide.base.durations import format_duration
from tracetide.base.grid import NS
from tracetide.base.vocabulary import MISSING

_MOST_CELLS = 500_000_000


@dataclass(frozen=True)
class Grid:
    """Windows and epochs of a profile; times in nanoseconds."""

    window_ns: int
    windows: int
    epoch_ns: int
    epochs: int

    @property
    def period_ns(self) -> int:
        """The whole length."""
        return self.window_ns * self.windows

    @property
    def cycle_ns(self) -> int:
        """After which the epochs repeat: a divisor of the period."""
        cycle = self.epoch_ns * self.epochs
        return cycle if self.period_ns % cycle == 0 else self.period_ns

    @staticmethod
    def of(profile: _core.Profile) -> Grid:
        """The grid of a profile."""
        return Grid(profile.window_ns, profile.windows, profile.epoch_ns, profile.epochs)


def common_grid(a: Grid, b: Grid) -> Grid:
    """The coarsest grid on which both can be: steps that divide theirs, a period that theirs divide."""
    if a == b:
        return a
    window = gcd(a.window_ns, b.window_ns)
    period = lcm(a.period_ns, b.period_ns)
    epoch = gcd(a.epoch_ns, b.epoch_ns, a.cycle_ns, b.cycle_ns)
    return Grid(window, period // window, epoch, lcm(a.cycle_ns, b.cycle_ns) // epoch)


def regrid(profile: _core.Profile, grid: Grid) -> _core.Profile:
    """The profile on `grid`, one that `common_grid` gave: repeated over its period, windows split.

    Raises:
        ValueError: if it would have more than 500 million active windows.
    """
    old = Grid.of(profile)
    if old == grid:
        return profile
    parts, repeats = old.window_ns // grid.window_ns, grid.period_ns // old.period_ns
    cells = profile.cells()
    if cells["rate"].size * parts * repeats > _MOST_CELLS:
        window, period = (format_duration(ns / NS) for ns in (grid.window_ns, grid.period_ns))
        raise ValueError(
            f"+: windows of {window} over {period} are what both fit, but they are too many; make pools "
            "whose windows and periods divide each other"
        )
    builder = _core.ProfileBuilder(
        profile.category,
        window_ns=grid.window_ns,
        windows=grid.windows,
        epoch_ns=grid.epoch_ns,
        epochs=grid.epochs,
        default_counts=profile.default_counts,
        metadata=profile.metadata,
    )
    _add_cells(builder, profile, parts, repeats)
    _add_fields(builder, profile, grid)
    known = profile.correlations()
    for client, a, b, spearman in zip(*(known[key].tolist() for key in known), strict=True):
        builder.set_correlation(client, profile.fields[a], profile.fields[b], spearman)
    builder.copy_models(profile)
    return builder.build()


def _add_cells(builder: _core.ProfileBuilder, profile: _core.Profile, parts: int, repeats: int) -> None:
    cells = profile.cells()
    order = np.argsort(cells["client"], kind="stable")
    bounds = np.searchsorted(cells["client"][order], np.arange(profile.clients + 1))
    for first_bin, probabilities in profile.gap_tables():
        builder.add_gap_table(first_bin, probabilities)
    rho, levels = profile.rate_noise()
    # What is halved is a shorter window.
    halvings = round(math.log2(parts))
    first = np.arange(repeats, dtype=np.int64)[:, None, None] * profile.windows * parts
    part = np.arange(parts, dtype=np.int64)[None, None, :]
    for client, name in enumerate(profile.client_names):
        rows = order[bounds[client] : bounds[client + 1]]
        window = (first + cells["window"][rows].astype(np.int64)[None, :, None] * parts + part).ravel()

        def spread(column: str, rows: Any = rows) -> Any:
            return np.tile(np.repeat(cells[column][rows], parts), repeats)

        builder.add_client(name)
        builder.set_rate_noise(client, float(rho[client]), max(0, int(levels[client]) - halvings))
        builder.add_cells(
            client, window.astype(np.uint32), *(spread(name) for name in ("rate", "shape", "cv", "family"))
        )


def _add_fields(builder: _core.ProfileBuilder, profile: _core.Profile, grid: Grid) -> None:
    start = np.arange(grid.epochs, dtype=np.int64) * grid.epoch_ns % profile.period_ns
    # With what stands in for missing ones: the nearest epoch may be another one on the new grid.
    ids = profile.ids(True)[start // profile.epoch_ns % profile.epochs]
    new_ids = np.full(profile.distributions + 1, MISSING, dtype=np.uint32)
    for id in np.unique(ids[ids != MISSING]).tolist():
        new_ids[id] = add_distribution(builder, profile.distribution(id))
    for client in range(profile.clients):
        of_client = ids[:, client, :]
        builder.set_fields(
            client,
            np.ascontiguousarray(new_ids[np.where(of_client == MISSING, profile.distributions, of_client)]),
        )


def add_distribution(builder: _core.ProfileBuilder, distribution: dict[str, Any]) -> int:
    """Add what `Profile.distribution` gave; its number."""
    values, kind = distribution["values"], distribution["kind"]
    if kind == "quantiles":
        return builder.add_quantiles(values, distribution["minimum"], distribution["maximum"])
    if kind == "integer_pmf":
        return builder.add_integer_pmf(values, distribution["probabilities"])
    if kind == "real_pmf":
        return builder.add_real_pmf(values, distribution["probabilities"])
    return builder.add_bins(values, distribution["probabilities"], distribution["maximum"])
