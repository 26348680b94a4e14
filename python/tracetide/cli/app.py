"""The commands together, and how every one of them ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Any, NoReturn

from cyclopts import App, CycloptsError

from tracetide._version import __version__
from tracetide.cli.characterize import characterize
from tracetide.cli.compare import compare
from tracetide.cli.completion import completion_of
from tracetide.cli.convert import convert
from tracetide.cli.describe import describe
from tracetide.cli.fit import fit
from tracetide.cli.generate import generate
from tracetide.cli.importing import import_
from tracetide.cli.outcome import Terminated, outcome_of
from tracetide.cli.profiles import profiles
from tracetide.cli.provision import provision
from tracetide.cli.report import report
from tracetide.cli.schema import schema
from tracetide.cli.upsample import upsample
from tracetide.cli.validate import validate
from tracetide.cli.windows import windows

app = App(
    name="tracetide",
    help="Realistic request traces for benchmarking LLM serving.",
    version=__version__,
    help_format="markdown",
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
app.command(generate)
app.command(profiles)
app.command(describe)
app.command(import_, name="import")
app.command(fit)
app.command(convert)
app.command(validate)
app.command(windows)
app.command(upsample)
app.command(provision)
app.command(characterize)
app.command(compare)
app.command(report)
app.command(schema)
app.command(completion_of(app))


_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run(arguments: list[str]) -> int:
    """Run one command; its exit code. Errors become one line on standard error."""
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _terminate)
    try:
        app(arguments, print_error=False, exit_on_error=False)
    except (Exception, KeyboardInterrupt, CycloptsError) as error:
        code, message = outcome_of(error)
        if message:
            with contextlib.suppress(OSError):  # of a terminal that is gone
                print(f"tracetide: {message}", file=sys.stderr)
        if not isinstance(error, ValueError | CycloptsError):
            _leave(code)
        return code
    return 0


def _leave(code: int) -> NoReturn:
    """End the process at once, without waiting for threads that are in the middle of a large window.

    Whatever had to be put away, such as a file that is not complete, is gone by now.
    """
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def _terminate(number: int, _: Any) -> None:
    for one in _ENDING:  # a second one shall not come between what is put away
        signal.signal(one, signal.SIG_IGN)
    raise Terminated(number)
