"""The findings as charts, of their tables."""
