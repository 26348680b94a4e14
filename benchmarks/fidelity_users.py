"""What `fidelity.py` measures of users: a client's gaps by idle time, and waits in conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tracetide as tt
from fidelity_figures import Figures, medians
from pyarrow import csv
from scipy import stats
from tracetide.base.grid import NS
from tracetide.fit.idle_time import sessions_by_idle_time
from tracetide.fit.session_models import sittings_of
from tracetide.measures.series import dispersion

Floats: TypeAlias = npt.NDArray[np.float64]
Columns: TypeAlias = dict[str, npt.NDArray[Any]]

IMAGES = "lora_request_trace.csv"
"""Of GenTD26: an image service of 4,244 clients."""
CHATS = "bidaw_sub.csv"
"""Of an interactive chat with sessions."""
IDLE, IDLE_S = "10min", 600
WINDOWS_S = (600, 3600)
EDGE_S = 600
FIELDS = ("input_tokens", "output_tokens")


def idle_time(path: Path, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Gaps of clients in both halves: actual, without sessions, and with those of an idle time by window.

    Turns and the times between them are those of the other half; where clients begin, and their lengths, are
    the tested half's.
    """
    first, second = _halves_of(_images(path))
    return [_of_clients(first, second, seeds), _of_clients(second, first, seeds)]


def _images(path: Path) -> Columns:
    """Times from the first whole ten minutes on; prompts as inputs, steps times images as outputs."""
    table = csv.read_csv(path)
    needed = ("prompt_length", "num_images_per_prompt", "num_inference_steps")
    for name in needed:
        table = table.filter(pc.is_valid(table[name]))
    seconds = (
        pc.cast(table["gmt_create"], pa.timestamp("s")).to_numpy().astype("datetime64[s]").astype(np.int64)
    )
    order = np.argsort(seconds, kind="stable")
    prompt, images, steps = (table[name].to_numpy().astype(np.int64)[order] for name in needed)
    seconds = seconds[order]
    return {
        "timestamp": (seconds - seconds[0] // EDGE_S * EDGE_S).astype(np.float64),
        "client": np.asarray(table["groupId"].to_pylist())[order],
        "input_tokens": np.maximum(prompt, 1).astype(np.uint32),
        "output_tokens": np.maximum(images * steps, 1).astype(np.uint32),
    }


def _halves_of(columns: Columns) -> tuple[Columns, Columns]:
    """By requests, cut between whole ten minutes."""
    times = columns["timestamp"]
    middle = np.ceil(times[times.size // 2] / EDGE_S) * EDGE_S
    parts = []
    for begin, chosen in ((0.0, times < middle), (middle, times >= middle)):
        part = {name: column[chosen] for name, column in columns.items()}
        part["timestamp"] = part["timestamp"] - begin
        parts.append(part)
    return parts[0], parts[1]


def _of_clients(fitted: Columns, tested: Columns, seeds: Sequence[int]) -> dict[str, Any]:
    sittings = _sittings(fitted)
    pools = {"before": tt.fit(pa.table(tested), client="client")}
    for window in WINDOWS_S:
        pool = tt.fit(pa.table(tested), client="client", sessions=IDLE, window=window)
        pools[f"now, {window} s"] = pool.with_sessions(sittings)
    found: dict[str, Any] = {
        "actual": client_gaps(tested["timestamp"], tested["client"]),
        "chance": client_gaps(fitted["timestamp"], fitted["client"]),
    }
    for method, pool in pools.items():
        modulation = 0.0 if method == "before" else 1.0
        made = [tt.generate(pool, seed=seed, modulation=modulation) for seed in seeds]
        found[method] = medians([client_gaps(one.timestamp, one.client_id) for one in made])
    return found


def _sittings(columns: Columns) -> Any:
    """The model of sessions by idle time, which says nothing of when they begin."""
    client = np.unique(columns["client"], return_inverse=True)[1]
    times = np.rint(columns["timestamp"] * NS).astype(np.int64)
    numbers = sessions_by_idle_time(client.astype(np.uint32), times, IDLE_S * NS)
    keys = {"time": times, "client": client, "window": times // (EDGE_S * NS), "rank_group": client}
    return sittings_of(keys | {field: columns[field].astype(np.int64) for field in FIELDS}, numbers, FIELDS)


def client_gaps(times: Any, clients: Any) -> Figures:
    """Of the gaps between a client's requests, in s."""
    times = np.asarray(times, dtype=np.float64)
    client = np.unique(np.asarray(clients), return_inverse=True)[1]
    order = np.lexsort((times, client))
    mine = client[order][1:] == client[order][:-1]
    gaps = np.diff(times[order])[mine]
    over_edge = (np.diff(times[order] // EDGE_S) == 1)[mine]
    return {
        "gap, 10 %": float(np.quantile(gaps, 0.1)),
        "gap, median": float(np.median(gaps)),
        "gap from one 10 min to the next, median": float(np.median(gaps[over_edge])),
        "share of gaps below 60 s": float((gaps < 60).mean()),
        "next request of the same client": float((client[1:] == client[:-1]).mean()),
        "variance/mean 60 s": dispersion(np.bincount((times // 60).astype(np.int64)).astype(np.float64)),
    }


def think_time(path: Path, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Waits of the users of every second session, from a fit to the others; and the other way."""
    table = csv.read_csv(path)
    columns = {name: table[name].to_numpy() for name in ("timestamp", *FIELDS, "session_id")}
    number = np.unique(columns["session_id"], return_inverse=True)[1]
    even, odd = ({name: column[number % 2 == rest] for name, column in columns.items()} for rest in (0, 1))
    return [_of_sessions(even, odd, seeds), _of_sessions(odd, even, seeds)]


def _of_sessions(fitted: Columns, tested: Columns, seeds: Sequence[int]) -> dict[str, Any]:
    actual, other = waits(tested), waits(fitted)
    table = {name: fitted[name].astype(np.uint32) for name in FIELDS}
    table |= {"timestamp": fitted["timestamp"], "session_id": fitted["session_id"].astype(str)}
    pool = tt.fit(pa.table(table), sessions=True, client="whole")
    made = []
    for seed in seeds:
        trace = tt.generate(pool, seed=seed)
        inside = np.asarray(trace.session_id) != tt.NO_SESSION
        columns = {name: np.asarray(trace[name])[inside] for name in ("timestamp", *FIELDS, "session_id")}
        made.append(_wait_figures(waits(columns), actual))
    return {
        "actual": _wait_figures(actual, actual),
        "chance": _wait_figures(other, actual),
        "now": medians(made),
    }


@dataclass(frozen=True)
class Waits:
    """Times between turns in s, with the output before and the new tokens of each."""

    wait: Floats
    output: Floats
    new_tokens: Floats


def waits(columns: Mapping[str, npt.NDArray[Any]]) -> Waits:
    """Of requests in sessions."""
    order = np.lexsort((columns["timestamp"], columns["session_id"]))
    session = columns["session_id"][order]
    inputs, outputs = (columns[field][order].astype(np.float64) for field in FIELDS)
    turn = np.flatnonzero(session[1:] == session[:-1]) + 1
    times = columns["timestamp"][order]
    new = np.maximum(inputs[turn] - inputs[turn - 1] - outputs[turn - 1], 0)
    return Waits(times[turn] - times[turn - 1], outputs[turn - 1], new)


def _wait_figures(made: Waits, actual: Waits) -> Figures:
    return {
        "KS of waits": float(stats.ks_2samp(made.wait, actual.wait).statistic),
        "wait and output before": float(stats.spearmanr(made.wait, made.output).statistic),
        "wait and own query": float(stats.spearmanr(made.wait, made.new_tokens).statistic),
    }
