"""Messages that name options in the words of the interface that shows them.

An error knows the argument of the function; on the command line the same thing is an option of another name
and manner. So a message that names one is a `Told`, whose text is Python's, and `tracetide.cli` says it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Option(NamedTuple):
    """An argument that a message names.

    Attributes:
        name: of the argument, as in Python.
        value: what to give, where the message says so. In a mapping, `...` is for the user to choose.
    """

    name: str
    value: Any = None


class Told(str):
    """A message, with its options known. Its text is in Python's words."""

    pieces: tuple[str | Option, ...]

    def __new__(cls, *pieces: str | Option) -> Told:
        """A message of texts, options, and other messages."""
        made = super().__new__(cls, "".join(map(_python, pieces)))
        made.pieces = tuple(part for piece in pieces for part in getattr(piece, "pieces", (piece,)))
        return made

    def said(self, words: Callable[[Option], str]) -> str:
        """The message with the options in other words."""
        return "".join(words(piece) if isinstance(piece, Option) else piece for piece in self.pieces)


def message_of(error: BaseException) -> str:
    """What an error says: a `Told` if it is one."""
    first = error.args[0] if len(error.args) == 1 else None
    return first if isinstance(first, Told) else str(error)


def without_start(message: str, start: str) -> str:
    """A message, `Told` or not, without a text and a colon that it begins with."""
    if not isinstance(message, Told):
        return message.removeprefix(start).lstrip(": ")
    first, *rest = message.pieces
    return Told(without_start(first, start) if isinstance(first, str) else first, *rest)


def _python(piece: str | Option) -> str:
    if isinstance(piece, str):
        return piece
    if piece.value is None:
        return piece.name
    if isinstance(piece.value, Mapping):
        pairs = (f"{key!r}: {'...' if value is ... else repr(value)}" for key, value in piece.value.items())
        return f"{piece.name}={{{', '.join(pairs)}}}"
    return f"{piece.name}={piece.value!r}"
