"""Warnings of jobs as lines on standard error."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from tracetide.cli.console import tell
from tracetide.errors import IdleWindowWarning, MissingDataWarning


@contextmanager
def told_warnings(*, quiet: bool) -> Iterator[None]:
    """Within it, clients that are left out and idle windows are told as `tracetide: warning: ...`."""
    with warnings.catch_warnings(record=True) as caught:
        for kind in (MissingDataWarning, IdleWindowWarning):
            warnings.simplefilter("always", kind)
        yield
    for entry in () if quiet else caught:
        tell(f"tracetide: warning: {entry.message}")
