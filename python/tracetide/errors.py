"""Errors and warnings that are tracetide's own."""

from tracetide._core import ProfileError

__all__ = ["IdleWindowWarning", "MissingDataWarning", "ProfileError"]


class MissingDataWarning(UserWarning):
    """Clients are left out of a job because the profile has no distributions for them."""


class IdleWindowWarning(UserWarning):
    """A rate was asked for in windows in which no client of the profile is active."""
