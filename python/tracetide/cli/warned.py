"""Warnings of tracetide as lines on standard error."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tracetide.errors import TracetideWarning


@contextmanager
def held_warnings(words: Mapping[str, str] | None = None) -> Iterator[list[str]]:
    """Within it, warnings of tracetide are held back; they are in the list when it is left without an error.

    Args:
        words: of the command line, for those of Python in the messages.
    """
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TracetideWarning)
        yield messages
    for entry in caught:
        text = str(entry.message)
        for python, own in (words or {}).items():
            text = text.replace(python, own)
        messages.append(text)


@contextmanager
def told_warnings(*, quiet: bool, words: Mapping[str, str] | None = None) -> Iterator[None]:
    """Within it, warnings are held back, and told as `tracetide: warning: ...` if there was no error."""
    with held_warnings(words) as messages:
        yield
    if not quiet:
        tell(messages)


def tell(messages: list[str]) -> None:
    """Warnings on standard error."""
    for message in messages:
        print(f"tracetide: warning: {message}", file=sys.stderr)
