"""Pools from pools: other numbers of clients, sums, and the aggregate as one client."""

from tracetide.profile.reshape.collapse import collapse
from tracetide.profile.reshape.merge import merge
from tracetide.profile.reshape.resample import resample

__all__ = ["collapse", "merge", "resample"]
