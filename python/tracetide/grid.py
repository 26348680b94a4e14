"""Time in the core: whole nanoseconds."""

NS = 1_000_000_000
