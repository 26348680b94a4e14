"""A data set by Dask, of which a worker is killed in the middle of a task."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from distributed import Client, LocalCluster
from jobs import job

killed: list[int] = []


def kill_a_worker(client: Client, target: Path) -> None:
    """As soon as a part is complete and another one under way."""
    processes = list(client.run(os.getpid).values())
    while not list(target.glob("*.parquet")) or not list(target.glob("_partial/*.parquet.*")):
        time.sleep(0.002)
    os.kill(processes[0], signal.SIGKILL)
    killed.append(processes[0])


def main() -> None:
    folder = Path(sys.argv[1])
    target = folder / "set"
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
        Client(cluster) as client,
    ):
        made = job(folder, scale=20.0)
        thread = threading.Thread(target=kill_a_worker, args=(client, target), daemon=True)
        thread.start()
        written = made.write_dataset(target, partition="1h", engine="dask")
        thread.join(5)
        parts = sorted(target.glob("*.parquet"))
        parts[3].unlink()
        parts[4].write_bytes(parts[4].read_bytes()[:-1])
        again = made.write_dataset(target, partition="1h", engine="dask", resume=True)
        kept = made.write_dataset(target, partition="1h", engine="dask", resume=True)
        refused = errors_of_workers(made, folder / "small")
    print(
        json.dumps(
            {
                "killed": len(killed),
                "made": written.made,
                "made_again": again.made,
                "kept": kept.parts - kept.made,
                "refused": refused,
            }
        )
    )


def errors_of_workers(made: object, small: Path) -> str:
    """What a worker cannot write is the caller's error."""
    from tracetide.job.dataset.engines import engine_of
    from tracetide.job.dataset.folder import LocalFolder
    from tracetide.job.dataset.partition import Partition
    from tracetide.job.dataset.parts import Work

    small.mkdir()
    (small / "_partial").write_text("in the way")
    work = Work(made, LocalFolder(str(small)), Partition.parse("1h"))
    try:
        list(engine_of("dask", None, 0).write(work, [(0, 2)], lambda rows: None))
    except OSError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main()
