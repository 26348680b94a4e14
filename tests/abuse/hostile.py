"""Running what is hostile: in a process of its own, with limits of memory and of time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cli_tools import COMMAND, environment

if os.name == "posix":
    import resource

SECONDS = 10.0
"""Until something is said."""

MEMORY = 1 << 30
"""Resident bytes."""

FILES = int(os.environ.get("TRACETIDE_ABUSE_FILES", "3000"))
"""Damaged files of each format."""

RUNS = int(os.environ.get("TRACETIDE_ABUSE_RUNS", "200"))
"""Runs of each command under load."""

_ERROR = re.compile("(tracetide: )?error: ")
_ADDRESSES = (2 << 30) + (96 << 20) * (os.cpu_count() or 1)
"""Of address space, which libraries reserve more of than they use."""


@dataclass(frozen=True)
class Outcome:
    """How a process ended.

    Attributes:
        code: its exit code, or less than 0 for a signal.
        out, err: what it said.
        seconds: how long it took.
        memory: resident bytes at most.
    """

    code: int
    out: str
    err: str
    seconds: float
    memory: int

    def check(self, codes: Sequence[int] = (0, 1, 2)) -> Outcome:
        """Raise unless it ended well: done, or refused with a sentence, in time and in bounded memory."""
        said = f"{self.code} after {self.seconds:.1f} s and {self.memory >> 20} MiB: {self.err[-2000:]}"
        assert self.code in codes, said
        assert "Traceback" not in self.err, said
        assert "(a bug" not in self.err, said
        assert "terminate called" not in self.err, said
        if self.code == 1:
            assert "out of memory" in self.err, said
        if self.code == 2 and "valid for" not in self.err + self.out:
            errors = [line for line in self.err.splitlines() if _ERROR.match(line)]
            assert len(errors) == 1, said
        assert self.memory <= MEMORY, said
        return self


def run(
    arguments: Sequence[str | os.PathLike[str]],
    *,
    seconds: float = SECONDS,
    meanwhile: Callable[[subprocess.Popen[bytes]], None] = lambda process: None,
) -> Outcome:
    """A process within the limits; after `seconds` it is ended, and that is an error.

    Args:
        arguments: the command.
        seconds: how long it may take.
        meanwhile: called with the process when it has begun.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.monotonic()
        process = subprocess.Popen(
            [os.fspath(argument) for argument in arguments],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            preexec_fn=_limit,
        )
        try:
            meanwhile(process)
            status, used = _ended(process, begun + seconds)
        except BaseException:
            process.kill()
            process.wait()
            raise
        took = time.monotonic() - begun
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Outcome(os.waitstatus_to_exitcode(status), *texts, took, used.ru_maxrss << 10)


def tracetide(*arguments: str | os.PathLike[str], seconds: float = SECONDS) -> Outcome:
    """A command, which must end well."""
    return run([*COMMAND, *arguments], seconds=seconds).check()


def python(code: str, *, seconds: float = SECONDS) -> Outcome:
    """Python code, which must be done, or refused by an error that users may get."""
    lines = "\n".join(f"    {line}" for line in code.strip().splitlines())
    whole = (
        "import sys\nimport numpy as np\nimport tracetide as tt\ntry:\n"
        f"{lines}\n"
        "except (ValueError, OSError, MemoryError) as error:\n"
        "    print('error: out of memory' if isinstance(error, MemoryError) else f'error: {error}',"
        " file=sys.stderr)\n"
        "    sys.exit(1 if isinstance(error, MemoryError) else 2)\n"
    )
    return run([sys.executable, "-c", whole], seconds=seconds).check()


@contextmanager
def within_limits() -> Iterator[None]:
    """This process with a GiB more than it has; what is done must be done in `SECONDS`."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, hard))
    before = signal.signal(signal.SIGALRM, _too_late)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def in_time() -> Iterator[None]:
    """Within `within_limits`: one thing that must be done in `SECONDS`."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def load() -> Iterator[None]:
    """A machine on which every core has more to do than it can."""
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3 * (os.cpu_count() or 1))
    ]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _ended(process: subprocess.Popen[bytes], latest: float) -> tuple[int, resource.struct_rusage]:
    while time.monotonic() < latest:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return status, used
        time.sleep(0.01)
    raise AssertionError(f"nothing has been said for too long: {process.args!r}")


def _too_late(*_: object) -> None:
    raise AssertionError(f"not done in {SECONDS:g} s")
