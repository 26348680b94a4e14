"""What the metadata of a trace tell of the job that made it. They come from files, so they are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tracetide.base.errors import TraceError
from tracetide.base.json_text import parse_json


class JobFacts(NamedTuple):
    """What is told, as far as it is.

    Attributes:
        duration: seconds; None: not known.
        block_size: tokens of a block of hash ids; 0: not known.
        prompt_blocks: where the ids of each level of system prompts end.
    """

    duration: float | None = None
    block_size: int = 0
    prompt_blocks: Sequence[int] = ()


_USED = set(JobFacts._fields)


def facts_of(metadata: Mapping[str, Any], origin: str = "metadata") -> JobFacts:
    """The facts that are used.

    Raises:
        TraceError: for a value that is not allowed, naming it.
    """
    if not metadata:
        return JobFacts()
    from pydantic import ValidationError

    from tracetide.base.schema_errors import said
    from tracetide.io.job_schema import JobSchema

    try:
        return JobFacts(**JobSchema.model_validate(dict(metadata)).model_dump(include=_USED))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise TraceError(f"{origin}: {where}: {said(first)}") from None


def parse_job(text: bytes, origin: str) -> dict[str, Any]:
    """The metadata of a file.

    Raises:
        TraceError: if they are no JSON object, or tell what is not allowed.
    """
    try:
        found = parse_json(text)
    except ValueError as error:
        raise TraceError(f"{origin}: not JSON that can be read: {error}") from None
    if not isinstance(found, dict):
        raise TraceError(f"{origin}: {type(found).__name__} is not allowed; it must be a JSON object")
    facts_of(found, origin)
    return found
