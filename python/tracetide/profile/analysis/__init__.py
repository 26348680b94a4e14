"""Looking into a pool: its windows as a table, filters over them, and distributions across clients."""

from tracetide.profile.analysis.cdfs import cdf_table
from tracetide.profile.analysis.filters import Kept, keep_by, keep_clients, keep_top, kept_of
from tracetide.profile.analysis.windows import window_columns, window_table

__all__ = [
    "Kept",
    "cdf_table",
    "keep_by",
    "keep_clients",
    "keep_top",
    "kept_of",
    "window_columns",
    "window_table",
]
