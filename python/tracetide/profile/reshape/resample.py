"""More or fewer clients like those of a pool."""

from __future__ import annotations

import json
import operator

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.client_names import unique_names
from tracetide.profile.reshape.copying import builder_like
from tracetide.profile.view import ProfileView

_MOST_CLIENTS = 10_000_000


def resample(pool: ProfileView, n_clients: int, seed: int) -> _core.Profile:
    """A profile of `n_clients` copies of the pool's clients.

    Systematic sampling (Madow & Madow 1944) over the clients in order of their rates: of N clients each is
    drawn n/N times, rounded up or down. So the distribution of rates over clients, the skew, is that of the
    pool as closely as n clients can have it, and the expected total rate is n/N times the pool's.

    Raises:
        ValueError: naming the value and what is allowed; also if no client of the pool is active.
    """
    count = _whole("n_clients", n_clients, 1, _MOST_CLIENTS)
    random = np.random.Generator(np.random.PCG64(_whole("seed", seed, 0, 2**64 - 1)))
    profile = pool.profile
    active = _by_rate(pool)
    if not active.size:
        raise ValueError(f"resample: no client of {pool.name} is active; there is none to draw from")
    at = ((np.arange(count) + random.random()) * active.size / count).astype(np.int64)
    chosen = np.sort(active[np.minimum(at, active.size - 1)])
    builder = builder_like(
        profile,
        json.dumps(
            {
                **pool.provenance,
                "resampled": {"from": pool.name, "clients": count, "of": int(active.size), "seed": int(seed)},
            }
        ),
    )
    names = profile.client_names
    builder.add_clients(
        profile,
        chosen.astype(np.uint32),
        unique_names(names[client] for client in chosen.tolist()),
        np.ones(count),
    )
    return builder.build()


def _by_rate(pool: ProfileView) -> npt.NDArray[np.int64]:
    """The clients that send at all in the pool's span, by their expected requests in it."""
    from tracetide.profile.analysis import window_columns

    columns = window_columns(pool)
    requests = np.bincount(columns["client"], columns["requests"], len(pool))
    order = np.argsort(requests, kind="stable")
    return order[requests[order] > 0]


def _whole(name: str, value: int, least: int, most: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if not least <= number <= most:
        raise ValueError(
            f"{name}: {value!r} is not allowed; it must be a whole number from {least} to {most}"
        )
    return number
