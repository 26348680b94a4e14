"""Do generated traces stand in for actual ones? Hold out, fit, generate, compare, provision.

    python benchmarks/study.py [--quick] [--only NAME ...] [--data FOLDER] [-o FOLDER]

For the folders that ServeGen publishes, and for three public traces: ten minutes of the actual requests are
held out, and a profile is fitted to the twenty minutes before. From the fit the ten minutes are generated
client by client; and NAIVE, once from the fit collapsed to one client, and once from one that knows only the
lengths and the burstiness of the whole workload. All are compared, and the instances that each needs are
searched, behind a router.

Then the study's own design: one instance is benchmarked with requests that are generated at its rate. Of
published m-large, ten minutes of each of the fourteen days.

A folder has no actual trace: a job of it is one, and a job with another seed shows what chance alone does.
Writes study.md, study.json, study.png and grid.svg. All seeds are fixed: the results are the same each time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import study_report
import tracetide as tt
from realdata import MODELS, data_folder

REST_S, HELD_OUT_S = 1200, 600
INSTANCE = "a100x2-14b"
TTFT_S, TBT_S = 2.25, 0.5
"""The study's instance and targets."""
ALONE = 2
"""A TTFT target is at least this many times what the 99th percentile of the prompts takes alone."""
LONGEST_TTFT_S = HELD_OUT_S / 10
"""Where it would be longer, ten minutes are too short to provision for."""
GRID_TTFT_S, GRID_TBT_S = (1.5, 2.25, 4.0), (0.1, 0.25, 0.5)
ACTUAL_SEED, CHANCE_SEED, GENERATED_SEED = 1, 2, 3

HOURS, ONE_HOUR = (1, 4, 7, 10, 13, 16, 19, 22), (10,)
"""When the thirty minutes of a profile begin, on its second day if it has one."""
RATES = {"m-long": 2.0, "language": 50.0, "reason": 20.0, "multimodal": 20.0}
"""Requests/s, by profile or else by category; m-long's own rate is 2."""
TRACES = {
    "Azure code": "AzureLLMInferenceTrace_code.csv",
    "Azure conversation": "AzureLLMInferenceTrace_conv.csv",
    "Mooncake": "conversation_trace.jsonl",
}
TRACE_STARTS_S = (0, 600, 1200)
SCALED_TTFT_S = (0.75, 2.25)
"""Targets of the study's design, in which one instance is benchmarked at its own rate."""
SCALED_HOURS = (10, 15)
"""When its ten minutes begin, on even and odd days."""
WHOLE_SAMPLE = 200_000
"""Requests by which the lengths of a whole workload are known."""
QUICK = ("m-rp", "mm-audio")
MEASURES = (
    "rate CV 1 s",
    "rate CV 10 s",
    "rate p99",
    "gap CV",
    "rate and mean input_tokens",
    "rate and mean output_tokens",
    "KS mean input_tokens",
    "KS mean output_tokens",
    "Wasserstein mean input_tokens",
    "Wasserstein mean output_tokens",
    "input and output mutual information",
    "L1 joint ranks",
)
SESSION_COLUMNS = ("session_id", "turn", "delay")


@dataclass(frozen=True)
class Piece:
    """Thirty minutes of an actual trace: what is fitted, what is held out, and that with another seed."""

    rest: tt.Trace
    held_out: tt.Trace
    chance: tt.Trace | None = None


@dataclass(frozen=True)
class Workload:
    """What one line of the tables is about."""

    name: str
    source: str
    pieces: list[Piece] = field(repr=False)
    whole: tt.ClientPool


def cut(trace: tt.Trace, begin: float, end: float) -> tt.Trace:
    """The requests from `begin` to `end`, at times from 0; without sessions, which a cut would cut, too."""
    first, last = np.searchsorted(trace.timestamp, [begin, end])
    columns = {name: trace[first:last][name] for name in trace.columns if name not in SESSION_COLUMNS}
    columns["timestamp"] = columns["timestamp"] - begin
    return tt.Trace(columns, {"duration": float(end - begin)})


def piece_of(trace: tt.Trace, begin: float = 0, chance: tt.Trace | None = None) -> Piece:
    middle, end = begin + REST_S, begin + REST_S + HELD_OUT_S
    return Piece(
        cut(trace, begin, middle),
        cut(trace, middle, end),
        None if chance is None else cut(chance, middle, end),
    )


def piece_of_profile(pool: tt.ClientPool, rate: float) -> Piece:
    """Two jobs of one pool, from its start on."""
    actual, chance = (
        tt.generate(pool, rate=rate, duration=REST_S + HELD_OUT_S, seed=seed)
        for seed in (ACTUAL_SEED, CHANCE_SEED)
    )
    return piece_of(actual, chance=chance)


def profile_pieces(pool: tt.ClientPool, hours: tuple[int, ...], slower: float = 1.0) -> list[Piece]:
    rate = RATES.get(pool.name, RATES[pool.category]) / slower
    day = 86400 if pool.period > 86400 else 0
    spans = [(day + hour * 3600, day + hour * 3600 + REST_S + HELD_OUT_S) for hour in hours]
    return [piece_of_profile(pool.span(*span), rate) for span in spans]


def trace_pieces(trace: tt.Trace) -> list[Piece]:
    last = float(trace.timestamp[-1])
    return [piece_of(trace, begin) for begin in TRACE_STARTS_S if begin + REST_S + HELD_OUT_S <= last + 1]


def one_law(values: np.ndarray) -> tt.AliasTable:
    """Values as often as they come."""
    found, counts = np.unique(values, return_counts=True)
    return tt.AliasTable(found, counts)


def whole_naive(pool: tt.ClientPool) -> tt.ClientPool:
    """One client that knows nothing of time: the lengths of the whole workload, and its mean CV of gaps."""
    collapsed = pool.collapse()
    cells = collapsed.profile.cells()
    shape = float(np.average(cells["cv"], weights=cells["rate"])) ** -2
    sample = tt.generate(
        collapsed, rate=WHOLE_SAMPLE / pool.period, duration=pool.period, seed=GENERATED_SEED
    )
    laws: dict[str, Any] = {"output_tokens": one_law(sample.output_tokens)}
    if pool.category == "multimodal":
        laws["text_tokens"] = one_law(sample.text_tokens)
        for kind in ("image", "audio", "video"):
            items = sample[f"{kind}_tokens"]
            if items.flat().size:
                laws[f"{kind}_count"] = one_law(items.lengths().astype(np.uint32))
                laws[f"{kind}_tokens"] = one_law(items.flat())
    else:
        laws["input_tokens"] = one_law(sample.input_tokens)
    if pool.category == "reason":
        ratio = np.round(sample.reason_tokens / np.maximum(sample.output_tokens, 1), 3)
        laws["reason_ratio"] = one_law(ratio)
    limits = {name: (0, 2**32 - 1) for name in laws if name.endswith("_tokens")}
    return tt.ClientPool([tt.Client(rate=1.0, arrivals=tt.Gamma(shape), limits=limits, **laws)])


def workloads(data: Path, only: list[str] | None, quick: bool) -> Iterator[Workload]:
    """In the order of the tables; what is not there is said on standard error."""
    for name in QUICK:
        if quick and _wanted(name, only):
            pool = tt.load(name)
            source = "modelled" if pool.provenance.get("modelled") else "derived"
            yield Workload(name, source, profile_pieces(pool, ONE_HOUR, 2.0), whole_naive(pool))
    if quick:
        return
    for model, place in MODELS.items():
        folder = data / "servegen" / place
        if _wanted(model, only) and _is_there(folder):
            pool = tt.load(folder)
            yield Workload(model, "published", profile_pieces(pool, HOURS), whole_naive(pool))
    for name, file in TRACES.items():
        if _wanted(name, only) and _is_there(data / "traces" / file):
            trace = tt.read(data / "traces" / file, rebase=True)
            yield Workload(name, "trace", trace_pieces(trace), whole_naive(tt.fit(trace, latent=1)))


def _wanted(name: str, only: list[str] | None) -> bool:
    return only is None or name in only


def _is_there(path: Path) -> bool:
    if not path.exists():
        print(f"study: {path} is not there, and left out", file=sys.stderr)
    return path.exists()


def fitted(rest: tt.Trace) -> tt.ClientPool:
    """One window and one epoch, so that all of the rest counts for shares, burstiness and lengths."""
    return tt.fit(rest, window=REST_S, epoch=REST_S, duration=REST_S)


def generated(pool: tt.ClientPool, whole: tt.ClientPool, like: tt.Trace) -> dict[str, tt.Trace]:
    """Client-based requests, NAIVE ones, and those of the whole workload, at the mean rate of `like`."""
    duration = float(like.metadata["duration"])
    pools = {"clients": pool, "naive": pool.collapse(), "whole": whole}
    return {
        name: tt.generate(
            clients, rate=len(like) / duration, duration=duration, seed=GENERATED_SEED, counts="pinned"
        )
        for name, clients in pools.items()
    }


def ttft_target(rest: tt.Trace) -> float | None:
    """Seconds, in two digits; None where prompts are too long for this instance or this study."""
    prompt = np.array([np.quantile(rest.input_tokens, 0.99)]).astype(np.uint32)
    one = {"timestamp": np.zeros(1), "input_tokens": prompt, "output_tokens": np.ones(1, np.uint32)}
    alone = tt.provision.simulate(tt.Trace(one, {"duration": 1.0}), INSTANCE).ttft_quantile(0.99)
    target = max(TTFT_S, float(f"{ALONE * alone:.2g}"))
    return target if target <= LONGEST_TTFT_S else None


def studied(piece: Piece, whole: tt.ClientPool) -> dict[str, Any]:
    """Everything about one piece: plain values, by trace where there is one a trace."""
    pool = fitted(piece.rest)
    traces = {"actual": piece.held_out, **generated(pool, whole, piece.held_out)}
    if piece.chance is not None:
        traces["chance"] = piece.chance
    comparison = tt.compare(*traces.values(), names=list(traces))
    measures = comparison.to_dict()["measures"]
    return {
        "requests": len(piece.held_out),
        "rate": len(piece.held_out) / piece.held_out.metadata["duration"],
        "clients": len(pool),
        "interval": comparison.interval,
        # Of a trace whose clock has coarse steps, intervals as short as them are not told.
        "measures": {
            measure: dict(zip(traces, measures[measure]["values"], strict=True))
            if measure in measures
            else dict.fromkeys(traces)
            for measure in MEASURES
        },
        **provisioned(traces, ttft_target(piece.rest)),
    }


def provisioned(traces: dict[str, tt.Trace], ttft: float | None) -> dict[str, Any]:
    """By trace, the instances that all of it needs, and the largest rate of one; nothing without a target."""
    if ttft is None:
        return {"ttft": None, "instances": {}, "rate_of_one": {}, "one_is_enough": {}}
    needed = {
        name: tt.provision.instances_needed(trace, INSTANCE, ttft=ttft, tbt=TBT_S)
        for name, trace in traces.items()
    }
    largest = {
        name: tt.provision.max_rate(trace, INSTANCE, ttft=ttft, tbt=TBT_S) for name, trace in traces.items()
    }
    return {
        "ttft": ttft,
        "instances": {name: found.instances for name, found in needed.items()},
        "rate_of_one": {name: found.rate for name, found in largest.items()},
        "one_is_enough": {name: found.is_bound for name, found in largest.items()},
    }


def scaled(pool: tt.ClientPool, whole: tt.ClientPool, rate: float) -> list[dict[str, Any]]:
    """The study's design, for ten minutes of each day: instances by benchmarks of one at its own rate.

    What is needed is what the actual clients need, each of which sends less to an instance of several; NAIVE
    is one client with the rate, burstiness and lengths of these minutes, or those of the whole workload.
    """
    found = []
    for day in range(round(pool.period / 86400)):
        start = day * 86400 + SCALED_HOURS[day % 2] * 3600
        minutes = pool.span(start, start + HELD_OUT_S)
        actual = tt.Job(minutes, rate=rate, duration=HELD_OUT_S, seed=ACTUAL_SEED)
        jobs = {
            "actual": actual,
            "clients": tt.Job(minutes, rate=rate, duration=HELD_OUT_S, seed=GENERATED_SEED),
            "naive": tt.Job(minutes.collapse(), rate=rate, duration=HELD_OUT_S, seed=GENERATED_SEED),
            "whole": tt.Job(whole, rate=rate, duration=HELD_OUT_S, seed=GENERATED_SEED, counts="pinned"),
        }
        for ttft in SCALED_TTFT_S:
            targets = {"ttft": ttft, "tbt": TBT_S}
            rates = {name: tt.provision.max_rate(job, INSTANCE, **targets).rate for name, job in jobs.items()}
            routed = tt.provision.instances_needed(actual, INSTANCE, **targets).instances
            found.append({"day": day, "ttft": ttft, "rate": rate, "routed": routed, "rate_of_one": rates})
    return found


def grid_of(piece: Piece) -> tt.provision.Grid:
    """Figure 20: of the held-out requests, with benchmarks from the fit."""
    return tt.provision.grid(
        piece.held_out,
        INSTANCE,
        ttft=GRID_TTFT_S,
        tbt=GRID_TBT_S,
        seed=GENERATED_SEED,
        pool=fitted(piece.rest),
    )


def study(data: Path, only: list[str] | None, quick: bool, folder: Path) -> dict[str, Any]:
    """Run it, and write the folder; what is in study.json."""
    folder.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for workload in workloads(data, only, quick):
        started = time.perf_counter()
        pieces = [studied(piece, workload.whole) for piece in workload.pieces]
        found.append({"name": workload.name, "source": workload.source, "pieces": pieces})
        print(f"study: {workload.name}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
    folder_of_large = data / "servegen" / MODELS["m-large"]
    large = tt.load(folder_of_large if not quick and folder_of_large.is_dir() else "m-large")
    grid = grid_of(profile_pieces(large, ONE_HOUR, 5.0 if quick else 1.0)[0])
    started = time.perf_counter()
    days = [] if quick or only is not None else scaled(large, whole_naive(large), RATES["language"])
    print(f"study: one instance at its rate: {time.perf_counter() - started:.1f} s", file=sys.stderr)
    settings = {
        "instance": INSTANCE,
        "tbt": TBT_S,
        "rest": REST_S,
        "held_out": HELD_OUT_S,
        "seeds": [ACTUAL_SEED, CHANCE_SEED, GENERATED_SEED],
        "scaled_ttft": list(SCALED_TTFT_S),
    }
    results = {"settings": settings, "workloads": found, "scaled": days, "grid": grid.to_dict()}
    (folder / "study.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (folder / "study.md").write_text(study_report.markdown(found, days, grid), encoding="utf-8")
    study_report.draw(found, folder / "study.png")
    grid.draw(folder / "grid.svg")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two small profiles: does it work? seconds")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these lines of the tables")
    parser.add_argument("--data", type=Path, default=data_folder(), help="the folder of the real data")
    parser.add_argument("-o", "--output", type=Path, default=Path("study"), help="folder of the results")
    options = parser.parse_args()
    # Clients whose lengths are not published are left out of the actual requests as well.
    warnings.simplefilter("ignore", tt.MissingDataWarning)
    warnings.simplefilter("ignore", tt.IdleWindowWarning)
    study(options.data, options.only, options.quick, options.output)
    print((options.output / "study.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
