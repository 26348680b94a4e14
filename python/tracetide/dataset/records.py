"""What is known of a part that has been written."""

from __future__ import annotations

import builtins
import json
import os
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Record:
    """A part that is complete.

    Attributes:
        name: of its file.
        rows: how many requests it has.
        bytes: the file's size.
        sha256: of the file, in hexadecimal digits.
        first, last: the times of its first and last request, in seconds from the job's start; None if it has
            none.
    """

    name: str
    rows: int
    bytes: int
    sha256: str
    first: float | None
    last: float | None

    def to_json(self) -> str:
        """As it is kept beside the parts while a data set is being written."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: str | builtins.bytes) -> Record | None:
        """None if it is no sound record: whoever wrote it may have been killed."""
        try:
            return cls.from_dict(json.loads(data))
        except ValueError:
            return None

    @classmethod
    def from_dict(cls, found: Any) -> Record:
        """From a manifest's entry, which may say more.

        Raises:
            ValueError: if something is missing or of another kind.
        """
        fields = cls.__dataclass_fields__
        try:
            record = cls(**{name: found[name] for name in fields})
        except (KeyError, TypeError):
            raise ValueError(f"a part must say {', '.join(fields)}") from None
        sound = (
            isinstance(record.name, str)
            and os.path.basename(record.name) == record.name != ""  # a file beside the manifest, no other
            and isinstance(record.sha256, str)
            and all(isinstance(number, int) and number >= 0 for number in (record.rows, record.bytes))
            and all(time is None or isinstance(time, (int, float)) for time in (record.first, record.last))
        )
        if not sound:
            raise ValueError(f"the part {record.name!r} is not sound")
        return record
