"""Writing requests that are in memory, in any format."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tracetide import _core
from tracetide.io.writing import Progress, Written, format_of, write_source
from tracetide.io.writing.base import ToolOptions
from tracetide.trace.requests import Requests, columns_in
from tracetide.trace.source import MemorySource


def write_requests(
    requests: Requests,
    metadata: Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    hash_ids: bool = True,
    block_size: int = 0,
    own_block_size: int = 0,
    threads: int = 0,
    progress: Progress | None = None,
) -> Written:
    """Write the requests of a trace with this metadata; see `Trace.write`.

    `own_block_size` is that of its hash ids, 0 where it is not known.
    """
    chosen = format_of(path, format)
    if chosen.container == "servegen":
        return write_fitted_folder(requests, path)
    options = ToolOptions(hash_ids, block_size or chosen.tool_block)
    source = MemorySource(columns_in(requests), metadata, own_block_size, threads)
    return write_source(source, chosen, options, path, threads, progress)


def write_fitted_folder(requests: Requests, path: str | os.PathLike[str]) -> Written:
    """Fit a profile to the requests and write it as a folder of ServeGen's.

    Raises:
        ValueError: if it cannot be fitted.
        OSError: if the folder is there and not empty, or cannot be written.
    """
    from tracetide.fit import fit
    from tracetide.profile.servegen_folder import write_folder

    pool = fit(requests)
    job = _core.Job(pool.profile, duration=pool.duration)
    written = write_folder(job, (pool.start, pool.end), path)
    return Written(len(requests), written.bytes, written.left_out)
