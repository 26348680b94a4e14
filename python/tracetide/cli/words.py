"""Messages in the words of the command line: options instead of arguments."""

from __future__ import annotations

from collections.abc import Mapping

from tracetide.base.wording import Option, Told

_OPTIONS = {
    "format": "--from",
    "source_format": "--from",
    "columns": "--column",
    "units": "--unit",
    "block_size": "--from-block-size",
}
"""Those of other names than their arguments."""


def said(message: str) -> str:
    """A message as the command line says it."""
    return message.said(_option) if isinstance(message, Told) else message


def _option(option: Option) -> str:
    name = _OPTIONS.get(option.name, "--" + option.name.replace("_", "-"))
    if isinstance(option.value, Mapping):
        return " ".join(
            f"{name} {key}={'...' if value is ... else value}" for key, value in option.value.items()
        )
    return name if option.value is None or option.value is True else f"{name} {option.value}"
