"""Errors and warnings that are tracetide's own."""

from __future__ import annotations

import sys

from tracetide._core import ProfileError

__all__ = [
    "DispersionWarning",
    "EmptyRequestWarning",
    "FlattenedRateWarning",
    "IdleWindowWarning",
    "MissingDataWarning",
    "MissingPackageError",
    "ProfileError",
    "TraceError",
    "TracetideWarning",
]


class MissingPackageError(ImportError):
    """What was asked for needs a package that is not installed; the message says how to install it."""


class TraceError(ValueError):
    """A trace that is read has something that is not allowed; the message names file, row and column."""


class TracetideWarning(UserWarning):
    """What all warnings of tracetide are."""


class MissingDataWarning(TracetideWarning):
    """Clients are left out of a job because the profile has no distributions for them."""


class IdleWindowWarning(TracetideWarning):
    """A rate was asked for in windows in which no client of the profile is active."""


class FlattenedRateWarning(TracetideWarning):
    """A rate was asked for that changes much within a window, of which every window takes the mean."""


class EmptyRequestWarning(TracetideWarning):
    """A trace that is fitted has requests without input or output; the profile makes as many of them."""


class DispersionWarning(TracetideWarning):
    """What a fitted profile makes is much smoother or burstier, in short intervals, than the trace was."""


def outside() -> int:
    """The stack level, seen from the caller, of the first frame that is not tracetide's."""
    level = 2
    frame = sys._getframe(2)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("tracetide."):
        frame = frame.f_back
        level += 1
    return level
