"""What goes to a terminal: nothing that comes from a file may steer it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tracetide.base.readable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def tell(line: str) -> None:
    """A line on standard error."""
    print(printable(line), file=sys.stderr)


def console(width: int | None = None) -> Console:
    """For tables on standard output, in which texts stand as they are, but for control characters."""
    from rich.console import Console

    class Printable(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(printable(text), **options)

    return Printable(highlight=False, soft_wrap=True, markup=False, width=width)
