"""`tracetide import`."""

from __future__ import annotations

import os
from typing import Annotated

from cyclopts import Parameter

from tracetide.base.durations import format_duration
from tracetide.cli.console import tell
from tracetide.cli.parameters import Quiet, Threads, output_path
from tracetide.cli.progress import size
from tracetide.profile.load import load


def import_(
    folder: Annotated[str, Parameter(name="FOLDER")],
    /,
    *,
    output: Annotated[
        str,
        Parameter(
            name=("--output", "-o"), allow_leading_hyphen=True, help="The profile to write, a `.tide` file."
        ),
    ],
    threads: Threads = 0,
    quiet: Quiet = False,
) -> None:
    """Make a profile file from a ServeGen model folder; it opens at once, and without the folder.

    Parameters
    ----------
    folder
        A folder with `chunk-<i>-trace.csv` and `chunk-<i>-dataset.json` files.
    """
    target = output_path(output)
    if not os.path.isdir(folder):
        what = "is a file" if os.path.exists(folder) else "does not exist"
        raise ValueError(f"folder: {folder!r} {what}; it must be a ServeGen model folder")
    pool = load(os.path.join(folder, ""), threads=threads)
    pool.write(target)
    if not quiet:
        bytes = size(os.path.getsize(target))
        tell(
            f"{target}: {pool.category} profile of {len(pool):,} clients, "
            f"{format_duration(pool.period)}, {bytes}"
        )
