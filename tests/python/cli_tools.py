"""Running the command line as users do: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

COMMAND = (sys.executable, "-m", "tracetide")


def environment() -> dict[str, str]:
    """This process's environment, without what would change the output."""
    kept = {key: value for key, value in os.environ.items() if key not in ("TRACETIDE_DEBUG", "FORCE_COLOR")}
    return kept | {"PYTHONWARNINGS": "error"}


def run(
    *arguments: str | os.PathLike[str], cwd: Path | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[bytes]:
    """Run `tracetide` with these arguments."""
    return subprocess.run(
        [*COMMAND, *map(os.fspath, arguments)],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
    )


def fails(
    *arguments: str | os.PathLike[str], says: Sequence[str], code: int = 2, cwd: Path | None = None
) -> str:
    """Run a command that must fail with one line on standard error that has all of `says`; the line."""
    done = run(*arguments, cwd=cwd)
    message = done.stderr.decode()
    assert done.returncode == code, f"exit code {done.returncode}: {message}"
    assert message.startswith("tracetide: error: "), message
    assert message.count("\n") == 1, message
    assert message.endswith("\n")
    assert done.stdout == b"" or code == 1
    for part in says:
        assert part in message, f"{part!r} is not in {message!r}"
    return message


def succeeds(
    *arguments: str | os.PathLike[str], cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command that must end with exit code 0."""
    done = run(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr.decode()
    return done
