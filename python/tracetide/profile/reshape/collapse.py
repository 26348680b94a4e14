"""A pool as one client: the aggregate's rate, burstiness and lengths, and nothing of who sends what."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.grid import NS
from tracetide.base.renewal import gap_cv
from tracetide.base.vocabulary import GAMMA, MISSING
from tracetide.profile.empirical_laws import RATIO_TICKS, Law, ratios, whole_numbers
from tracetide.profile.gap_table import as_gamma
from tracetide.profile.points import points_of
from tracetide.profile.reshape.copying import builder_like
from tracetide.profile.view import ProfileView
from tracetide.statistics.histogram import FULL_BITS, Counts

Floats = npt.NDArray[np.float64]

_UNIT = 2.0**50
"""Probabilities are summed in whole numbers of 2^-50, in which the order does not matter."""
_LEAST_SHAPE, _MOST_SHAPE = 0.005, 1e5


def collapse(pool: ProfileView) -> _core.Profile:
    """A profile of one client: the NAIVE baseline of the study (arXiv 2505.09999).

    Per window the sum of the rates, constant inside it, and Gamma gaps with the CV of all clients together (a
    gap table counts as the Gamma law of its CV); per epoch every
    field's distribution over all requests. As in a job, clients without lengths count for the rate alone.
    Which lengths come with which bursts, and fields that depend on each other, are lost: that is what the
    baseline is for.

    Raises:
        ValueError: if no client with lengths is active in the pool's span.
    """
    profile = pool.profile
    cells, epoch, requests, totals = _cells(pool)
    if not requests.size:
        raise ValueError(f"collapse: no client of {pool.name} that has lengths is active; there is nothing")
    builder = builder_like(
        profile,
        json.dumps({**pool.provenance, "collapsed": {"from": pool.name, "clients": len(pool)}}),
    )
    builder.add_client("all clients")
    _add_windows(builder, profile, cells, totals)
    weights = np.zeros((profile.epochs, profile.clients))
    np.add.at(weights, (epoch, cells["client"]), requests)
    _add_fields(builder, profile, weights)
    return builder.build()


def _cells(pool: ProfileView) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[np.int64], Floats, Floats]:
    """The cells in the span of clients that have lengths; their epochs and expected requests; and for every
    window of the profile the rate of all clients, which is what a job sends: the share of those without
    lengths goes to the others.
    """
    profile = pool.profile
    cells = profile.cells()
    begin = cells["window"].astype(np.int64) * profile.window_ns
    first, last = round(pool.start * NS), round(pool.end * NS)
    inside = np.minimum(begin + profile.window_ns, last) - np.maximum(begin, first)
    has_lengths = (profile.ids(True) != MISSING).all(axis=(0, 2))
    in_span = inside > 0
    totals: Floats = np.zeros(profile.windows)
    np.add.at(totals, cells["window"][in_span], cells["rate"][in_span])
    keep = in_span & has_lengths[cells["client"]]
    kept = {name: column[keep] for name, column in cells.items()}
    epoch = begin[keep] // profile.epoch_ns % profile.epochs
    return kept, epoch, kept["rate"] * (inside[keep] / NS), totals


def _add_windows(
    builder: _core.ProfileBuilder, profile: _core.Profile, cells: dict[str, npt.NDArray[Any]], totals: Floats
) -> None:
    family, shape = as_gamma(profile, cells["family"], cells["shape"])
    windows, firsts = np.unique(cells["window"], return_index=True)
    cvs = np.empty(windows.size)
    for number, (first, last) in enumerate(
        zip(firsts, np.append(firsts[1:], cells["window"].size), strict=True)
    ):
        rate = cells["rate"][first:last]
        cv = gap_cv(rate, family[first:last], shape[first:last])
        # Nine digits: the last bits are the machine's, of its exp and log.
        cvs[number] = float(f"{cv:.9g}")
    shapes = np.clip(1.0 / np.maximum(cvs, 1e-3) ** 2, _LEAST_SHAPE, _MOST_SHAPE)
    families = np.full(windows.size, GAMMA, dtype=np.uint8)
    builder.add_cells(0, windows, totals[windows], shapes, cvs, families)


def _add_fields(builder: _core.ProfileBuilder, profile: _core.Profile, weights: Floats) -> None:
    ids = profile.ids(True)
    mean = profile.statistics(np.empty(0))["mean"]
    points: dict[tuple[int, bool], tuple[Floats, Floats]] = {}
    for epoch in np.flatnonzero(weights.sum(axis=1) > 0).tolist():
        clients = np.flatnonzero(weights[epoch])
        items: dict[str, Floats] = {}
        for position, field in enumerate(profile.fields):
            kind, _, what = field.rpartition("_")
            of_clients = ids[epoch, clients, position]
            weight = weights[epoch, clients]
            if what == "count":
                items[kind] = mean[of_clients]
            elif kind in items:
                # Every item counts: clients weigh by their items, or alike if nobody sends any.
                weight = weight * items[kind] if (weight * items[kind]).any() else weight
            whole = field != "reason_ratio"
            for id in np.unique(of_clients).tolist():
                if (id, whole) not in points:
                    points[id, whole] = points_of(profile.distribution(id), whole=whole)
            by_id = np.bincount(of_clients, weight)
            law = _mixture(
                [(by_id[id], *points[id, whole]) for id in np.flatnonzero(by_id).tolist()], whole=whole
            )
            builder.set_field(epoch, 0, field, law.add_to(builder))


def _mixture(parts: list[tuple[float, Floats, Floats]], *, whole: bool) -> Law:
    """The law of which each part has a weight."""
    total = sum(weight for weight, _, _ in parts)
    values = np.concatenate([values for _, values, _ in parts])
    if not whole:
        values = np.floor(values * RATIO_TICKS + 0.5)
    shares = np.concatenate([weight / total * probabilities for weight, _, probabilities in parts])
    units = np.floor(shares * _UNIT + 0.5).astype(np.int64)
    found, inverse = np.unique(values, return_inverse=True)
    sums = np.zeros(found.size, dtype=np.int64)
    np.add.at(sums, inverse, units)
    present = sums > 0
    counts = Counts(found[present].astype(np.uint32), sums[present], FULL_BITS)
    return whole_numbers(counts) if whole else ratios(counts)
