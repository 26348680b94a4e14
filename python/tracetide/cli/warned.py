"""Warnings of tracetide as lines on standard error."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from tracetide.base.errors import TracetideWarning
from tracetide.base.wording import message_of
from tracetide.cli.console import tell
from tracetide.cli.words import said


@contextmanager
def held_warnings() -> Iterator[list[str]]:
    """Within it, warnings are held back; they are in the list when it is left without an error."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TracetideWarning)
        yield messages
    for entry in caught:
        assert isinstance(entry.message, Warning)
        messages.append(said(message_of(entry.message)))


@contextmanager
def told_warnings(*, quiet: bool) -> Iterator[None]:
    """Within it, warnings are held back, and told as `tracetide: warning: ...` if there was no error."""
    with held_warnings() as messages:
        yield
    if not quiet:
        tell_warnings(messages)


def tell_warnings(messages: list[str]) -> None:
    """Warnings on standard error."""
    for message in messages:
        tell(f"tracetide: warning: {message}")
