"""The pictures of the findings, drawn from their tables and numbers."""
