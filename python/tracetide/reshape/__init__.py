"""Pools from pools: other numbers of clients, sums, and the aggregate as one client."""

from tracetide.reshape.collapse import collapse
from tracetide.reshape.merge import merge
from tracetide.reshape.resample import resample

__all__ = ["collapse", "merge", "resample"]
