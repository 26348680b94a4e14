"""Requests in memory: a batch of consecutive ones, or a whole trace; read from a scan, and written."""

from tracetide.trace.requests import Batch, Requests
from tracetide.trace.trace import Trace

__all__ = ["Batch", "Requests", "Trace"]
