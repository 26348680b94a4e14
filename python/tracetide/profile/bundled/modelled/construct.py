"""From the description of a workload to its profile.

Everything random comes from one PCG64 generator with the workload's seed. Rates are rounded to six digits and
lengths to whole numbers, so that the last bit of a platform's exp and log does not show in the file.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.vocabulary import KINDS
from tracetide.profile.bundled.conversations import ASSUMPTIONS, OUTPUT_TIME, add_conversations
from tracetide.profile.bundled.knots import Pmf, mean_of, mixture
from tracetide.profile.bundled.modelled.workloads import Items, Workload

Floats = npt.NDArray[np.float64]

NS_PER_S = 1_000_000_000
_HOURS = 24
_PARTS = 4
_MOST_KNOTS, _LEAST_KNOTS = 65, 25
_LEVELS = (np.arange(1024) + 0.5) / 1024
_NORMAL = np.array([NormalDist().inv_cdf(level) for level in _LEVELS.tolist()])
_EXPONENTIAL = -np.log1p(-_LEVELS)
_PART_SHIFT = (-1.0, 0.2, 1.0, -0.2)
"""How lengths move from night to evening, in units of a client's swing; sums to 0."""


def construct(workload: Workload) -> _core.Profile:
    """The profile of a workload: the same bytes every time."""
    random = np.random.Generator(np.random.PCG64(workload.seed))
    rates = _rates(workload, random)
    builder = _core.ProfileBuilder(
        workload.category,
        window_ns=3600 * NS_PER_S,
        windows=_HOURS * workload.days,
        epoch_ns=_HOURS // _PARTS * 3600 * NS_PER_S,
        epochs=_PARTS,
        default_counts="renewal",
        metadata=json.dumps(_provenance(workload)),
    )
    shares = rates.sum(axis=1) / rates.sum()
    for number in range(workload.clients):
        client = builder.add_client(f"client-{number}")
        active = np.flatnonzero(rates[number])
        family, shape, cv = _gaps(workload, random)
        builder.add_cells(
            client,
            active.astype(np.uint32),
            rates[number, active],
            np.full(active.size, shape),
            np.full(active.size, cv),
            np.full(active.size, family, dtype=np.uint8),
        )
        knots = int(np.clip(np.ceil(_MOST_KNOTS * np.sqrt(shares[number] / 0.05)), _LEAST_KNOTS, _MOST_KNOTS))
        _set_fields(builder, client, workload, random, knots)
    add_conversations(builder, workload.name, rates.sum(axis=1))
    return builder.build()


def _provenance(workload: Workload) -> dict[str, Any]:
    parameters = asdict(workload)
    assumptions = dict(parameters.pop("assumptions"))
    if workload.name in OUTPUT_TIME:
        assumptions |= {f"conversations: {key}": text for key, text in ASSUMPTIONS.items()}
    return {
        "name": workload.name,
        "modelled": True,
        "source": f"modelled from the description of {workload.model} in arXiv 2505.09999; no data published",
        "description": "arXiv 2505.09999",
        "license": "Apache-2.0",
        "tool": "tracetide.profile.bundled.modelled",
        "kind": "modelled",
        "parameters": parameters,
        "assumptions": assumptions,
    }


def _rates(workload: Workload, random: np.random.Generator) -> Floats:
    """Requests/s by client and hour; 0 is silent."""
    clients, hours = workload.clients, _HOURS * workload.days
    rank = np.arange(1, clients + 1)
    shares = rank**-workload.zipf * np.exp(random.normal(0, 0.25, clients))
    hour = np.arange(hours)
    curve = np.array(workload.hours)
    shift = np.where(rank > 3, random.integers(-2, 3, clients), 0)
    swing = random.uniform(0.6, 1.2, clients)[:, None]
    daily = curve[(hour[None, :] - shift[:, None]) % _HOURS] ** swing
    weekly = np.where(hour // _HOURS % 7 >= 5, workload.weekend, 1.0)
    noise = np.exp(0.15 * random.normal(size=(clients, hours)))
    rates = daily * weekly * noise * _active(clients, hours, random)
    rates *= (shares / np.maximum(rates.sum(axis=1), 1e-9))[:, None]
    rates *= workload.rate / rates.sum(axis=0).mean()
    return np.array([float(f"{rate:.6g}") for rate in rates.ravel().tolist()]).reshape(rates.shape)


def _active(clients: int, hours: int, random: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Whether a client sends in an hour: the first sixth always, the others in runs of some hours."""
    active = np.ones((clients, hours), dtype=bool)
    for client in range(clients // 6, clients):
        wanted = 0.8 - 0.6 * client / clients
        for start in range(0, hours, 4):
            active[client, start : start + 4] = random.random() < wanted
        if not active[client].any():
            active[client, :4] = True
    return active


def _gaps(workload: Workload, random: np.random.Generator) -> tuple[int, float, float]:
    """Family, shape and CV of a client's gaps."""
    family = int(random.choice(3, p=workload.families))
    cv = float(np.clip(workload.cv_median * math.exp(workload.cv_sigma * random.normal()), 0.5, 6.0))
    cv = round(cv, 3)
    if family == 0:
        return 0, 1.0, 1.0
    return family, (round(cv**-2, 6) if family == 1 else round(_weibull_shape(cv), 6)), cv


def _weibull_shape(cv: float) -> float:
    """The shape with this CV, by bisection of 1 + CV^2 = Gamma(1 + 2/k) / Gamma(1 + 1/k)^2."""
    low, high = 0.1, 10.0
    for _ in range(60):
        shape = math.sqrt(low * high)
        squared = math.exp(math.lgamma(1 + 2 / shape) - 2 * math.lgamma(1 + 1 / shape)) - 1
        low, high = (shape, high) if squared > cv * cv else (low, shape)
    return math.sqrt(low * high)


def _set_fields(
    builder: _core.ProfileBuilder, client: int, workload: Workload, random: np.random.Generator, knots: int
) -> None:
    lengths = workload.lengths
    median = lengths.input_median * math.exp(lengths.spread * random.normal())
    mean = lengths.output_mean * math.exp(0.6 * lengths.spread * random.normal())
    if client >= workload.clients - workload.long_clients:
        median = workload.long_median * math.exp(0.5 * random.normal())
    swings = random.normal(0, lengths.daily_swing, 2).tolist()
    fixed = _items(builder, workload, random) if workload.category == "multimodal" else {}
    if workload.reason_modes:
        fixed["reason_ratio"] = _reason_ratio(builder, workload, random, knots)
    text = "text_tokens" if workload.category == "multimodal" else "input_tokens"
    for part, shift in enumerate(_PART_SHIFT):
        inputs = _input_pmf(workload, median * (1 + swings[0] * shift))
        outputs = _output_pmf(workload, mean * (1 + swings[1] * shift))
        laws = {
            text: _add(builder, inputs, knots, lengths.input_limit),
            "output_tokens": _add(builder, outputs, knots, lengths.output_limit),
            **fixed,
        }
        for name, law in laws.items():
            builder.set_field(part, client, name, law)
    if workload.spearman:
        builder.set_correlation(client, text, "output_tokens", workload.spearman)


def _input_pmf(workload: Workload, median: float) -> Pmf:
    lengths = workload.lengths
    even = np.full(_LEVELS.size, 1.0)
    body = median * np.exp(lengths.input_sigma * _NORMAL)
    tail = 2 * median * (1 - _LEVELS) ** (-1 / lengths.tail_alpha)
    return mixture([(body, even, 1 - lengths.tail_weight), (tail, even, lengths.tail_weight)])


def _output_pmf(workload: Workload, mean: float) -> Pmf:
    sigma = workload.lengths.output_sigma
    unit = _EXPONENTIAL if sigma == 0 else np.exp(sigma * _NORMAL - sigma**2 / 2)
    return Pmf(mean * unit, np.full(_LEVELS.size, 1 / _LEVELS.size))


def _add(builder: _core.ProfileBuilder, pmf: Pmf, knots: int, limit: int) -> int:
    quantiles = _knots(Pmf(np.clip(pmf.values, 1, limit), pmf.probabilities), knots)
    return builder.add_quantiles(np.floor(quantiles + 0.5), 1.0, float(limit))


def _knots(pmf: Pmf, knots: int) -> Floats:
    """Quantiles at even levels; the last knot, within its bounds, keeps the mean."""
    levels = np.arange(knots) / (knots - 1)
    at = np.searchsorted(pmf.cumulative, levels - 1e-9)
    quantiles = pmf.values[np.clip(at, 0, pmf.values.size - 1)]
    wanted = quantiles[-1] + 2 * (knots - 1) * (pmf.mean - mean_of(quantiles))
    quantiles[-1] = np.clip(wanted, quantiles[-2], quantiles[-1])
    return quantiles


def _reason_ratio(
    builder: _core.ProfileBuilder, workload: Workload, random: np.random.Generator, knots: int
) -> int:
    """A mixture of normals within [0.02, 0.99]; each client has its own weights."""
    weights = random.dirichlet([20 * weight for weight, _, _ in workload.reason_modes])
    even = np.full(_LEVELS.size, 1.0)
    pmf = mixture(
        [
            (np.clip(mode + sigma * _NORMAL, 0.02, 0.99), even, float(weight))
            for weight, (_, mode, sigma) in zip(weights, workload.reason_modes, strict=True)
        ]
    )
    return builder.add_quantiles(np.round(_knots(pmf, knots), 4), 0.0, 1.0)


def _items(builder: _core.ProfileBuilder, workload: Workload, random: np.random.Generator) -> dict[str, int]:
    """Counts and tokens of all kinds, exact; a kind that the workload has not gets no items."""
    laws = {}
    for kind in KINDS:
        items = workload.items.get(kind)
        laws[f"{kind}_count"] = _add_pmf(builder, _counts(items, random))
        laws[f"{kind}_tokens"] = _add_pmf(builder, _sizes(items, random))
    return laws


def _counts(items: Items | None, random: np.random.Generator) -> dict[int, float]:
    if items is None:
        return {0: 1.0}
    return dict(enumerate(random.dirichlet([12 * share for share in items.counts]).tolist()))


def _sizes(items: Items | None, random: np.random.Generator) -> dict[int, float]:
    if items is None:
        return {0: 1.0}
    number = int(random.integers(1, items.sizes_each + 1))
    chosen = random.choice(np.array(items.sizes), number, replace=False).tolist()
    weights = (random.dirichlet(np.full(number, 1.5)) * (1 - items.odd)).tolist()
    sizes = dict(zip(chosen, weights, strict=True))
    others = np.round(chosen[0] * np.exp(0.5 * _NORMAL[16::32])).astype(int).tolist()
    for size in others:
        sizes[size] = sizes.get(size, 0.0) + items.odd / len(others)
    return sizes


def _add_pmf(builder: _core.ProfileBuilder, masses: dict[int, float]) -> int:
    kept = {value: round(mass, 6) for value, mass in sorted(masses.items()) if round(mass, 6) > 0}
    return builder.add_integer_pmf(np.array(list(kept), dtype=np.uint32), np.array(list(kept.values())))
