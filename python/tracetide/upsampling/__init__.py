"""A recorded trace at another rate: all gaps scaled, or only those between conversations."""

from tracetide.upsampling.comparison import Comparison, compare_upsampling
from tracetide.upsampling.transform import METHODS, upsample

__all__ = ["METHODS", "Comparison", "compare_upsampling", "upsample"]
