"""Whether a limit of the address space (`ulimit -v`) leaves the command line enough to begin with.

It is asked before NumPy and pyarrow are there: their libraries end a process in words of their own.
"""

from __future__ import annotations

import os
import sys

_BASE = 320 << 20
_PER_CORE = 96 << 20  # stacks and allocators of the threads that NumPy, pyarrow and the core start


def check_address_space() -> None:
    """End the command line with a sentence if there is too little; do nothing where Python only imports it.

    Raises:
        SystemExit: with exit code 1.
    """
    is_module = sys.argv[:1] == ["-m"] and "tracetide" in sys.orig_argv  # as long as it is being imported
    if is_module or os.path.basename("".join(sys.argv[:1])) == "tracetide":
        said = problem()
        if said is not None:
            raise SystemExit(f"tracetide: error: {said}")


def problem() -> str | None:
    """What is said of a limit that is too low."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    least = _BASE + _PER_CORE * (os.cpu_count() or 1)
    if limit == resource.RLIM_INFINITY or limit >= least:
        return None
    return (
        f"out of memory: the address space is limited to {limit >> 20:,} MiB (ulimit -v); "
        f"with {os.cpu_count()} cores it must be at least {least >> 20:,} MiB"
    )
