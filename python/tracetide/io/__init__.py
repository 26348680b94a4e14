"""Trace files: `reading` from them, `writing` into them."""
