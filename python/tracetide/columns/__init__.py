"""What requests are made of: the table of columns, lists of values, and both as Arrow data.

`table` says which columns there are; `arrow` (with pyarrow) and `capsules` (without) make Arrow data of them.
"""

from tracetide.columns.table import (
    DTYPES,
    LATEST,
    LIST_COLUMNS,
    NO_SESSION,
    NULLABLE,
    REQUIRED,
    Array,
    Column,
    ListColumn,
    check_columns,
)

__all__ = [
    "DTYPES",
    "LATEST",
    "LIST_COLUMNS",
    "NO_SESSION",
    "NULLABLE",
    "REQUIRED",
    "Array",
    "Column",
    "ListColumn",
    "check_columns",
]
