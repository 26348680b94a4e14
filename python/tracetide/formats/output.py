"""Where a file's bytes go: to a temporary name that becomes the final one, or to standard output."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from typing import Any

from tracetide.formats.names import STDOUT

_BUFFER = 1 << 20
_LARGE = 1 << 16
_WAIT_S = 10.0
_BINARY = getattr(os, "O_BINARY", 0)  # of Windows, which would else write \r\n where a byte is \n


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
    left of it. Pipes and devices are written as they are.

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
    elif os.path.exists(name) and not os.path.isdir(name) and not stat.S_ISREG(os.stat(name).st_mode):
        with named(name):
            descriptor = _opened(name)
        try:
            output = Output(descriptor, name)
            yield output
            output.flush()
        finally:
            os.close(descriptor)
    else:
        yield from _replacing(name)


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
    final = os.path.realpath(name)
    if os.path.isdir(final) and os.listdir(final):
        raise FileExistsError(f"cannot write {name!r}: the folder is not empty; name a new one")
    if os.path.exists(final) and not os.path.isdir(final):
        raise FileExistsError(f"cannot write {name!r}: it is a file; name a new folder")
    temporary = _temporary(name, final)
    with named(name):
        os.mkdir(temporary)
    try:
        yield temporary
        with named(name):
            if sys.platform == "win32" and os.path.isdir(final):
                os.rmdir(final)  # no folder is replaced there, even an empty one
            os.replace(temporary, final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(os.path.dirname(final))


def _replacing(name: str) -> Iterator[Output]:
    final = os.path.realpath(name)
    if os.path.isdir(final):
        raise IsADirectoryError(f"cannot write {name!r}: it is a folder")
    temporary = _temporary(name, final)
    with named(name):
        descriptor = create_file(temporary)
    try:
        try:
            output = Output(descriptor, name)
            yield output
            output.flush()
            with named(name):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with named(name):
            os.replace(temporary, final)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(os.path.dirname(final))


def _temporary(name: str, final: str) -> str:
    """A name in the folder of `final`, which must be there."""
    folder, base = os.path.split(final)
    if not os.path.isdir(folder):
        what = "is not a folder" if os.path.exists(folder) else "does not exist"
        raise (NotADirectoryError if os.path.exists(folder) else FileNotFoundError)(
            f"cannot write {name!r}: the folder {folder!r} {what}"
        )
    return os.path.join(folder, f".{base[:200]}.{secrets.token_hex(6)}.partial")


def _opened(name: str) -> int:
    """The descriptor of a device, or of a pipe, which somebody must read within ten seconds."""
    if not stat.S_ISFIFO(os.stat(name).st_mode):
        return os.open(name, os.O_WRONLY | _BINARY)
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


def create_file(name: str) -> int:
    """The descriptor of a new file."""
    return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)


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
