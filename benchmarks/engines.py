"""What writing a data set costs on Ray and Dask, beside the threads of this process, on the same job.

    python benchmarks/engines.py [--quick]

Engines that are not installed are left out, and said to be. Every engine has two workers and writes the same
files, which is checked. Times are of the call alone; the clusters have been started before.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import logging
import tempfile
import time
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import tracetide as tt

ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small, to see that it works")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore", tt.MissingDataWarning)
    job = tt.Job(tt.load("m-small"), rate=25.0 if quick else 2500.0, duration="1d", seed=1)
    print(f"{job.count():,} requests in {54 if not quick else 6} files, two workers each")
    digests = set()
    for engine, module in (("local", "tracetide"), ("ray", "ray"), ("dask", "distributed")):
        if find_spec(module) is None:
            print(f"{engine:6} is not installed")
            continue
        with cluster(engine):
            times = []
            for _ in range(1 if quick else ROUNDS):
                seconds, digest = write(job, engine, "rows=400000" if quick else "rows=4000000")
                times.append(seconds)
                digests.add(digest)
        print(f"{engine:6} {min(times):7.2f} s, {job.count() / min(times) / 1e6:6.1f} M requests/s")
    assert len(digests) == 1, "the engines wrote different files"


def write(job: tt.Job, engine: str, partition: str) -> tuple[float, str]:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "set"
        started = time.perf_counter()
        job.write_dataset(target, partition=partition, engine=engine, threads=2 if engine == "local" else 0)
        seconds = time.perf_counter() - started
        return seconds, hashlib.sha256((target / "_manifest.json").read_bytes()).hexdigest()


@contextlib.contextmanager
def cluster(engine: str) -> Iterator[None]:
    """Two workers, with what an engine connects to by default."""
    if engine == "ray":
        import ray

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        yield
        ray.shutdown()
    elif engine == "dask":
        from distributed import Client, LocalCluster

        with (
            LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
            ) as workers,
            Client(workers),
        ):
            yield
    else:
        yield


if __name__ == "__main__":
    main()
