"""The schema of what metadata tell of a job: of all that `Job.metadata` has, the facts that are used."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ProfileSchema(BaseModel):
    """Of the profile that the job was made of."""

    model_config = ConfigDict(strict=True)

    name: str | None = None


class JobSchema(BaseModel):
    """Whatever else there is, is kept as it is."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    duration: float | None = Field(None, gt=0, le=4e9)
    block_size: int = Field(0, ge=0, lt=2**32)
    profile: ProfileSchema = ProfileSchema()
    seed: int | None = Field(None, ge=0, lt=2**64)
    counts: str | None = None
    prompt_blocks: list[Annotated[int, Field(ge=0, le=2**32)]] = Field([], max_length=3)
