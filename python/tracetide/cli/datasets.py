"""Data sets on the command line."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tracetide.base.addresses import shown
from tracetide.cli.console import tell
from tracetide.cli.progress import size

if TYPE_CHECKING:
    from tracetide.job.dataset import DatasetWritten

Partition = Annotated[
    str | None,
    Parameter(
        help="Write a data set: Parquet files of so much time each, as 1h or 1d, or of so many requests, as "
        "rows=1000000. Default for a folder: 1d.",
    ),
]
Resume = Annotated[
    bool,
    Parameter(
        negative="",
        help="Go on with a data set that was begun: files that are there and as they were written are kept.",
    ),
]
EngineName = Annotated[
    Literal["local", "ray", "dask"],
    Parameter(help="Who makes the files of a data set: this process, or the workers of a cluster."),
]
Address = Annotated[
    str | None,
    Parameter(
        help="Of the cluster's head or scheduler. Default: the one that is configured, else workers on this "
        "machine."
    ),
]


def to_dataset(
    target: str,
    format: str | None,
    *,
    partition: str | None,
    resume: bool,
    engine: str,
    address: str | None,
) -> bool:
    """Whether the output is a data set.

    Raises:
        ValueError: for options that are only for one, or a format that it does not have.
    """
    if not (target.endswith(("/", os.sep)) or "://" in target or partition is not None):
        only = [
            name
            for name, given in (
                ("--resume", resume),
                ("--engine", engine != "local"),
                ("--address", address is not None),
            )
            if given
        ]
        if only:
            raise ValueError(
                f"{only[0]}: only for a data set; give --partition, or an output that ends with /"
            )
        return False
    if format not in (None, "parquet"):
        raise ValueError(f"--format: {format!r} is not allowed for a data set; its files are parquet")
    if target == "-":
        raise ValueError("--partition: a data set needs a folder, and - is standard output")
    return True


def report_dataset(target: str, made: DatasetWritten, seconds: float, *, as_json: bool, quiet: bool) -> None:
    """Rows, bytes and files; as JSON on standard output, or for people on standard error."""
    if as_json:
        print(
            json.dumps(
                {
                    "path": shown(target),
                    "format": "dataset",
                    "requests": made.rows,
                    "bytes": made.bytes,
                    "parts": made.parts,
                    "made": made.made,
                    "seconds": seconds,
                },
                indent=2,
            )
        )
    elif not quiet:
        kept = f", {made.parts - made.made:,} of them there before" if made.made < made.parts else ""
        tell(
            f"{shown(target)}: {made.rows:,} requests, {size(made.bytes)} in {made.parts:,} files{kept}, "
            f"{seconds:.2f} s"
        )
