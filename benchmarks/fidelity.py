"""How near are generated traces to actual ones? Halves of public traces, and what the model promises.

    python benchmarks/fidelity.py [--quick] [--only NAME ...] [--data FOLDER] [-o FOLDER]

A profile is fitted to one half of a trace, with the default options, and generates requests at the rates
of the other half's ten minutes, by latent client: five seeds, medians, both directions. Beside it are chance
(the fitted half as it is), NAIVE (the fit collapsed to one client), and `before`: one client, one gap family,
no noise.
Then prefix hits, gaps of clients and of conversations, known noise, bundled profiles, a spike, speed, and
instances. `--only` takes the names of the halves and of these.

Writes fidelity.md and fidelity.json. All seeds are fixed: the results, but for the speed, are the same each
time. `--quick` takes made requests and a few windows: does it work? seconds.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fidelity_report
import fidelity_users
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tracetide as tt
from fidelity_figures import (
    Requests,
    correlation_difference,
    distances,
    figures,
    log_ratio,
    medians,
)
from realdata import MODELS, data_folder
from tracetide import _core
from tracetide.base.grid import NS
from tracetide.fit.latent import LatentSample
from tracetide.passes.pieces import Piece
from tracetide.profile.bundled import bundled

SEEDS = (1, 2, 3, 4, 5)
WINDOW_S = 600.0
LEAST_REQUESTS = 100
"""Of a latent client, as by default."""
METHODS = ("naive", "before", "now")


@dataclass(frozen=True)
class PublicTrace:
    """A trace without clients: its file, and the step of its clock in s."""

    file: str
    step_s: int = 1


TRACES = {
    "Azure code": PublicTrace("AzureLLMInferenceTrace_code.csv"),
    "Azure conversation": PublicTrace("AzureLLMInferenceTrace_conv.csv"),
    "Mooncake conversation": PublicTrace("conversation_trace.jsonl", step_s=3),
    "Mooncake synthetic": PublicTrace("synthetic_trace.jsonl"),
}
HIT_TRACES = ("Mooncake conversation", "Mooncake synthetic")
CACHES = (1000, 5000, 20_000, 50_000)
INSTANCE, TTFT_S, TBT_S = "h100-8b", 1.0, 0.25
INSTANCE_SEEDS = tuple(range(1, 21))
"""More, as instances are whole numbers."""

NOISE = tt.RateNoise(0.15, 5)
NOISE_WINDOWS, NOISE_REQUESTS = 24, 1000
GAP_LAWS = {"Exponential": tt.Exponential(), "Gamma(0.3)": tt.Gamma(0.3), "Weibull(0.6)": tt.Weibull(0.6)}
EMPTY_TRACES = 10
"""Of each law, in which there is no noise."""

BUNDLED_REQUESTS = 20_000_000
SPIKE_WINDOWS, SPIKE_REQUESTS, SPIKE_STEP_S = 4000, 200, 10
SPEED_RATE, SPEED_REQUESTS, SPEED_RUNS = 2000.0, 20_000_000, 5


# Halves


def read_trace(path: Path, step_s: int) -> Requests:
    """The requests of a file, at times from 0 in whole steps of the clock."""
    trace = tt.read(path, rebase=True)
    time_ns = np.rint(trace.timestamp * NS).astype(np.int64)
    if step_s > 1:
        step_ns = step_s * NS
        time_ns = (time_ns + step_ns // 2) // step_ns * step_ns
    duration = math.ceil(time_ns[-1] / NS) if step_s == 1 else int(time_ns[-1]) // NS + step_s
    lengths = (np.asarray(column, dtype=np.float64) for column in (trace.input_tokens, trace.output_tokens))
    return Requests(time_ns, *lengths, float(duration), step_s)


def made_trace(duration_s: float) -> Requests:
    """Bursts of short answers beside steady requests: what `--quick` is about."""
    gaps = tt.GapTable.of(np.random.default_rng(0).lognormal(sigma=2, size=5000))
    bursty = tt.Client(
        rate=1.0, arrivals=gaps, modulation=tt.RateNoise(0.2, 4), input_tokens=4000, output_tokens=20
    )
    steady = tt.Client(rate=1.0, input_tokens=tt.Uniform(10, 900), output_tokens=tt.Uniform(50, 400))
    made = tt.generate(tt.ClientPool([bursty, steady]), duration=duration_s, seed=9)
    nothing = Requests(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), duration_s)
    return nothing.like(made)


def both_halves(requests: Requests) -> tuple[Requests, Requests]:
    """Of one length, in whole steps of the clock."""
    half = requests.duration_s / 2 // requests.step_s * requests.step_s
    return requests.part(0, half), requests.part(half, 2 * half)


def window_rates(requests: Requests) -> list[float]:
    """Requests/s of each window, the last of which may be shorter."""
    edges = np.append(np.arange(0, requests.duration_s, WINDOW_S), requests.duration_s)
    counts = np.histogram(requests.time_ns / NS, edges)[0]
    return list(counts / np.diff(edges))


def fitted(requests: Requests) -> dict[str, tt.ClientPool]:
    """By method; `before` has of all that is fitted now one client, and the family that most gaps have."""
    now = tt.fit(_table(requests), duration=requests.duration_s)
    one, report = tt.fit_with_report(_table(requests), client="whole", latent=1, duration=requests.duration_s)
    return {"naive": now.collapse(), "before": one.with_arrivals(_family(report)), "now": now}


def latent_groups(of: Requests, like: Requests) -> npt.NDArray[np.int64]:
    """To which of the latent clients that a fit of one trace has each request of another belongs."""
    sample = LatentSample()
    rows = np.arange(of.time_ns.size)
    window_ns = round(WINDOW_S * NS)
    nobody = np.zeros(rows.size, dtype=np.uint32)
    table = pa.table(of.columns)
    sample.add(Piece(0, rows, table, of.time_ns, of.time_ns // window_ns, nobody, False, True))
    found = sample.find(None, least=LEAST_REQUESTS, window_ns=window_ns)
    if found is None:
        return np.zeros(like.time_ns.size, dtype=np.int64)
    lengths = (column.astype(np.int64) for column in (like.input_tokens, like.output_tokens))
    return found.of(*lengths).astype(np.int64)


def generated(
    method: str, pool: tt.ClientPool, like: Requests, seed: int, groups: npt.NDArray[np.int64]
) -> Requests:
    """At the rates of the windows of `like`: those of each of its groups by client, or the total ones."""
    groups = groups if len(pool) > 1 else np.zeros_like(groups)
    modulation = 0.0 if method == "before" else 1.0
    parts = []
    for client, name in enumerate(pool.client_names):
        made = tt.generate(
            pool.select([name]),
            rate=window_rates(like.chosen(groups == client)),
            duration=like.duration_s,
            # Clients alone have all the same words, so each has its own seed.
            seed=seed + client * len(pool) * max(SEEDS),
            modulation=modulation,
        )
        parts.append(like.like(made))
    return Requests.merged(parts)


def _table(requests: Requests) -> tt.Trace:
    return tt.Trace(requests.columns, {"duration": requests.duration_s})


def _family(report: Any) -> Any:
    """The nearest family of the window with most requests."""
    windows = report.windows.to_pylist()
    window = max(windows, key=lambda row: row["requests"])
    near = min(("exponential", "gamma", "weibull"), key=lambda family: window[f"ks_{family}"])
    if near == "exponential":
        return tt.Exponential()
    return {"gamma": tt.Gamma, "weibull": tt.Weibull}[near](window[f"shape_{near}"])


def direction(of: Requests, tested: Requests, seeds: tuple[int, ...]) -> dict[str, Any]:
    """Figures of the tested half, of the fitted one as it is, and of what each method generates."""
    actual = figures(tested)
    chance = figures(of) | distances(of, tested)
    found: dict[str, Any] = {"actual": actual, "chance": chance, "spread": {}, "clients": 0}
    groups = latent_groups(of, tested)
    for method, pool in fitted(of).items():
        made = []
        for seed in seeds:
            trace = generated(method, pool, tested, seed, groups)
            made.append(figures(trace) | distances(trace, tested))
        found[method] = medians(made)
        found["spread"][method] = {name: float(np.std([one[name] for one in made])) for name in made[0]}
        if method == "now":
            found["clients"] = len(pool)
    for method in ("chance", *METHODS):
        found[method]["mean |ln|"] = log_ratio(found[method], actual)
        found[method]["mean |difference|"] = correlation_difference(found[method], actual)
    return found


def halves(requests: Requests, seeds: tuple[int, ...] = SEEDS) -> list[dict[str, Any]]:
    """From the first half to the second, and the other way."""
    one, other = both_halves(requests)
    return [direction(one, other, seeds), direction(other, one, seeds)]


# Prefix hits, instances


def hit_rates(path: Path, seeds: tuple[int, ...]) -> dict[str, Any]:
    """By the size of the cache in blocks, of a trace and of what its own fit with sessions generates."""
    actual = tt.prefix_statistics(path, sizes=list(CACHES)).hit_rates
    pool = tt.fit(path, sessions=True, rebase=True)
    made = [
        tt.prefix_statistics(tt.generate(pool, seed=seed, block_size=512), sizes=list(CACHES)).hit_rates
        for seed in seeds
    ]
    return {
        "caches": list(CACHES),
        "actual": [float(actual[size]) for size in CACHES],
        "now": [float(np.median([one[size] for one in made])) for size in CACHES],
    }


def instances(requests: Requests, seeds: tuple[int, ...]) -> dict[str, Any]:
    """That a trace needs, and what each method's trace of the same rates by window does, by seed."""

    found: dict[str, Any] = {"actual": _needed(requests)}
    groups = latent_groups(requests, requests)
    for method, pool in fitted(requests).items():
        made = (generated(method, pool, requests, seed, groups) for seed in seeds)
        found[method] = [_needed(trace) for trace in made]
    return found


def _needed(requests: Requests) -> int:
    found = tt.provision.instances_needed(_table(requests), INSTANCE, ttft=TTFT_S, tbt=TBT_S)
    return found.instances


# What the model promises


def noisy_client(arrivals: Any, noise: tt.RateNoise | None, windows: int) -> tt.ClientPool:
    """One client with 1,000 requests in each of some windows of ten minutes."""
    client = tt.Client(
        rate=NOISE_REQUESTS / WINDOW_S,
        arrivals=arrivals,
        modulation=noise or tt.RateNoise(0, 0),
        input_tokens=100,
        output_tokens=10,
    )
    return tt.ClientPool([client], window=WINDOW_S, period=windows * WINDOW_S)


def round_trip(windows: int, seeds: tuple[int, ...], empty: int) -> dict[str, Any]:
    """Known noise: what a fit finds, and how bursty its traces are; and noise found where there is none."""
    found: dict[str, Any] = {"rho": NOISE.rho, "levels": NOISE.levels, "laws": {}}
    for name, law in GAP_LAWS.items():
        ratios, noises = [], []
        for seed in seeds:
            actual = tt.generate(noisy_client(law, NOISE, windows), counts="pinned", seed=seed)
            pool = tt.fit(actual, client="whole", latent=1)
            again = tt.generate(pool, seed=seed + 100)
            noises.append(_noise_of(pool))
            ratios.append([_dispersion(again, s) / _dispersion(actual, s) for s in (10, 60)])
        still = noisy_client(law, None, windows)
        even = [
            _noise_of(tt.fit(tt.generate(still, counts="pinned", seed=seed), client="whole", latent=1))
            for seed in range(100, 100 + empty)
        ]
        found["laws"][name] = {
            "rho": float(np.median([noise.rho for noise in noises])),
            "levels": float(np.median([noise.levels for noise in noises])),
            "variance/mean 10 s": float(np.median([ratio[0] for ratio in ratios])),
            "variance/mean 60 s": float(np.median([ratio[1] for ratio in ratios])),
            "without noise": empty,
            "nothing found": sum(noise.levels == 0 for noise in even),
        }
    return found


def _noise_of(pool: tt.ClientPool) -> tt.RateNoise:
    rho, levels = pool.profile.rate_noise()
    return tt.RateNoise(float(rho[0]), int(levels[0])) if len(rho) else tt.RateNoise(0, 0)


def _dispersion(trace: tt.Trace, step_s: float) -> float:
    counts = np.bincount((np.asarray(trace.timestamp) // step_s).astype(np.int64))
    return float(counts.var() / counts.mean())


def bundled_rates(model: str, folder: Path, requests: int) -> dict[str, Any]:
    """Totals of ten minutes: those published, and of a generated trace of so many requests."""
    cells = tt.load(folder).profile.cells()
    published = np.bincount(cells["window"], cells["rate"])
    pool = tt.load(model)
    total = published.sum() * WINDOW_S
    made = np.zeros(published.size)
    for batch in tt.stream(pool, scale=min(1.0, requests / total), duration=pool.period, seed=SEEDS[0]):
        at = (np.asarray(batch.timestamp) // WINDOW_S).astype(np.int64)
        made += np.bincount(at, minlength=made.size)[: made.size]
    return {
        "requests": int(made.sum()),
        **{
            name: {"peak/mean": float(one.max() / one.mean()), "within the hour": _within_hour(one)}
            for name, one in (("published", published), ("bundled", made))
        },
    }


def _within_hour(totals: Any) -> float:
    """The mean difference of ten minutes from their hour, beside the mean."""
    hours = totals[: totals.size // 6 * 6].reshape(-1, 6)
    return float(np.abs(hours - hours.mean(axis=1, keepdims=True)).mean() / totals.mean())


def spike(windows: int) -> dict[str, Any]:
    """A spike of ten seconds at ten times the rate in every window, of a client with noise.

    The largest deviation of a step from its expected number, in standard errors, over all windows; and
    whether every total of a window is the one that was asked for.
    """
    steps = int(WINDOW_S / SPIKE_STEP_S)
    shape = np.ones(steps)
    shape[steps // 3] = 10.0
    rate = shape * (SPIKE_REQUESTS / (shape.sum() * SPIKE_STEP_S))
    client = tt.Client(rate=1.0, modulation=tt.RateNoise(0.3, 5), input_tokens=1, output_tokens=1)
    pool = tt.ClientPool([client], window=WINDOW_S, period=WINDOW_S)
    curve = {
        window * WINDOW_S + step * SPIKE_STEP_S: float(rate[step])
        for window in range(windows)
        for step in range(steps)
        if step == 0 or rate[step] != rate[step - 1]
    }
    trace = tt.generate(pool, rate=curve, duration=windows * WINDOW_S, counts="pinned", seed=SEEDS[0])
    at = (np.asarray(trace.timestamp) / SPIKE_STEP_S).astype(np.int64)
    counts = np.bincount(at, minlength=windows * steps).reshape(windows, steps)
    error = counts.std(axis=0, ddof=1) / math.sqrt(windows)
    deviation = (counts.mean(axis=0) - rate * SPIKE_STEP_S) / error
    return {
        "windows": windows,
        "steps": steps,
        "largest deviation": float(np.abs(deviation).max()),
        "spike over expected": float(counts[:, steps // 3].mean() / (rate[steps // 3] * SPIKE_STEP_S)),
        "totals": [int(counts.sum(axis=1).min()), int(counts.sum(axis=1).max())],
    }


def speed(requests: int, runs: int) -> dict[str, Any]:
    """Processor ns a request of m-small, one thread, with noise of all clients and without; in turns."""
    plain = tt.load("m-small").profile
    modulated = _modulated(plain, NOISE)
    times: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(runs):
        for name, profile in (("without", plain), ("with", modulated)):
            job = _core.Job(profile, rate=SPEED_RATE, duration=requests / SPEED_RATE, seed=1)
            started, made = time.process_time(), 0
            for batch in _core.Stream(job, threads=1):
                made += len(batch)
            times[name].append((time.process_time() - started) / made * 1e9)
    least = {name: min(of) for name, of in times.items()}
    return {**least, "more": least["with"] - least["without"], "ratio": least["with"] / least["without"]}


def _modulated(profile: Any, noise: tt.RateNoise) -> Any:
    """The same profile, every client of which has this noise and no other."""
    builder = _core.ProfileBuilder(
        profile.category,
        window_ns=profile.window_ns,
        windows=profile.windows,
        epoch_ns=profile.epoch_ns,
        epochs=profile.epochs,
        default_counts="pinned",
        metadata=profile.metadata,
    )
    clients = np.arange(profile.clients, dtype=np.uint32)
    builder.add_clients(profile, clients, profile.client_names, np.ones(profile.clients))
    for client in range(profile.clients):
        builder.set_rate_noise(client, noise.rho, noise.levels)
    return builder.build()


# All of it


def parts(data: Path, quick: bool) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Where each result goes, its name, and how it is measured; what is not there is said and left out."""
    seeds = SEEDS[:2] if quick else SEEDS
    if quick:
        yield "halves", "made", lambda: halves(made_trace(1200), seeds)
        yield "instances", "made", lambda: instances(made_trace(300), seeds)
    else:
        yield from _data_parts(data, seeds)
    if "m-small" in bundled():
        requests, runs = (200_000, 1) if quick else (SPEED_REQUESTS, SPEED_RUNS)
        yield "speed", "m-small", lambda: speed(requests, runs)
    windows, empty = (4, 2) if quick else (NOISE_WINDOWS, EMPTY_TRACES)
    yield "round trip", "noise", lambda: round_trip(windows, seeds, empty)
    yield "spike", "spike", lambda: spike(200 if quick else SPIKE_WINDOWS)


def _data_parts(data: Path, seeds: tuple[int, ...]) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    traces = data / "traces"
    for name, trace in TRACES.items():
        path = traces / trace.file
        if _is_there(path):
            yield "halves", name, lambda path=path, step=trace.step_s: halves(read_trace(path, step), seeds)
    for name in HIT_TRACES:
        path = traces / TRACES[name].file
        if _is_there(path):
            yield "hit rates", name, lambda path=path: hit_rates(path, seeds)
    images, chats = traces / fidelity_users.IMAGES, traces / fidelity_users.CHATS
    if _is_there(images):
        yield "idle time", "GenTD26", lambda: fidelity_users.idle_time(images, seeds)
    if _is_there(chats):
        yield "think time", "Bidaw", lambda: fidelity_users.think_time(chats, seeds)
    code = traces / TRACES["Azure code"].file
    if _is_there(code):
        yield "instances", "Azure code", lambda: instances(read_trace(code, 1), INSTANCE_SEEDS)
    for model, folder in MODELS.items():
        if _is_there(data / "servegen" / folder) and model in bundled():
            path = data / "servegen" / folder
            yield "bundled", model, lambda m=model, p=path: bundled_rates(m, p, BUNDLED_REQUESTS)


def _is_there(path: Path) -> bool:
    if not path.exists():
        print(f"fidelity: {path} is not there, and left out", file=sys.stderr)
    return path.exists()


def measure(data: Path, only: list[str] | None, quick: bool, folder: Path) -> dict[str, Any]:
    """Run it, and write the folder; what is in fidelity.json."""
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"settings": {"seeds": list(SEEDS), "window": WINDOW_S, "quick": quick}}
    for kind, name, run in parts(data, quick):
        if only is None or name in only or kind in only:
            started = time.perf_counter()
            results.setdefault(kind, {})[name] = run()
            print(f"fidelity: {kind}, {name}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
    (folder / "fidelity.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (folder / "fidelity.md").write_text(fidelity_report.markdown(results), encoding="utf-8")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="made requests, few windows: does it work?")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these parts")
    parser.add_argument("--data", type=Path, default=data_folder(), help="the folder of the real data")
    parser.add_argument("-o", "--output", type=Path, default=Path("fidelity"), help="folder of the results")
    options = parser.parse_args()
    # Of traces without clients a trial tells more than a half is about; published clients may lack lengths.
    warnings.simplefilter("ignore", tt.TracetideWarning)
    measure(options.data, options.only, options.quick, options.output)
    print((options.output / "fidelity.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
