"""What is known of a part that has been written."""

from __future__ import annotations

import builtins
import json
import os
import re
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

Said = TypeVar("Said", bound="Strict")

Count = Annotated[int, Field(ge=0, lt=2**63)]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
"""A SHA-256 in hexadecimal digits."""


class Strict(BaseModel):
    """What files say of a data set: nothing else, and nothing that must be taken for something else."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Record(Strict):
    """A part that is complete.

    Attributes:
        name: of its file.
        rows: how many requests it has.
        bytes: the file's size.
        sha256: of the file.
        first, last: the times of its first and last request, in seconds from the job's start; None if it has
            none.
    """

    name: str
    rows: Count
    bytes: Count
    sha256: Digest
    first: Annotated[float, Field(ge=0)] | None
    last: Annotated[float, Field(ge=0)] | None

    @model_validator(mode="after")
    def _check(self) -> Record:
        if os.path.basename(self.name) != self.name or self.name in ("", ".", ".."):
            raise ValueError("it must name a file beside the manifest")
        if self.first is None or self.last is None:
            is_sound = self.first is None and self.last is None and self.rows == 0
        else:
            is_sound = self.first <= self.last and self.rows > 0
        if not is_sound:
            raise ValueError(f"{self.rows} rows cannot be from {self.first} to {self.last}")
        return self

    def to_json(self) -> str:
        """As it is kept beside the parts while a data set is being written."""
        return json.dumps(self.model_dump())

    @classmethod
    def from_json(cls, data: builtins.bytes) -> Record | None:
        """None if it is no sound record: whoever wrote it may have been killed."""
        try:
            return cls.model_validate_json(data)
        except ValidationError:
            return None


def parsed(kind: type[Said], found: Any) -> Said:
    """What a file says, as its kind.

    Raises:
        ValueError: naming the first value that is not allowed, and what is.
    """
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
    where = ".".join(map(str, fault["loc"]))
    if fault["type"] == "missing":
        raise ValueError(f"{where} is missing")
    value = repr(fault["input"])
    said = re.sub(r"^\w+ should", "it must", str(fault["msg"]).removeprefix("Value error, "))
    raise ValueError(f"{where} {value if len(value) <= 80 else value[:77] + '...'} is not allowed; {said}")
