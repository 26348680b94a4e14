"""From clients made by hand to a profile."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.client_names import unique_names
from tracetide.base.durations import DAY, format_duration, format_time, parse_duration
from tracetide.base.grid import NS
from tracetide.base.renewal import own_cv
from tracetide.base.vocabulary import EXPONENTIAL, FIELDS, GAMMA, TABLE, WEIBULL
from tracetide.profile.distributions import (
    AliasTable,
    Distribution,
    Exponential,
    Gamma,
    QuantileTable,
)
from tracetide.profile.gap_table import GapTable
from tracetide.profile.handmade.client import Client
from tracetide.profile.handmade.curves import MOST_VALUES, WEEK, RateCurve, parts_of, values_of
from tracetide.profile.prompts import add_prefixes
from tracetide.profile.sessions import add_sessions

Floats = npt.NDArray[np.float64]

DEFAULT_WINDOW = 600.0
_RATIO_STEPS = 1024
MOST_CLIENTS = 1_000_000
"""Of a pool by hand, counted with their copies."""
MOST_CELLS = 5_000_000
"""Windows in which clients are active, summed over clients: each some 100 bytes while a profile is made."""
_MOST_WINDOWS = 2**22


def make_profile(
    clients: Iterable[Client],
    *,
    name: str = "",
    window: float | str | None = None,
    period: float | str | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> _core.Profile:
    """The profile of these clients; its counts are drawn (`renewal`), since rates are expectations.

    The arguments are those of `tracetide.ClientPool`; `provenance` is kept in the profile.

    Raises:
        ValueError: naming the client, the field, the value and what is allowed.
    """
    if not isinstance(clients, Iterable):
        raise ValueError(f"clients: {clients!r} is not allowed; it must be several Clients, such as a list")
    members = list(clients)
    if not members or not all(isinstance(member, Client) for member in members):
        wrong = next((member for member in members if not isinstance(member, Client)), members)
        raise ValueError(f"clients: {wrong!r} is not allowed; it must be Clients, at least one")
    copies = sum(member.count for member in members)
    if copies > MOST_CLIENTS:
        raise ValueError(f"clients: {copies:,} clients are not allowed; a pool has at most {MOST_CLIENTS:,}")
    category = members[0].category
    names = _names(members)
    for member, own in zip(members, names, strict=True):
        if member.category != category:
            raise ValueError(
                f"{own[0]}: the category {member.category} is not allowed; a pool has one, and that of "
                f"{names[0][0]} is {category}"
            )
    window_s = DEFAULT_WINDOW if window is None else parse_duration(window, "window")
    edges = _edges(members, window_s, period)
    builder = _core.ProfileBuilder(
        category,
        window_ns=round(window_s * NS),
        windows=edges.size - 1,
        epoch_ns=round(window_s * NS) * (edges.size - 1),
        epochs=1,
        default_counts="renewal",
        metadata=json.dumps({"name": name or "by hand", "kind": "by hand", **(provenance or {})}),
    )
    if sum(values_of(_curve(member), edges) for member in members) > MOST_VALUES:
        parts = sum(parts_of(_curve(member)) for member in members)
        raise ValueError(
            f"clients: rates of {parts:,} curves in {edges.size - 1:,} windows are not allowed; choose "
            "fewer, longer windows, or a shorter period"
        )
    cells = 0
    flattened = []
    for member, own in zip(members, names, strict=True):
        rates = _rates(member, own[0], edges)
        cells += len(own) * np.count_nonzero(rates)
        if cells > MOST_CELLS:
            raise ValueError(
                f"clients: {copies:,} clients in {edges.size - 1:,} windows are not allowed; the windows in "
                f"which they are active may be {MOST_CELLS:,} in all; choose longer windows, or fewer clients"
            )
        _add(builder, member, own, rates)
        swings = _curve(member)._swings(edges, rates)
        if swings.is_large:
            flattened.append((own[0], swings))
    _add_models(builder, members)
    built = builder.build()
    if flattened:
        first, swings = flattened[0]
        others = f" (and {len(flattened) - 1} other clients)" if len(flattened) > 1 else ""
        swings.warn(f"{first}{others}: rate", "a shorter window of the pool does")
    return built


def _add_models(builder: _core.ProfileBuilder, members: list[Client]) -> None:
    """Models of sessions and prompts, each once however many clients have it."""
    models: dict[int, int] = {}
    first = 0
    for member in members:
        numbers = range(first, first + member.count)
        first += member.count
        if member.sessions is not None:
            if id(member.sessions) not in models:
                models[id(member.sessions)] = add_sessions(builder, member.sessions)
            for number in numbers:
                builder.set_session(number, models[id(member.sessions)])
        if member.prefixes is not None:
            if id(member.prefixes) not in models:
                models[id(member.prefixes)] = add_prefixes(builder, member.prefixes)
            for number in numbers:
                builder.set_prompts(number, models[id(member.prefixes)])


def _names(members: list[Client]) -> list[list[str]]:
    """A name for each copy of each client."""
    flat = unique_names(
        member.name or f"client-{number}"
        for number, member in enumerate(members)
        for _ in range(member.count)
    )
    rest = iter(flat)
    return [[next(rest) for _ in range(member.count)] for member in members]


def _edges(members: list[Client], window: float, period: float | str | None) -> Floats:
    """Starts of the windows, and the period's end."""
    if period is None:
        rates = [_curve(member) for member in members]
        unit = WEEK if any(rate.is_weekly for rate in rates) else DAY
        seconds = unit * max(1, *(math.ceil(rate.extent / unit) for rate in rates))
    else:
        seconds = parse_duration(period, "period")
    if window < 1 / NS:
        raise ValueError(f"window: {window!r} s is not allowed; it must be at least 1 ns")
    windows = round(seconds / window)
    if windows < 1 or abs(windows * window - seconds) > 1e-6:
        what = ("period", seconds) if period is not None else ("window", window)
        raise ValueError(
            f"{what[0]}: {format_duration(what[1])} is not allowed; the period, {format_duration(seconds)}, "
            f"must be a multiple of the window, {format_duration(window)}"
        )
    if windows > _MOST_WINDOWS:
        raise ValueError(
            f"window: {format_duration(window)} is not allowed; a period of {format_duration(seconds)} would "
            f"have {windows:,} windows, and 2^22 are allowed"
        )
    edges: Floats = np.arange(windows + 1, dtype=np.float64) * window
    return edges


def _curve(member: Client) -> RateCurve:
    assert isinstance(member.rate, RateCurve)
    return member.rate


def _rates(client: Client, name: str, edges: Floats) -> Floats:
    """The mean rate in every window."""
    rates = _curve(client).means(edges)
    if not (rates.max() > 0 and rates.min() >= 0 and np.isfinite(rates).all()):
        worst = int(np.argmin(rates))
        raise ValueError(
            f"{name}: rate: a mean of {rates[worst]:g} at {format_time(edges[worst])} is not allowed; it "
            "must be finite, from 0 on, and above 0 at some time"
        )
    return rates


def _add(builder: _core.ProfileBuilder, client: Client, names: list[str], rates: Floats) -> None:
    """All copies of a client."""
    active = np.flatnonzero(rates > 0)
    arrivals = client.arrivals
    if isinstance(arrivals, GapTable):
        family, shape, cv = TABLE, float(arrivals.add_to(builder)), arrivals.cv
    else:
        family, shape, cv = gaps_of(arrivals)
    cells = (
        active.astype(np.uint32),
        rates[active],
        np.full(active.size, shape),
        np.full(active.size, cv),
        np.full(active.size, family, dtype=np.uint8),
    )
    laws = {name: _law(builder, client, name) for name in FIELDS[client.category]}
    number = builder.add_client(names[0])
    builder.add_cells(number, *cells)
    if client.modulation is not None:
        builder.set_rate_noise(number, client.modulation.rho, client.modulation.levels)
    for field, law in laws.items():
        builder.set_field(0, number, field, law)
    for (a, b), spearman in client.correlations.items():
        builder.set_correlation(number, a, b, float(spearman))
    builder.repeat_client(names[1:])


def gaps_of(law: Distribution) -> tuple[int, float, float]:
    """Family, shape and CV of a law of gaps."""
    if isinstance(law, Exponential):
        return EXPONENTIAL, 1.0, 1.0
    shape = law.parameters["shape"]
    if isinstance(law, Gamma):
        return GAMMA, shape, own_cv(GAMMA, shape)
    return WEIBULL, shape, own_cv(WEIBULL, shape)


def _law(builder: _core.ProfileBuilder, client: Client, field: str) -> int:
    """The number of a field's distribution; a field that is not given is always 0."""
    if getattr(client, field) is None:
        return builder.add_integer_pmf(np.zeros(1, dtype=np.uint32), np.ones(1))
    law, (low, high) = client.law_of(field), client.limits_of(field)
    ratio = field == "reason_ratio"
    if isinstance(law, AliasTable | QuantileTable) and (ratio or law.dtype == np.uint32):
        values, probabilities = law.parameters["values"], law.parameters["probabilities"]
        if ratio:
            return builder.add_real_pmf(np.asarray(values, dtype=np.float64), probabilities)
        return builder.add_integer_pmf(values, probabilities)
    if ratio and low == high:
        return builder.add_real_pmf(np.array([float(low)]), np.ones(1))
    if ratio:
        quantiles = _core.quantiles(law._law, _RATIO_STEPS + 1, low, high)
        return builder.add_quantiles(quantiles, float(low), float(high))
    values, probabilities, maximum = _core.bins(law._law, int(low), int(high))
    return builder.add_bins(values, probabilities, maximum)
