"""What profiles and requests are spoken of with: names and numbers that the core has."""

from __future__ import annotations

from tracetide import _core

FAMILIES = _core.FAMILIES
"""Laws of gaps, in the order of their numbers in a profile."""

EXPONENTIAL, GAMMA, WEIBULL, TABLE = range(len(FAMILIES))

FAMILY_KEYS = tuple(name.lower() for name in FAMILIES)
"""The same as parts of column names and keys."""

FITTED_KEYS = FAMILY_KEYS[:TABLE]
"""Those that have a likelihood; a table is counted."""

KINDS = _core.ITEM_KINDS
"""Kinds of items."""

FIELDS = _core.CATEGORY_FIELDS
"""The fields of each category of profile, in their order."""

ITEM_FIELDS = tuple(f"{kind}_{what}" for kind in KINDS for what in ("count", "tokens"))

COUNTS = _core.COUNTS
"""How many requests a client sends in a window."""

MISSING = _core.MISSING
"""In place of the number of a distribution or a model: none."""
