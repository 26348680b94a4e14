"""What requests are made of: the table of columns, lists of values, and both as Arrow data.

`table` says which columns there are; `arrow` (with pyarrow) and `capsules` (without) make Arrow data of them.
"""

from tracetide.columns.table import (
    CATEGORY_COLUMNS,
    DTYPES,
    LATEST,
    LIST_COLUMNS,
    MOST_ITEMS,
    NO_SESSION,
    NULLABLE,
    TOKEN_COLUMNS,
    Array,
    Column,
    ListColumn,
    category_of,
    check_columns,
)

__all__ = [
    "CATEGORY_COLUMNS",
    "DTYPES",
    "LATEST",
    "LIST_COLUMNS",
    "MOST_ITEMS",
    "NO_SESSION",
    "NULLABLE",
    "TOKEN_COLUMNS",
    "Array",
    "Column",
    "ListColumn",
    "category_of",
    "check_columns",
]
