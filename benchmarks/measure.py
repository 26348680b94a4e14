"""Does one measurement, given as JSON, in a process of its own, and prints the result as JSON.

    python benchmarks/measure.py '{"task": "engine", "profile": "m-small", "duration": 3600}'

`table.py` calls it once for every figure, so that peak memory belongs to that figure alone. Tasks and their
keys are the functions below.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import peers
import tracetide as tt
from profiles import Spec, synthetic

LIST_COLUMNS = ("image_tokens", "audio_tokens", "video_tokens")


def proc_mib(name: str) -> float | None:
    """A figure of /proc/self/status, where there is one."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    [line] = [line for line in status.read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) / 1024


def peak_mib() -> float:
    """The largest resident set of this process.

    From /proc where it exists: `ru_maxrss` starts at what the parent had when it made this process.
    """
    peak = proc_mib("VmHWM")
    if peak is not None:
        return peak
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def best_of(function: Callable[[], Any], min_seconds: float) -> tuple[float, int]:
    """The shortest of runs that fill `min_seconds` (at least one), and how many there were."""
    times: list[float] = []
    while not times or (sum(times) < min_seconds and len(times) < 50):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times), len(times)


def make_profile(path: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Writes a synthetic profile."""
    synthetic(Spec(**spec)).write(path)
    return {"bytes": Path(path).stat().st_size}


def make_tide(folder: str, path: str) -> dict[str, Any]:
    """Imports a ServeGen folder."""
    tt.load(folder).write(path)
    return {"bytes": Path(path).stat().st_size}


def engine(
    profile: str,
    *,
    rate: float | None = None,
    duration: float | None = None,
    threads: int = 0,
    min_seconds: float = 1.0,
) -> dict[str, Any]:
    """Streams a job and drops it: rows and items are counted, no value is looked at."""
    start = time.perf_counter()
    job = tt.Job(tt.load(profile), rate=rate, duration=duration)
    ready_s = time.perf_counter() - start
    ready_mib = peak_mib()
    requests = items = 0

    def run() -> None:
        nonlocal requests, items
        requests = items = 0
        for batch in job.stream(threads=threads):
            requests += len(batch)
            items += sum(batch[name].flat().size for name in LIST_COLUMNS if name in batch)

    seconds, runs = best_of(run, min_seconds)
    return {
        "requests": requests,
        "items": items,
        "seconds": seconds,
        "runs": runs,
        "ready_s": ready_s,
        "ready_mib": ready_mib,
    }


def _peer(
    function: Callable[[list[peers.Window]], int],
    profile: str,
    rate: float | None,
    duration: float | None,
    requests: float,
) -> dict[str, Any]:
    pool = tt.load(profile)
    windows = max(1, round((duration or pool.period) / pool.window))
    steps = list(peers.plan(pool, rate=rate, windows=windows, requests=requests))
    # Resident now, not at the peak of planning, as what was freed since is used again.
    ready_mib = proc_mib("VmRSS") or peak_mib()
    start = time.perf_counter()
    made = function(steps)
    seconds = time.perf_counter() - start
    return {"requests": made, "seconds": seconds, "runs": 1, "ready_mib": ready_mib}


def numpy(
    profile: str, *, rate: float | None = None, duration: float | None = None, requests: float = 2e6
) -> dict[str, Any]:
    """NumPy's time for the job's first windows, until `requests` are reached."""
    return _peer(peers.numpy_vectorised, profile, rate, duration, requests)


def reference(
    profile: str, *, rate: float | None = None, duration: float | None = None, requests: float = 3e5
) -> dict[str, Any]:
    """The time of the reference's way for the job's first windows, until `requests` are reached."""
    return _peer(lambda steps: len(peers.reference_algorithm(steps)), profile, rate, duration, requests)


def load(profile: str, *, threads: int = 0, min_seconds: float = 1.0) -> dict[str, Any]:
    """Opens a profile, from the page cache."""
    tt.load(profile, threads=threads)
    seconds, runs = best_of(lambda: tt.load(profile, threads=threads), min_seconds)
    return {"seconds": seconds, "runs": runs}


def reference_load(profile: str) -> dict[str, Any]:
    """Reads a ServeGen folder the reference's way."""
    start = time.perf_counter()
    peers.reference_load(Path(profile))
    return {"seconds": time.perf_counter() - start, "runs": 1}


def write(
    profile: str,
    *,
    format: str,
    rate: float | None = None,
    duration: float | None = None,
    threads: int = 0,
    min_seconds: float = 1.0,
) -> dict[str, Any]:
    """Generates into a file, in memory where /dev/shm exists."""
    pool = tt.load(profile)
    job = tt.Job(pool, rate=rate, duration=duration)
    with memory_folder() as folder:
        path = folder / f"trace.{format}"
        tt.generate(pool, rate=1, duration=60).write(path)  # imports what the writer needs
        seconds, runs = best_of(lambda: job.write(path, threads=threads), min_seconds)
        return written(job.count() or 0, seconds, runs, path)


def pyarrow_write(
    profile: str, *, format: str, rate: float, duration: float, threads: int = 0, min_seconds: float = 1.0
) -> dict[str, Any]:
    """pyarrow's writer as it comes, on columns in memory."""
    import pyarrow.csv
    import pyarrow.parquet

    write_table = {"csv": pyarrow.csv.write_csv, "parquet": pyarrow.parquet.write_table}[format]
    trace = tt.generate(tt.load(profile), rate=rate, duration=duration, threads=threads)
    table = trace.to_arrow()
    with memory_folder() as folder:
        path = folder / f"trace.{format}"
        seconds, runs = best_of(lambda: write_table(table, path), min_seconds)
        return written(len(trace), seconds, runs, path)


def written(requests: int, seconds: float, runs: int, path: Path) -> dict[str, Any]:
    """The result of writing a file."""
    return {"requests": requests, "seconds": seconds, "runs": runs, "bytes": path.stat().st_size}


@contextlib.contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory where there is one, so that no disk is measured."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    function.__name__: function
    for function in (
        make_profile,
        make_tide,
        engine,
        numpy,
        reference,
        load,
        reference_load,
        write,
        pyarrow_write,
    )
}


def main() -> None:
    arguments = json.loads(sys.argv[1])
    task = TASKS[arguments.pop("task")]
    warnings.simplefilter("ignore", tt.MissingDataWarning)
    warnings.simplefilter("ignore", tt.IdleWindowWarning)
    result = task(**arguments)
    print(json.dumps(result | {"peak_mib": peak_mib()}))


if __name__ == "__main__":
    main()
