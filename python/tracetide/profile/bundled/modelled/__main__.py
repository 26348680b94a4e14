"""`python -m tracetide.profile.bundled.modelled -o FOLDER`: makes the modelled profiles."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tracetide.profile.bundled.modelled import WORKLOADS, construct


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tracetide.profile.bundled.modelled")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the folder to write to")
    options = parser.parse_args()
    try:
        for workload in WORKLOADS:
            path = options.output / f"{workload.name}.tide"
            construct(workload).write(str(path))
            print(f"{path}: {path.stat().st_size} bytes")
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
