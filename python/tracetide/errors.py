"""Errors and warnings that are tracetide's own."""

from tracetide._core import ProfileError

__all__ = ["IdleWindowWarning", "MissingDataWarning", "MissingPackageError", "ProfileError", "TraceError"]


class MissingPackageError(ImportError):
    """What was asked for needs a package that is not installed; the message says how to install it."""


class TraceError(ValueError):
    """A trace that is read has something that is not allowed; the message names file, row and column."""


class MissingDataWarning(UserWarning):
    """Clients are left out of a job because the profile has no distributions for them."""


class IdleWindowWarning(UserWarning):
    """A rate was asked for in windows in which no client of the profile is active."""
