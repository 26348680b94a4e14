"""splitwise-sim's traces."""

from __future__ import annotations

import os
from shlex import quote

from tracetide.io.formats.description import TraceFormat
from tracetide.io.formats.tools import File, Replay, tell


def _replay(file: File) -> list[Replay]:
    name = quote(os.path.splitext(os.path.basename(file.path))[0])
    # Its default scheduler is of other applications, and its default model of performance is not there.
    command = (
        f"cp {file} traces/{name}.csv && python run.py trace.filename={name} "
        "applications.0.scheduler=token_jsq start_state=baseline performance_model=db"
    )
    return [tell("splitwise-sim", command)]


_COLUMNS = "request_id request_type application_id arrival_timestamp batch_size prompt_size token_size"

SPLITWISE = TraceFormat(
    "splitwise",
    {
        "request_id": "request_id",
        "timestamp": "arrival_timestamp",
        "client_id": "application_id",
        "input_tokens": "prompt_size",
        "output_tokens": "token_size",
    },
    frozenset({"arrival_timestamp", "prompt_size", "token_size"}),
    optional=frozenset({"request_id", "client_id"}),
    from_zero=True,
    readers=("splitwise-sim",),
    replay=_replay,
    positions=_COLUMNS.split(),
    alone=True,
    constants={"request_type": ("2",), "application_id": ("0",)},  # it knows no other application
)
