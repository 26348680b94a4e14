"""Progress on a terminal's standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from tracetide.cli.console import tell

if TYPE_CHECKING:
    from rich.progress import Progress

_EVERY = 0.1


class ProgressBar:
    """A bar with rows, bytes, rate and time left; on anything but a terminal, nothing.

    Warnings are held back until the first rows are there, so that an error stays the only line.
    """

    def __init__(self, expected: float, *, show: bool, warnings: list[str]) -> None:
        """A bar up to `expected` rows; 0: nobody knows."""
        self._expected = expected
        self._show = show
        self._bar: Progress | None = None
        self._warnings = warnings
        self._next = 0.0

    def __enter__(self) -> ProgressBar:
        """The bar itself appears with the first rows."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def update(self, rows: int, bytes: int) -> None:
        """Show the rows and bytes written so far."""
        if not self._show:
            return
        while self._warnings and rows:
            tell(f"tracetide: warning: {self._warnings.pop(0)}")
        now = time.monotonic()
        if now < self._next or not sys.stderr.isatty():
            return
        self._next = now + _EVERY
        if self._bar is None:
            self._bar = _new_bar(self._expected)
        self._bar.update(self._bar.task_ids[0], completed=rows, bytes=size(bytes))


def size(count: float) -> str:
    """Bytes for people: `"3.1 MB"`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _new_bar(expected: float) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        Task,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{(task.speed or 0) / 1e6:.1f} M requests/s")

    bar = Progress(
        TextColumn("{task.completed:,.0f} requests"),
        BarColumn(),
        TaskProgressColumn(),
        Rate(),
        TextColumn("{task.fields[bytes]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.add_task("", total=expected or None, bytes="")
    bar.start()
    return bar
