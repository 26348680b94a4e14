"""The command line: `tracetide generate ...`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0, or 2 for wrong usage or bad input, or 1 for a failure.

    Ctrl-C gives 130, SIGTERM 143. A reader that closes our standard output has had enough: 0.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif sys.platform == "win32" and not stream.isatty():
            # Else in the encoding of the country, which may not have what is said, and with \r\n.
            stream.reconfigure(encoding="utf-8", newline="\n")
        else:  # names may have characters that a terminal has not, and bytes that are no text
            stream.reconfigure(errors="backslashreplace")
    try:
        from tracetide.cli.app import run

        code = run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:  # while importing
        code = 130
    except OSError as error:
        from tracetide.cli.outcome import is_closed_pipe

        if not is_closed_pipe(error):
            raise
        code = 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
