"""How values of requests are given by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from tracetide.profile.distributions import Distribution

Values: TypeAlias = "Distribution | float | Mapping[float, float]"
"""A law, a number that is always it, or a mapping {value: probability}."""

LARGEST = 2**32 - 1
"""The most tokens, or milliseconds, of a value."""
