"""Exit codes and one-line messages of errors."""

from __future__ import annotations

import errno
import os
import signal
import sys

from cyclopts import CoercionError, CycloptsError

from tracetide.base.addresses import shown_in
from tracetide.base.errors import MissingPackageError
from tracetide.base.readable import printable
from tracetide.base.wording import message_of
from tracetide.cli.words import said

_INPUT_ERRNOS = (errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)
_FULL_ERRNOS = (errno.ENOSPC, errno.EFBIG)
_NO_ROOM = (
    "failed to map segment",
    "cannot allocate memory",
    "can't start new thread",
    "failed to launch worker thread",
)
_INPUT_ERRORS = (FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError)


class Refused(Exception):
    """A file that was looked at and found wrong; all has been said."""


class Terminated(KeyboardInterrupt):
    """A signal that ends a process: SIGTERM, or SIGHUP, as when the connection to its terminal is closed."""

    def __init__(self, number: int, *_: object) -> None:
        super().__init__()
        self.number = number


def outcome_of(error: BaseException) -> tuple[int, str]:
    """The exit code of an error, and what to say of it (nothing for a closed pipe)."""
    if isinstance(error, Refused):
        return 2, ""
    if os.environ.get("TRACETIDE_DEBUG"):
        raise error
    if isinstance(error, Terminated):
        return 128 + error.number, "terminated" if error.number == signal.SIGTERM else "hung up"
    if isinstance(error, KeyboardInterrupt):
        return 130, "interrupted"
    if is_closed_pipe(error):
        return 0, ""
    if isinstance(error, CycloptsError):
        return 2, f"error: {_usage(error)}"
    if isinstance(error, ValueError | MissingPackageError) or _is_bad_input(error):
        return 2, f"error: {_line(_text(error))}"
    if _is_out_of_memory(error):
        return 1, "error: out of memory"
    if isinstance(error, OSError):
        return 1, f"error: {_line(_text(error))}"
    return 1, f"error: {type(error).__name__}: {_line(_text(error))} (a bug; TRACETIDE_DEBUG=1 shows where)"


def is_closed_pipe(error: BaseException) -> bool:
    """Whether the reader of our standard output has closed it. In Windows that may be an invalid argument."""
    if sys.platform == "win32" and isinstance(error, OSError) and error.errno == errno.EINVAL:
        return error.filename is None
    return isinstance(error, BrokenPipeError)


def _is_out_of_memory(error: BaseException) -> bool:
    """Also where a library or a thread finds no room, of which only the text tells."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    text = str(error).lower()
    return not isinstance(error, ValueError) and any(known in text for known in _NO_ROOM)


def _is_bad_input(error: BaseException) -> bool:
    return isinstance(error, _INPUT_ERRORS) or (isinstance(error, OSError) and error.errno in _INPUT_ERRNOS)


def _text(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        reason = error.strerror.lower()
        if error.filename is not None:
            return f"{error.filename}: {reason}"
        # Files that are written have a name in their errors; what is printed has none.
        return f"cannot write 'standard output': {reason}" if error.errno in _FULL_ERRNOS else reason
    return said(message_of(error))


def _usage(error: CycloptsError) -> str:
    text = _line(str(error)).rstrip(".")
    if isinstance(error, CoercionError) and error.msg is not None and error.token is not None:
        text = f"{error.token.keyword}: {error.msg}"
    command = " ".join(error.command_chain or ())
    return f"{text}; see tracetide {command + ' ' if command else ''}--help"


def _line(text: str) -> str:
    return printable(shown_in(" ".join(text.split())))
