"""The second file of a BLIS trace: a YAML header next to the CSV file."""

from __future__ import annotations

import os

from tracetide.io.writing.output import open_output

HEADER = "trace_version: 2\ntime_unit: us\nmode: generated\nwarm_up_requests: 0\n"


def header_path(path: str | os.PathLike[str]) -> str:
    """Where the header of a CSV file is: `trace.yaml` for `trace.csv` and `trace.csv.gz`."""
    stem = os.fspath(path)
    for ending in (".gz", ".zst", ".csv"):
        stem = stem.removesuffix(ending)
    return f"{stem}.yaml"


def write_header(path: str | os.PathLike[str]) -> int:
    """Write the header of a CSV file; the bytes written."""
    with open_output(header_path(path)) as output:
        output.write(HEADER.encode())
    return output.tell()
