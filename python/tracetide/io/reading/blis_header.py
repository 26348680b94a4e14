"""What the header beside a BLIS trace says of its rows."""

from __future__ import annotations

import os

from tracetide.io.formats.blis import header_path

_LONGEST = 1 << 16


def accumulates(path: str) -> bool:
    """Whether the rows of a session are what each adds to those before; not where there is no header."""
    import yaml

    header = header_path(path)
    if not os.path.isfile(header):
        return False
    try:
        with open(header, encoding="utf-8") as file:
            found = yaml.safe_load(file.read(_LONGEST))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return False  # which a validation tells
    return isinstance(found, dict) and found.get("session_context_growth") == "accumulate"
