"""A file that one process has for itself."""

from __future__ import annotations

import contextlib
import errno
import os
import sys


def lock_file(descriptor: int) -> None:
    """Lock the file, until its descriptor is closed or the process ends. Others can still read it.

    Raises:
        BlockingIOError: if another process has locked it.
    """
    if sys.platform == "win32":
        import msvcrt

        # Windows forbids reading what is locked: a byte far behind what is in the file.
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno not in (errno.EACCES, 0):  # none in Wine
                raise
            raise BlockingIOError(error.errno, "locked by another process") from error
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def remove_locked(path: str, descriptor: int) -> None:
    """Remove a file that is locked, and close it."""
    if sys.platform == "win32":  # where nobody can remove a file that is open
        os.close(descriptor)
    with contextlib.suppress(OSError):
        os.unlink(path)
    if sys.platform != "win32":  # where somebody could lock it before it is removed
        os.close(descriptor)
