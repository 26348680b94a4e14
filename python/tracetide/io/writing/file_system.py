"""What the systems have in different ways: locks, rights, and the names of files that are open."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
from typing import BinaryIO

BINARY = getattr(os, "O_BINARY", 0)  # of Windows, which would else write \r\n where a byte is \n
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # which Windows does not have, nor the right to make links
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)


class Claimed:
    """A new file or folder with a temporary name, which this process holds until it gets another or goes.

    It is locked, so that it is not taken for what a process has left that was killed.

    Attributes:
        path: its temporary name.
        descriptor: of the file, to write.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        """`descriptor` is closed by this; -1: it is a folder of a system that has no locks for them."""
        self.path = path
        self.descriptor = descriptor

    def rename(self, final: str) -> None:
        """Give it its name. Until then, nobody else can take it."""
        if sys.platform == "win32":  # where nothing that is open gets another name
            self.close()
            if os.path.isdir(self.path) and os.path.isdir(final):
                os.rmdir(final)  # no folder is replaced there, even an empty one
        os.replace(self.path, final)
        self.close()

    def remove(self) -> None:
        """Leave nothing of it."""
        descriptor, self.descriptor = self.descriptor, -1
        remove_locked(self.path, descriptor)

    def close(self) -> None:
        """Hold it no more."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def claim_file(path: str, rights_of: os.stat_result | None = None) -> Claimed | None:
    """A new file, with the rights of another or, without one, those of any new file.

    Returns:
        None: another process has just taken it for one that was left behind; try another name.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY
    return _claimed(path, os.open(path, flags, 0o666 if rights_of is None else 0o600), rights_of)


def claim_folder(path: str, rights_of: os.stat_result | None = None) -> Claimed | None:
    """A new folder; otherwise as `claim_file`."""
    os.mkdir(path, 0o777 if rights_of is None else 0o700)
    if sys.platform == "win32":
        return Claimed(path, -1)
    return _claimed(path, os.open(path, os.O_RDONLY), rights_of)


def _claimed(path: str, descriptor: int, rights_of: os.stat_result | None) -> Claimed | None:
    if rights_of is not None and sys.platform != "win32":
        for owner in ((rights_of.st_uid, -1), (-1, rights_of.st_gid)):
            with contextlib.suppress(OSError):  # only root may give files away
                os.fchown(descriptor, *owner)
        os.fchmod(descriptor, stat.S_IMODE(rights_of.st_mode) & 0o777)
    try:
        lock_file(descriptor)
        if is_at(path, descriptor):
            return Claimed(path, descriptor)
    except BlockingIOError:
        pass
    except OSError:  # no locks here: nobody removes what seems to be left behind
        return Claimed(path, descriptor)
    os.close(descriptor)
    return None


def remove_unclaimed(path: str) -> None:
    """Remove a file or folder that `claim_file` or `claim_folder` made, if its process has ended."""
    try:
        is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
        access = os.O_RDONLY if is_folder else os.O_RDWR
        descriptor = os.open(path, access | BINARY | _NO_LINK | _NO_WAIT)
    except OSError:  # of another user, or just gone; folders of Windows
        return
    try:
        lock_file(descriptor)
    except OSError:
        os.close(descriptor)
    else:
        remove_locked(path, descriptor)


def open_lock(path: str) -> int:
    """The descriptor of a lock file, made if it is not there; nothing in it is touched.

    Raises:
        FileExistsError: if it is a link, or no regular file.
    """
    with contextlib.suppress(FileNotFoundError):
        before = os.lstat(path)
        if not stat.S_ISREG(before.st_mode) or before.st_nlink > 1:
            raise FileExistsError(f"{os.path.basename(path)} in it is a link, or no file")
    return os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK | _NO_WAIT, 0o666)


def open_regular(path: str) -> BinaryIO:
    """A file to read.

    Raises:
        OSError: if it cannot be opened, or is a pipe or a device, which may give bytes without end or none.
    """
    descriptor = os.open(path, os.O_RDONLY | BINARY | _NO_WAIT)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no regular file", path)
    return os.fdopen(descriptor, "rb")


def is_at(path: str, descriptor: int) -> bool:
    """Whether an open file is the one that has this name; another process may have removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


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
    """Remove a file or folder that is locked, and close it."""
    if sys.platform == "win32" and descriptor >= 0:  # where nobody can remove a file that is open
        os.close(descriptor)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)
    if sys.platform != "win32" and descriptor >= 0:  # where somebody could lock it before it is removed
        os.close(descriptor)
