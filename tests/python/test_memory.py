"""What happens when memory runs out: an error, and nothing worse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_tools import environment

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space"),
    pytest.mark.skipif(
        "libasan" in os.environ.get("LD_PRELOAD", ""), reason="AddressSanitizer itself needs terabytes"
    ),
]


def _within(memory: int, code: str) -> subprocess.CompletedProcess[bytes]:
    """Python code, run where no more than so many bytes of address space can be had."""
    here = str(Path(__file__).parent)
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))\n"
    return subprocess.run(
        [sys.executable, "-c", limit + code],
        env=environment() | {"PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        timeout=60,
    )


def test_a_trace_that_does_not_fit_into_memory_is_an_error_and_nothing_worse():
    done = _within(
        3 << 30,
        "import datasets\n"
        "try:\n"
        "    datasets.job(scale=1e5).generate(threads=2)\n"
        "except MemoryError:\n"
        "    print(len(datasets.job(duration='1h').generate(threads=2)))\n",
    )
    assert (done.returncode, done.stdout) == (0, b"10800\n"), done.stderr.decode()


def test_the_command_line_says_that_memory_is_out():
    done = _within(
        3 << 30,
        "import datasets, tracetide.cli\n"
        "from tracetide.job import Job\n"
        "from tracetide.cli import main\n"
        "Job.write = lambda *_, **__: datasets.job(scale=1e5).generate()\n"
        "main(['generate', 'm-rp', '-o', 'never.parquet'])",
    )
    assert done.returncode == 1, done.stderr.decode()
    assert done.stderr == b"tracetide: error: out of memory\n"


def test_long_lists_are_streamed_in_bounded_memory():
    done = _within(
        3 << 30,
        "import itertools, tracetide as tt\n"
        "client = tt.Client(rate=2000, text_tokens=1, output_tokens=1, image_count=2**18, image_tokens=1)\n"
        "pool = tt.ClientPool([client], window='10min', period='10min')\n"
        "for size in (0, 1 << 20):\n"
        "    stream = tt.stream(pool, duration=600, batch_size=size, threads=2)\n"
        "    print(sum(len(batch.image_tokens.flat()) for batch in itertools.islice(stream, 4)) > 0)\n"
        "    del stream\n",
    )
    assert (done.returncode, done.stdout) == (0, b"True\nTrue\n"), done.stderr.decode()
