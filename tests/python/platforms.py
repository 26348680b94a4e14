"""What differs between the systems that the tests run on."""

from __future__ import annotations

import _thread
import os
import shutil
import signal

import pytest

HAS_BASH = shutil.which("bash") is not None
posix_only = pytest.mark.skipif(os.name != "posix", reason="only POSIX systems have this")
needs_bash = pytest.mark.skipif(not HAS_BASH, reason="bash is not installed")
bound_by_permissions = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user"
)


def interrupt() -> None:
    """Ctrl-C for this process, from any of its threads."""
    if os.name == "posix":
        os.kill(os.getpid(), signal.SIGINT)
    else:  # where kill ends the process
        _thread.interrupt_main()
