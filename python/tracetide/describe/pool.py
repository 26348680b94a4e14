"""Statistics of a pool, from its rates and distributions; nothing is generated."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.grid import NS
from tracetide.base.vocabulary import FAMILY_KEYS, MISSING, TABLE
from tracetide.describe.description import Description, Lengths, RateCurve, TopClient
from tracetide.describe.weighted import Floats, lengths_of, quantiles, top_shares
from tracetide.profile.gap_table import law_cvs
from tracetide.profile.points import points_of
from tracetide.profile.pool import ClientPool

_TOP = 5


def describe_pool(pool: ClientPool) -> Description:
    """Statistics of `pool.duration` at the profile's own rates."""
    profile = pool.profile
    first, lengths = _windows(pool)
    cells = _cells(profile, first, lengths)
    expected = cells["rate"] * cells["length"]
    per_client: Floats = np.bincount(cells["client"], expected, len(pool)).astype(np.float64)
    per_window: Floats = np.bincount(cells["window"] - first, expected, lengths.size).astype(np.float64)
    total = float(expected.sum())
    weights = np.zeros((profile.epochs, len(pool)))
    np.add.at(weights, (cells["epoch"], cells["client"]), expected)
    fields, without = _lengths(profile, weights)
    names = pool.client_names
    rates = per_window / lengths
    return Description(
        kind="profile",
        name=pool.name,
        category=pool.category,
        duration=pool.duration,
        requests=total,
        clients=len(pool),
        active_clients=int(np.count_nonzero(per_client)),
        rate=RateCurve(
            pool.window, rates.tolist(), total / float(lengths.sum()), float(rates.max()), float(rates.min())
        ),
        top=_top_clients(names, per_client, cells, expected, pool.duration),
        top_shares=top_shares(per_client) if total else {},
        burstiness=_cvs(cells["law_cv"], expected),
        families={
            name: float(expected[cells["family"] == number].sum() / total) if total else 0.0
            for number, name in enumerate(FAMILY_KEYS)
            if number != TABLE or (cells["family"] == TABLE).any()
        },
        lengths=fields,
        left_out=[names[client] for client in without],
        left_out_share=float(per_client[without].sum() / total) if total else 0.0,
        details={
            "period": pool.period,
            "window": pool.window,
            "epoch": profile.epoch_ns / NS,
            "span": [pool.start, pool.end],
            "counts": profile.default_counts,
            **({"kept": pool.kept._asdict()} if pool.kept is not None else {}),
            **_recorded(cells, expected),
            **_modulation(profile, per_client),
            **_models(profile, per_client),
            "provenance": pool.provenance,
        },
    )


def _cvs(values: Floats, weights: Floats) -> dict[str, float]:
    """Mean and quantiles of CVs of gaps."""
    return {
        "cv_mean": float(np.average(values, weights=weights)) if weights.sum() > 0 else float("nan"),
        **dict(zip(("cv_p10", "cv_p50", "cv_p90"), quantiles(values, weights, (0.1, 0.5, 0.9)), strict=True)),
    }


def _recorded(cells: dict[str, npt.NDArray[Any]], expected: Floats) -> dict[str, Any]:
    """The CVs of gaps as they were in the trace, where the profile has them."""
    known = np.isfinite(cells["cv"])
    return {"recorded_burstiness": _cvs(cells["cv"][known], expected[known])} if known.any() else {}


def _modulation(profile: _core.Profile, requests: Floats) -> dict[str, Any]:
    """How rates move inside windows: the share of the requests of clients whose rate does, and how much."""
    rho, levels = profile.rate_noise()
    weights = np.where((rho > 0) & (levels > 0), requests, 0.0)
    if not weights.sum() > 0:
        return {}
    return {
        "modulation": {
            "share": float(weights.sum() / requests.sum()),
            "rho": float(np.average(rho, weights=weights)),
            "levels": float(np.average(levels, weights=weights)),
        }
    }


def _models(profile: _core.Profile, requests: Floats) -> dict[str, Any]:
    """What shares of the requests belong to sessions and have prompts in common; nothing without models."""
    found: dict[str, Any] = {}
    sessions, prompts = profile.session_models(), profile.prompt_models()
    total = max(float(requests.sum()), 1e-300)
    if sessions:
        means = profile.statistics(np.array([0.5]))["mean"]
        member, model = _members(profile.client_sessions())
        share = requests[member] * np.array([entry["share"] for entry in sessions])[model]
        turns = means[[entry["turns"] for entry in sessions]][model]
        started = float((share / turns).sum())
        found["sessions"] = {
            "share": float(share.sum()) / total,
            "turns_mean": float(share.sum()) / started if started else float("nan"),
            **_lasting(sessions, np.bincount(model, share, len(sessions)).astype(np.float64)),
        }
    if prompts:
        member, model = _members(profile.client_prompts())
        share = requests[member] * np.array([entry["share"] for entry in prompts])[model]
        found["prefixes_share"] = float(share.sum()) / total
    return found


def _lasting(models: list[dict[str, Any]], requests: Floats) -> dict[str, Any]:
    """How waits grow with lengths, and how far lengths last along sessions: means over the models by their
    requests; only what any has.
    """
    total = max(float(requests.sum()), 1e-300)

    def mean(values: list[float]) -> float:
        return float(requests @ np.array(values)) / total

    found: dict[str, Any] = {}
    for name in ("wait_output", "wait_tokens"):
        growth = mean([max(step[name] for step in model["steps"]) for model in models])
        if growth > 0:
            found[name] = growth
    pairs = [model["persistence"] for model in models]
    for field in dict.fromkeys(field for persistence in pairs for field in persistence):
        shares = [persistence.get(field, (0.0, 0.0)) for persistence in pairs]
        share = mean([a for a, _ in shares])
        if share > 0:
            memory = mean([a * phi for a, phi in shares]) / share
            found.setdefault("persistence", {})[field] = {"share": share, "memory": memory}
    return found


def _members(models: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
    """The clients that have a model, and their models."""
    member = np.flatnonzero(models != MISSING)
    return member, models[member]


def _windows(pool: ClientPool) -> tuple[int, Floats]:
    """The first window of the span, and the seconds of each window that lie in it."""
    first = int(pool.start // pool.window)
    end = pool.start + pool.duration
    last = int(-(-end // pool.window))
    edges = np.arange(first, last + 1) * pool.window
    return first, np.diff(np.clip(edges, pool.start, end))


def _cells(profile: _core.Profile, first: int, lengths: Floats) -> dict[str, npt.NDArray[Any]]:
    """The profile's cells in the span, with each one's seconds (`length`), `epoch` and CV as drawn."""
    cells = profile.cells()
    window = cells["window"].astype(np.int64)
    inside = (window >= first) & (window < first + lengths.size)
    found = {name: column[inside] for name, column in cells.items()}
    found["window"] = window[inside]
    found["law_cv"] = law_cvs(profile, found["family"], found["shape"])
    found["length"] = lengths[found["window"] - first]
    found["epoch"] = found["window"] * profile.window_ns // profile.epoch_ns % profile.epochs
    return found


def _top_clients(
    names: list[str], per_client: Floats, cells: dict[str, npt.NDArray[Any]], expected: Floats, seconds: float
) -> list[TopClient]:
    weight = np.bincount(cells["client"], expected, per_client.size)
    cv_sum = np.bincount(cells["client"], cells["law_cv"] * expected, per_client.size)
    order = np.argsort(-per_client, kind="stable")[:_TOP]
    return [
        TopClient(
            names[client],
            float(per_client[client] / per_client.sum()),
            float(per_client[client] / seconds),
            float(cv_sum[client] / weight[client]) if weight[client] else float("nan"),
        )
        for client in order
        if per_client[client] > 0
    ]


def _lengths(profile: _core.Profile, weights: Floats) -> tuple[list[Lengths], list[int]]:
    """Lengths by field over all requests, and the clients that have no distributions.

    Tokens of an item are over all items: a client counts by its requests times its mean number of items.
    """
    active = [(int(epoch), int(client)) for epoch, client in zip(*np.nonzero(weights), strict=True)]
    found: list[Lengths] = []
    without: set[int] = set()
    items: dict[str, Floats] = {}
    for field in profile.fields:
        kind, _, what = field.rpartition("_")
        per_item = what == "tokens" and kind in items
        weight = weights * items[kind] if per_item else weights
        mean = np.zeros_like(weights)
        by_distribution: dict[int, list[tuple[int, int]]] = {}
        for cell in active:
            id = profile.resolved(*cell, field)
            if id is None:
                without.add(cell[1])
            else:
                by_distribution.setdefault(id, []).append(cell)
        whole = field != "reason_ratio"
        pieces = [(np.empty(0), np.empty(0))]
        for id, cells in by_distribution.items():
            at = tuple(np.array(cells).T)
            values, probabilities = points_of(profile.distribution(id), whole=whole)
            mean[at] = values @ probabilities
            pieces.append((values, probabilities * weight[at].sum()))
        if what == "count":
            items[kind] = mean
        name = f"{field} per item" if per_item else field
        found.append(lengths_of(name, *(np.concatenate(part) for part in zip(*pieces, strict=True))))
    return found, sorted(without)
