"""Do generated traces stand in for actual ones? Hold out, fit, generate, compare, provision.

    python benchmarks/study.py [--quick] [--only NAME ...] [--data FOLDER] [-o FOLDER]

For each of the bundled profiles, of the published ServeGen folders, and of the Azure and Mooncake traces: ten
minutes of the actual trace are held out, and a profile is fitted to the twenty minutes before. From the fit
the ten minutes are generated client by client and NAIVE (the fit collapsed to one client), both at the mean
rate of what is held out. All are compared, and the instances that each needs are searched.

A profile has no actual trace: a job of it is one, and a job with another seed shows what chance alone does.
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
from tracetide.profile.bundled import bundled

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
TRACES = {"Azure": "AzureLLMInferenceTrace_conv.csv", "Mooncake": "conversation_trace.jsonl"}
TRACE_STARTS_S = (0, 600, 1200)
PUBLISHED = ("m-small", "deepseek-r1", "mm-image")
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


def trace_pieces(path: Path) -> list[Piece]:
    trace = tt.read(path, rebase=True)
    return [piece_of(trace, begin) for begin in TRACE_STARTS_S]


def workloads(data: Path, only: list[str] | None, quick: bool) -> Iterator[Workload]:
    """In the order of the tables; what is not there is said on standard error."""
    for name in QUICK if quick else sorted(bundled()):
        if _wanted(name, only):
            pool = tt.load(name)
            source = "modelled" if pool.provenance.get("modelled") else "derived"
            hours, slower = (ONE_HOUR, 2.0) if quick else (HOURS, 1.0)
            yield Workload(name, source, profile_pieces(pool, hours, slower))
    if quick:
        return
    for model in PUBLISHED:
        folder = data / "servegen" / MODELS[model]
        if _wanted(f"{model} published", only) and _is_there(folder):
            yield Workload(f"{model} published", "published", profile_pieces(tt.load(folder), HOURS))
    for name, file in TRACES.items():
        if _wanted(name, only) and _is_there(data / "traces" / file):
            yield Workload(name, "trace", trace_pieces(data / "traces" / file))


def _wanted(name: str, only: list[str] | None) -> bool:
    return only is None or name in only


def _is_there(path: Path) -> bool:
    if not path.exists():
        print(f"study: {path} is not there, and left out", file=sys.stderr)
    return path.exists()


def fitted(rest: tt.Trace) -> tt.ClientPool:
    """One window and one epoch, so that all of the rest counts for shares, burstiness and lengths."""
    return tt.fit(rest, window=REST_S, epoch=REST_S, duration=REST_S)


def generated(pool: tt.ClientPool, like: tt.Trace) -> dict[str, tt.Trace]:
    """Client-based and NAIVE requests, at the mean rate of `like`."""
    duration = float(like.metadata["duration"])
    return {
        name: tt.generate(clients, rate=len(like) / duration, duration=duration, seed=GENERATED_SEED)
        for name, clients in (("clients", pool), ("naive", pool.collapse()))
    }


def ttft_target(rest: tt.Trace) -> float | None:
    """Seconds, in two digits; None where prompts are too long for this instance or this study."""
    prompt = np.array([np.quantile(rest.input_tokens, 0.99)]).astype(np.uint32)
    one = {"timestamp": np.zeros(1), "input_tokens": prompt, "output_tokens": np.ones(1, np.uint32)}
    alone = tt.provision.simulate(tt.Trace(one, {"duration": 1.0}), INSTANCE).ttft_quantile(0.99)
    target = max(TTFT_S, float(f"{ALONE * alone:.2g}"))
    return target if target <= LONGEST_TTFT_S else None


def studied(piece: Piece) -> dict[str, Any]:
    """Everything about one piece: plain values, by trace where there is one a trace."""
    pool = fitted(piece.rest)
    traces = {"actual": piece.held_out, **generated(pool, piece.held_out)}
    if piece.chance is not None:
        traces["chance"] = piece.chance
    comparison = tt.compare(*traces.values(), names=list(traces))
    measures = comparison.to_dict()["measures"]
    return {
        "requests": len(piece.held_out),
        "rate": len(piece.held_out) / piece.held_out.metadata["duration"],
        "clients": len(pool),
        "interval": comparison.interval,
        "measures": {
            measure: dict(zip(traces, measures[measure]["values"], strict=True)) for measure in MEASURES
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
        pieces = [studied(piece) for piece in workload.pieces]
        found.append({"name": workload.name, "source": workload.source, "pieces": pieces})
        print(f"study: {workload.name}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
    grid = grid_of(profile_pieces(tt.load("m-large"), ONE_HOUR, 5.0 if quick else 1.0)[0])
    settings = {
        "instance": INSTANCE,
        "tbt": TBT_S,
        "rest": REST_S,
        "held_out": HELD_OUT_S,
        "seeds": [ACTUAL_SEED, CHANCE_SEED, GENERATED_SEED],
    }
    results = {"settings": settings, "workloads": found, "grid": grid.to_dict()}
    (folder / "study.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (folder / "study.md").write_text(study_report.markdown(found, grid), encoding="utf-8")
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
