"""Texts that can be written."""

from __future__ import annotations

import re

_HALF = re.compile(r"[\ud800-\udfff]")


def is_utf8(text: str) -> bool:
    """Whether UTF-8 has it: half of a surrogate pair, which Python and JSON allow, it has not."""
    return _HALF.search(text) is None
