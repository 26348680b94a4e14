"""Looking into a pool: its windows as a table, filters over them, and distributions across clients."""

from tracetide.analysis.cdfs import cdf_table
from tracetide.analysis.filters import keep_by, keep_clients, keep_top
from tracetide.analysis.windows import window_columns, window_table

__all__ = ["cdf_table", "keep_by", "keep_clients", "keep_top", "window_columns", "window_table"]
