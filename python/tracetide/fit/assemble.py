"""A profile from everything that was fitted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.vocabulary import FIELDS, MISSING, TABLE
from tracetide.fit.arrivals import Cells
from tracetide.fit.lengths import FittedField
from tracetide.passes.pieces import Grid
from tracetide.profile.gap_table import GapTable
from tracetide.profile.prompts import Prefixes, add_prefixes
from tracetide.profile.rate_noise import RateNoise
from tracetide.profile.sessions import Sessions, add_sessions

Correlation = tuple[int, str, str, float]


@dataclass(frozen=True)
class Parts:
    """What a profile is made of; clients are numbered as in the profile.

    Attributes:
        category: of the profile.
        names: of the clients.
        windows: how many.
        cells: in the order of windows and clients.
        rates: requests/s of the cells.
        fitted: the distributions.
        correlations: (client, field, field, Spearman correlation).
        with_sessions: for each client, whether sessions are among its requests.
        gap_tables: of the clients whose cells have the family `TABLE`.
        rate_noise: of the clients that have some.
    """

    category: str
    names: list[str]
    windows: int
    cells: Cells
    rates: npt.NDArray[np.float64]
    fitted: list[FittedField]
    correlations: Iterable[Correlation]
    with_sessions: list[bool]
    gap_tables: Mapping[int, GapTable] = field(default_factory=dict)
    rate_noise: Mapping[int, RateNoise] = field(default_factory=dict)


def assemble(
    parts: Parts,
    grid: Grid,
    metadata: dict[str, Any],
    models: tuple[Sessions | None, Prefixes | None] = (None, None),
) -> _core.Profile:
    """The profile; the models are of all clients, that of sessions of those that have any."""
    epochs = -(-parts.windows // grid.epoch_windows)
    builder = _core.ProfileBuilder(
        parts.category,
        window_ns=grid.window_ns,
        windows=parts.windows,
        epoch_ns=grid.window_ns * grid.epoch_windows,
        epochs=epochs,
        default_counts="pinned",
        metadata=json.dumps(metadata, ensure_ascii=True),
    )
    _add_clients(builder, parts)
    _add_distributions(builder, parts, epochs)
    for correlation in parts.correlations:
        builder.set_correlation(*correlation)
    sessions, prefixes = models
    if sessions is not None:
        number = add_sessions(builder, sessions)
        for client, has_any in enumerate(parts.with_sessions):
            if has_any:
                builder.set_session(client, number)
    if prefixes is not None:
        number = add_prefixes(builder, prefixes)
        for client in range(len(parts.names)):
            builder.set_prompts(client, number)
    return builder.build()


def _add_clients(builder: _core.ProfileBuilder, parts: Parts) -> None:
    cells = parts.cells
    by_client = np.argsort(cells.client, kind="stable")
    bounds = np.searchsorted(cells.client[by_client], np.arange(len(parts.names) + 1))
    for client, name in enumerate(parts.names):
        rows = by_client[bounds[client] : bounds[client + 1]]
        builder.add_client(name)
        shape = cells.shape[rows]
        if client in parts.gap_tables:
            number = parts.gap_tables[client].add_to(builder)
            shape = np.where(cells.family[rows] == TABLE, number, shape)
        builder.add_cells(
            client,
            cells.window[rows].astype(np.uint32),
            parts.rates[rows],
            shape,
            cells.cv[rows],
            cells.family[rows],
        )
        if client in parts.rate_noise:
            noise = parts.rate_noise[client]
            builder.set_rate_noise(client, noise.rho, noise.levels)


def _add_distributions(builder: _core.ProfileBuilder, parts: Parts, epochs: int) -> None:
    fields = FIELDS[parts.category]
    ids = np.full((epochs, len(fields)), MISSING, dtype=np.uint32)
    order = sorted(parts.fitted, key=lambda entry: (entry.client, entry.epoch, fields.index(entry.field)))
    for position, entry in enumerate(order):
        # An epoch after the last window is there if that was left out.
        at = min(entry.epoch, epochs - 1), fields.index(entry.field)
        if ids[at] == MISSING:
            ids[at] = entry.law.add_to(builder)
        if position + 1 == len(order) or order[position + 1].client != entry.client:
            builder.set_fields(entry.client, ids)
            ids[:] = MISSING
