"""What happens when memory runs out: an error, and nothing worse."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest
import reader_files
import tracetide as tt
from cli_tools import COMMAND, environment
from reader_files import written
from tracetide.base import address_space
from tracetide.cli.outcome import outcome_of

if sys.platform == "linux":
    import resource

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


@pytest.mark.parametrize("megabytes", [40, 100, 200])
@pytest.mark.parametrize("arguments", [["--version"], ["profiles"], ["describe", "m-small"]])
def test_a_command_says_that_the_address_space_is_too_small(megabytes, arguments):
    limit = megabytes << 20
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        timeout=60,
    )
    said = (
        f"tracetide: error: out of memory: the address space is limited to {megabytes} MiB \\(ulimit -v\\); "
        r"with \d+ cores it must be at least [\d,]+ MiB\n"
    )
    assert done.returncode == 1
    assert re.fullmatch(said, done.stderr.decode()), done.stderr


@pytest.mark.parametrize(
    ("arguments", "ends"),
    [(["/usr/bin/tracetide"], True), (["/tmp/mine.py"], False), ([""], False), ([], False)],
)
def test_only_the_command_line_is_ended(arguments, ends, monkeypatch):
    monkeypatch.setattr(address_space, "problem", lambda: "too little")
    monkeypatch.setattr(sys, "argv", arguments)
    ended = None
    try:
        address_space.check_address_space()
    except SystemExit as error:
        ended = error.code
    assert ended == ("tracetide: error: too little" if ends else None)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("libarrow.so.2600: failed to map segment from shared object"),
        RuntimeError("can't start new thread"),
        pa.ArrowException("Unknown error: Failed to launch worker thread: Resource temporarily unavailable"),
    ],
)
def test_what_a_lack_of_memory_raises_is_told_as_that(error, monkeypatch):
    monkeypatch.delenv("TRACETIDE_DEBUG", raising=False)
    assert outcome_of(error) == (1, "error: out of memory")


def test_a_file_is_not_blamed_for_a_lack_of_memory(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise pa.ArrowMemoryError("malloc of size 1024 failed")

    path = written(tmp_path, reader_files.VIDUR)
    monkeypatch.setattr(pyarrow.csv, "read_csv", fail)
    with pytest.raises(MemoryError):
        tt.read(path)


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
