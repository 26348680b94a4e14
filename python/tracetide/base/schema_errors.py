"""What pydantic finds wrong, in the words of tracetide's errors."""

from __future__ import annotations

from typing import Any

_SHOWN = 60


def said(entry: Any) -> str:
    """One entry of `ValidationError.errors()`, without where it is."""
    kind, value = entry["type"], entry["input"]
    if kind == "missing":
        return "missing"
    if kind == "value_error":
        return str(entry["ctx"]["error"])
    if kind == "unknown_key":
        return str(entry["msg"])
    if kind == "union_tag_not_found":
        return f"{_unquoted(entry['ctx'])} is missing"
    if kind == "union_tag_invalid":
        context = entry["ctx"]
        return (
            f"{_unquoted(context)} = {context['tag']!r} is not allowed; it must be one of "
            f"{context['expected_tags']}"
        )
    message = str(entry["msg"]).partition(" or instance of")[0]
    message = message.replace("Input should", "it must").replace("must be a valid", "must be a")
    message = message.replace("a integer", "a whole number")
    return f"{_shown(value)} is not allowed; {message}"


def _unquoted(context: dict[str, Any]) -> str:
    return str(context["discriminator"]).strip("'")


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"a {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
