"""A data set by Ray, of which a worker is killed in the middle of a task."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import ray
from jobs import job

folder = Path(sys.argv[1])
target = folder / "set"
killed: list[int] = []


def kill_a_worker() -> None:
    """As soon as a part is complete and another one under way."""
    while not list(target.glob("*.parquet")) or not list(target.glob("_partial/*.parquet.*")):
        time.sleep(0.002)
    for line in subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        if command.strip().startswith("ray::_call"):
            os.kill(int(pid), signal.SIGKILL)
            killed.append(int(pid))
            return


ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
made = job(folder, scale=20.0)
thread = threading.Thread(target=kill_a_worker, daemon=True)
thread.start()
written = made.write_dataset(target, partition="1h", engine="ray")
thread.join(5)

parts = sorted(target.glob("*.parquet"))
parts[3].unlink()
parts[4].write_bytes(parts[4].read_bytes()[:-1])
again = made.write_dataset(target, partition="1h", engine="ray", resume=True)
kept = made.write_dataset(target, partition="1h", engine="ray", resume=True)

# What a worker cannot write is the caller's error.
small = folder / "small"
small.mkdir()
refused = ""
try:
    (small / "_partial").write_text("in the way")
    from tracetide.job.dataset.engines import engine_of
    from tracetide.job.dataset.folder import LocalFolder
    from tracetide.job.dataset.partition import Partition
    from tracetide.job.dataset.parts import Work

    work = Work(made, LocalFolder(str(small)), Partition.parse("1h"))
    list(engine_of("ray", None, 0).write(work, [(0, 2)], lambda rows: None))
except OSError as error:
    refused = str(error)
ray.shutdown()
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
