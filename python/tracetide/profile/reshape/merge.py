"""The clients of two pools together."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tracetide import _core
from tracetide.base.client_names import unique_names
from tracetide.base.grid import NS
from tracetide.profile.reshape.grids import Grid, common_grid, regrid
from tracetide.profile.view import ProfileView


def merge(a: ProfileView, b: ProfileView) -> _core.Profile:
    """All clients of both, with their own rates: first those of `a`, then those of `b`.

    Where windows or periods differ, both are put on a common grid: windows are split and the shorter period
    is repeated. Counts are pinned if they are in both, else drawn (`renewal`): a job's `counts=` decides
    otherwise.

    Raises:
        ValueError: if the categories or spans differ, or there is no reasonable common grid.
    """
    if a.category != b.category:
        raise ValueError(
            f"+: pools of the categories {a.category} and {b.category} are not allowed; they must have one"
        )
    if not (a.is_whole and b.is_whole) and (a.start, a.end) != (b.start, b.end):
        raise ValueError(f"+: {a!r} and {b!r} are not allowed; add the pools first and take the span then")
    first, second = a.profile, b.profile
    grid = common_grid(Grid.of(first), Grid.of(second))
    first, second = regrid(first, grid), regrid(second, grid)
    pinned = first.default_counts == second.default_counts == "pinned"
    builder = _core.ProfileBuilder(
        first.category,
        window_ns=grid.window_ns,
        windows=grid.windows,
        epoch_ns=grid.epoch_ns,
        epochs=grid.epochs,
        default_counts="pinned" if pinned else "renewal",
        metadata=json.dumps(
            {
                "name": f"{a.name} + {b.name}",
                "merged": [*_parts(a), *_parts(b)],
                **_duration(a, b, grid),
            }
        ),
    )
    names = unique_names([*first.client_names, *second.client_names])
    for profile, own in ((first, names[: first.clients]), (second, names[first.clients :])):
        builder.add_clients(
            profile, np.arange(profile.clients, dtype=np.uint32), own, np.ones(profile.clients)
        )
    return builder.build()


def _parts(pool: ProfileView) -> list[dict[str, Any]]:
    """Where a pool is from: of a sum its parts, else sums of many pools would nest too deeply."""
    found = pool.provenance
    return found["merged"] if set(found) == {"name", "merged"} else [found]


def _duration(a: ProfileView, b: ProfileView, grid: Grid) -> dict[str, float]:
    """What both together say of how long a job is; nothing where neither does, or it is the whole period."""
    longest = max(a.duration, b.duration)
    says = any("duration" in pool.provenance for pool in (a, b))
    return {"duration": longest} if says and longest < grid.windows * grid.window_ns / NS else {}
