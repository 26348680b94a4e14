"""Where a file's bytes go: to a temporary name that becomes the final one, or to standard output."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from tracetide.base.addresses import discreet
from tracetide.io.writing.file_system import BINARY, Claimed, claim_file, claim_folder, remove_unclaimed
from tracetide.io.writing.names import STDOUT

_BUFFER = 1 << 20
_LARGE = 1 << 16
_WAIT_S = 10.0


class Output:
    """A file descriptor with a buffer for small pieces."""

    def __init__(self, descriptor: int, name: str | None = None) -> None:
        """Write to `descriptor`, which stays the caller's; `name` is what errors call it."""
        self._descriptor = descriptor
        self._name = name
        self._pending = bytearray()
        self._written = 0

    def write(self, data: Any) -> int:
        """Write all of a bytes-like object."""
        view = memoryview(data).cast("B")
        self._written += view.nbytes
        if view.nbytes < _LARGE:
            self._pending += view
            if len(self._pending) >= _BUFFER:
                self.flush()
        else:
            self.flush()
            self._put(view)
        return view.nbytes

    def flush(self) -> None:
        """Hand on what is in the buffer."""
        if self._pending:
            pending, self._pending = self._pending, bytearray()
            self._put(memoryview(pending))

    def tell(self) -> int:
        """The bytes written so far."""
        return self._written

    def _put(self, view: memoryview) -> None:
        with contextlib.nullcontext() if self._name is None else named(self._name):
            while view:
                view = view[os.write(self._descriptor, view) :]


@contextlib.contextmanager
def open_output(path: str | os.PathLike[str], *, binary: bool = True) -> Iterator[Output]:
    """An output for `path`, or for standard output if that is `"-"`.

    A regular file appears under its name, or replaces what is there, only when the block ends without
    an error; until then it has a temporary name in the same folder, and after any error nothing is
    left of it. What a process that was killed has left of an earlier try is removed. A link stays one, and
    a file keeps its rights; one that is read-only is refused. Pipes and character devices are written as
    they are.

    Raises:
        ValueError: if binary data would go to a terminal.
        FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError: if `path` cannot be
            made, naming it and the reason.
        OSError: any other failure.
    """
    name = os.fspath(path)
    if name == STDOUT:
        descriptor = sys.stdout.fileno()
        if binary and os.isatty(descriptor):
            raise ValueError(
                "output: this format is not written to a terminal; redirect it or choose csv or jsonl"
            )
        sys.stdout.flush()
        output = Output(descriptor, "standard output")
        yield output
        output.flush()
        return
    with discreet(name):
        yield from _open(name)


def check_folder(path: str | os.PathLike[str]) -> None:
    """Refuse a path in a folder that is not there, as `open_output` does, but before the work.

    Raises:
        FileNotFoundError, NotADirectoryError: if the folder it shall be in is none.
    """
    name = os.fspath(path)
    with discreet(name):
        _check_folder(name, os.path.realpath(name))


def _check_folder(name: str, final: str) -> None:
    folder = os.path.dirname(final)
    if not os.path.isdir(folder):
        what = "is not a folder" if os.path.exists(folder) else "does not exist"
        raise (NotADirectoryError if os.path.exists(folder) else FileNotFoundError)(
            f"cannot write {name!r}: the folder {folder!r} {what}"
        )


def _open(name: str) -> Iterator[Output]:
    with named(name):
        before = _status(name)
    if before is None or stat.S_ISREG(before.st_mode):
        yield from _replacing(name, before)
    elif stat.S_ISCHR(before.st_mode) or stat.S_ISFIFO(before.st_mode):
        with named(name):
            descriptor = _opened(name)
        try:
            output = Output(descriptor, name)
            yield output
            output.flush()
        finally:
            os.close(descriptor)
    elif stat.S_ISDIR(before.st_mode):
        raise IsADirectoryError(f"cannot write {name!r}: it is a folder")
    else:
        raise FileExistsError(f"cannot write {name!r}: it is no file, pipe or character device")


@contextlib.contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[str]:
    """A folder to put files into, which has the name `path` when the block ends without an error.

    Until then it has a temporary name, and after any error nothing is left of it.

    Raises:
        FileExistsError: if `path` is a file, or a folder that is not empty.
        FileNotFoundError, NotADirectoryError: if the folder it shall be in is none.
        OSError: any other failure.
    """
    name = os.fspath(path)
    with discreet(name):
        yield from _new_folder(name)


def _new_folder(name: str) -> Iterator[str]:
    final = os.path.realpath(name)
    with named(name):
        before = _status(name)
        is_empty = before is None or not stat.S_ISDIR(before.st_mode) or not os.listdir(final)
    if not is_empty:
        raise FileExistsError(f"cannot write {name!r}: the folder is not empty; name a new one")
    if before is not None and not stat.S_ISDIR(before.st_mode):
        raise FileExistsError(f"cannot write {name!r}: it is a file; name a new folder")
    temporary = _claim(name, final, before, claim_folder)
    try:
        yield temporary.path
        with named(name):
            temporary.rename(final)
    except BaseException:
        temporary.remove()
        raise
    sync_folder(os.path.dirname(final))


def _replacing(name: str, before: os.stat_result | None) -> Iterator[Output]:
    final = os.path.realpath(name)
    temporary = _claim(name, final, before, claim_file)
    try:
        output = Output(temporary.descriptor, name)
        yield output
        output.flush()
        with named(name):
            os.fsync(temporary.descriptor)
            temporary.rename(final)
    except BaseException:
        temporary.remove()
        raise
    sync_folder(os.path.dirname(final))


def _status(name: str) -> os.stat_result | None:
    """Of what is there, which a link stands for; None if there is nothing."""
    try:
        return os.stat(name)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _claim(
    name: str,
    final: str,
    before: os.stat_result | None,
    make: Callable[[str, os.stat_result | None], Claimed | None],
) -> Claimed:
    """What shall replace `final`, under a temporary name in its folder; what killed processes left of others
    is removed.
    """
    if before is not None and not (before.st_mode & 0o222 and os.access(final, os.W_OK)):
        raise PermissionError(f"cannot write {name!r}: it is read-only")
    _check_folder(name, final)
    folder, base = os.path.split(final)
    base = os.fsencode(base)[:200].decode(errors="ignore")  # names have at most 255 bytes
    left = re.compile(rf"\.{re.escape(base)}\.[0-9a-f]{{12}}\.partial")
    with contextlib.suppress(OSError), os.scandir(folder) as entries:  # it may not be readable
        for path in [entry.path for entry in entries if left.fullmatch(entry.name)]:
            remove_unclaimed(path)
    while True:
        with named(name):
            made = make(os.path.join(folder, f".{base}.{secrets.token_hex(6)}.partial"), before)
        if made is not None:
            return made


def _opened(name: str) -> int:
    """The descriptor of a device, or of a pipe, which somebody must read within ten seconds."""
    if not stat.S_ISFIFO(os.stat(name).st_mode):
        return os.open(name, os.O_WRONLY | BINARY)
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            descriptor = os.open(name, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "it is a pipe, which nobody reads") from None
            time.sleep(0.02)
        else:
            os.set_blocking(descriptor, True)
            return descriptor


def sync_folder(folder: str) -> None:
    """Make the new name durable, where folders can be synchronised."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def named(name: str) -> Iterator[None]:
    """Errors of the system in one sentence with the name that the user gave."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        wrapped = type(error)(f"cannot write {name!r}: {reason}")
        wrapped.errno = error.errno
        raise wrapped from None
