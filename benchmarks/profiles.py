"""Synthetic profiles that are like production ones in what costs time: rates like a power law, bursty gaps,
lengths from a few hundred values, most windows of most clients idle.

They need no data and are the same on every machine, so results can be compared.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import tracetide as tt
from tracetide import _core

NS = 1_000_000_000
EXPONENTIAL, GAMMA, WEIBULL = 0, 1, 2
FAMILIES = ("Exponential", "Gamma", "Weibull")

Floats: TypeAlias = npt.NDArray[np.float64]
Pmf: TypeAlias = tuple[npt.NDArray[np.float64], Floats]


@dataclass(frozen=True)
class Spec:
    """What a profile is like; equal specs give equal profiles.

    Attributes:
        exponent: client r has a mean rate in proportion to r^-exponent.
        idle: the share of windows in which a client sends nothing; the busiest is never idle.
        lengths: how many clients have lengths of their own, shared out among all; 0: every client.
        shape: one gap shape for all, or None for shapes from 0.15 to 2.
        family: one gap family for all, or None for a mixture.
    """

    category: str = "language"
    clients: int = 40
    windows: int = 144
    window_s: int = 600
    epochs: int = 4
    exponent: float = 1.2
    idle: float = 0.6
    lengths: int = 0
    family: int | None = None
    shape: float | None = None
    rate: float = 100.0
    seed: int = 0


def one_client(family: int, shape: float, rate: float) -> tt.ClientPool:
    """A client that sends at one rate, for one window, with the lengths of a language model."""
    spec = Spec(clients=1, windows=1, epochs=1, idle=0, family=family, shape=shape, rate=rate)
    return synthetic(spec)


def synthetic(spec: Spec) -> tt.ClientPool:
    """The pool of a spec."""
    rng = np.random.default_rng(spec.seed)
    builder = _core.ProfileBuilder(
        spec.category,
        window_ns=spec.window_s * NS,
        windows=spec.windows,
        epoch_ns=spec.window_s * NS * math.ceil(spec.windows / spec.epochs),
        epochs=spec.epochs,
        default_counts="pinned",
        metadata=json.dumps({"name": f"synthetic {spec.category}, {spec.clients:,} clients"}),
    )
    _add_arrivals(builder, spec, rng)
    _add_lengths(builder, spec, rng)
    return tt.ClientPool(builder.build())


def _add_arrivals(builder: _core.ProfileBuilder, spec: Spec, rng: np.random.Generator) -> None:
    mean = np.arange(1, spec.clients + 1, dtype=np.float64) ** -spec.exponent
    mean *= spec.rate / mean.sum()
    family = rng.choice(3, spec.clients, p=[0.1, 0.5, 0.4])
    if spec.family is not None:
        family[:] = spec.family
    shape = np.exp(rng.uniform(math.log(0.15), math.log(2.0), spec.clients))
    if spec.shape is not None:
        shape[:] = spec.shape
    shape[family == EXPONENTIAL] = 1.0
    for client in range(spec.clients):
        active = np.flatnonzero(rng.random(spec.windows) >= spec.idle) if client else np.arange(spec.windows)
        # Rates move from window to window, as recorded ones do; a flat one is for tests of a single client.
        swing = np.exp(rng.normal(0, 0.3, active.size)) if spec.clients > 1 else np.ones(active.size)
        builder.add_client(f"client {client}")
        builder.add_cells(
            client,
            active.astype(np.uint32),
            mean[client] * swing,
            np.full(active.size, shape[client]),
            np.full(active.size, coefficient_of_variation(int(family[client]), float(shape[client]))),
            np.full(active.size, family[client], dtype=np.uint8),
        )


def coefficient_of_variation(family: int, shape: float) -> float:
    """Of a gap."""
    if family == GAMMA:
        return 1 / math.sqrt(shape)
    if family == WEIBULL:
        return math.sqrt(math.expm1(math.lgamma(1 + 2 / shape) - 2 * math.lgamma(1 + 1 / shape)))
    return 1.0


def _add_lengths(builder: _core.ProfileBuilder, spec: Spec, rng: np.random.Generator) -> None:
    sets = min(spec.lengths or spec.clients, spec.clients)
    own = [_length_set(builder, spec.category, rng) for _ in range(sets)]
    for client in range(spec.clients):
        for name, distribution in own[client % sets].items():
            for epoch in range(spec.epochs):
                builder.set_field(epoch, client, name, distribution)


def _length_set(builder: _core.ProfileBuilder, category: str, rng: np.random.Generator) -> dict[str, int]:
    """One distribution for every field of a category, by its number in the builder."""

    def tokens(median: float) -> int:
        values, probabilities = token_pmf(rng, median)
        return builder.add_integer_pmf(values.astype(np.uint32), probabilities)

    def few(values: list[int], weights: list[float]) -> int:
        return builder.add_integer_pmf(
            np.array(values, dtype=np.uint32), np.array(weights, dtype=np.float64) / sum(weights)
        )

    if category == "multimodal":
        fields = {"text_tokens": tokens(300), "output_tokens": tokens(150)}
        fields |= {"image_count": few([0, 1, 2, 8], [2, 6, 2, 1])}
        fields |= {"image_tokens": few([258, 640, 1196, 2691], list(rng.random(4) + 0.1))}
        for kind in ("audio", "video"):
            fields |= {f"{kind}_count": few([0], [1]), f"{kind}_tokens": few([0], [1])}
        return fields
    fields = {"input_tokens": tokens(800), "output_tokens": tokens(250)}
    if category == "reason":
        fields["reason_ratio"] = builder.add_real_pmf(*ratio_pmf(rng))
    return fields


def token_pmf(rng: np.random.Generator, median: float) -> Pmf:
    """300 to 500 token counts with a log-normal envelope, as ragged as an empirical PMF."""
    size = int(rng.integers(300, 501))
    values = np.cumsum(rng.integers(1, max(3, int(median / 50)), size)).astype(np.float64)
    weights = np.exp(-0.5 * (np.log(values / median) / 0.9) ** 2) / values * rng.standard_exponential(size)
    return values, weights / weights.sum()


def ratio_pmf(rng: np.random.Generator) -> Pmf:
    """Shares of reasoning in the output: short conclusions or long elaborations (bimodal)."""
    values = np.linspace(0.02, 0.98, 97)
    weights = np.exp(-(((values - 0.9) / 0.08) ** 2)) + 0.5 * np.exp(-(((values - 0.55) / 0.15) ** 2))
    weights *= rng.standard_exponential(values.size)
    return values, weights / weights.sum()


def write_servegen_folder(pool: tt.ClientPool, folder: Path) -> Path:
    """The profile in the layout of ServeGen's data; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    profile = pool.profile
    cells = profile.cells()
    windows = profile.windows
    for client in range(profile.clients):
        rows = [f"{round(i * pool.window)},0,0,,0,0" for i in range(windows)]
        for at in np.flatnonzero(cells["client"] == client):
            family = int(cells["family"][at])
            rate, cv, shape = (float(cells[name][at]) for name in ("rate", "cv", "shape"))
            start = round(cells["window"][at] * pool.window)
            rows[cells["window"][at]] = f"{start},{rate},{cv},{FAMILIES[family]},{shape},{_scale(family)}"
        (folder / f"chunk-{client}-trace.csv").write_text("\n".join(rows) + "\n")
        dataset = {
            str(round(epoch * profile.epoch_ns / NS)): {
                name: _pmf_text(profile, epoch, client, name) for name in profile.fields
            }
            for epoch in range(profile.epochs)
        }
        (folder / f"chunk-{client}-dataset.json").write_text(json.dumps(dataset, indent=2))
    return folder


def _scale(family: int) -> float:
    """A column that readers do not need, as the scale follows from rate and shape."""
    return 0.0 if family == EXPONENTIAL else 1.0


def _pmf_text(profile: _core.Profile, epoch: int, client: int, field: str) -> str:
    number = profile.recorded(epoch, client, field)
    if number is None:
        return "{}"
    found = profile.distribution(number)
    values = found["values"].tolist()
    if found["kind"] == "integer_pmf":
        values = [int(value) for value in values]
    return str(dict(zip(values, found["probabilities"].tolist(), strict=True)))
