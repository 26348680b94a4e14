"""Where a data set is: a folder of this machine, or a place that pyarrow or fsspec can write to.

Both offer the same: files that have their name only when they are complete, and a lock against a second
writer.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from tracetide.base.addresses import discreet, shown
from tracetide.io.writing.file_system import (
    Claimed,
    claim_file,
    is_at,
    lock_file,
    open_lock,
    open_regular,
    remove_locked,
)
from tracetide.io.writing.output import Output, named, sync_folder

LOCK = "_lock"
PARTIAL = "_partial"
"""The folder of files that are being written."""

_LARGEST_LOCK = 4096
_STALE_S = 120.0
_REFRESH_S = 20.0


class _Holder(BaseModel):
    """Who has a lock, as the lock's file says it."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    host: str
    pid: int
    token: str | None = None
    time: float = 0.0

    @classmethod
    def read(cls, data: bytes) -> _Holder | None:
        """None if it is something else."""
        try:
            return cls.model_validate_json(data)
        except ValidationError:
            return None


class PartFile:
    """A file being written: counts and hashes what goes into it.

    As a context it leaves nothing if it was not committed.
    """

    def __init__(self, sink: Any) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self._written = 0

    def write(self, data: Any) -> int:
        """Write all of a bytes-like object."""
        view = memoryview(data).cast("B")
        self._hash.update(view)
        self._sink.write(view)
        self._written += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """The bytes written so far."""
        return self._written

    @property
    def sha256(self) -> str:
        """Of what has been written so far."""
        return self._hash.hexdigest()

    def commit(self) -> None:
        """Give it its name."""
        raise NotImplementedError

    def discard(self) -> None:
        """Leave nothing of it, unless it has been committed."""
        raise NotImplementedError

    def __enter__(self) -> PartFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()


class Folder(Protocol):
    """A place for files. Can be pickled; whoever unpickles it opens it anew."""

    @property
    def name(self) -> str:
        """As the user gave it, without keys, for messages."""

    @property
    def address(self) -> str:
        """As the user gave it, with its keys, which nobody may be shown."""

    def prepare(self) -> None:
        """Make it, if it is not there."""

    def names(self) -> set[str]:
        """The names of the files in it; of a folder that is not there, none."""

    def size(self, name: str) -> int | None:
        """Bytes of a file; None if it is not there."""

    def read(self, name: str) -> bytes | None:
        """A small file; None if it is not there."""

    def open(self, name: str) -> Any:
        """A file to read."""

    def create(self, name: str) -> PartFile:
        """A new file, which replaces one of its name when it is committed."""

    def remove(self, name: str) -> None:
        """Remove a file or a folder with its files, if it is there."""

    def lock(self) -> contextlib.AbstractContextManager[Lock]:
        """Keep other writers out.

        Raises:
            BlockingIOError: if there is one.
        """


class Lock(Protocol):
    """The right to write."""

    def check(self) -> None:
        """Raise an OSError if it has been lost."""


def put(folder: Folder, name: str, data: bytes) -> None:
    """Write a small file at once."""
    with folder.create(name) as file:
        file.write(data)
        file.commit()


def open_folder(path: str | os.PathLike[str]) -> Folder:
    """The folder of a path, or of an address such as `s3://bucket/month`.

    Raises:
        ValueError: if no file system is known for the address.
    """
    text = os.fspath(path)
    if text.startswith("file://"):
        from urllib.request import url2pathname  # which takes a while to import

        text = url2pathname(urlsplit(text).path)
    return RemoteFolder(text) if "://" in text else LocalFolder(text)


class LocalFolder:
    """A folder of this machine."""

    def __init__(self, path: str) -> None:
        """The folder at `path`, there or not."""
        self.name = self.address = path
        self._path = os.path.realpath(path)

    def prepare(self) -> None:
        """See `Folder`."""
        parent = os.path.dirname(self._path)
        if not os.path.isdir(parent):
            raise FileNotFoundError(f"cannot write {self.name!r}: the folder {parent!r} does not exist")
        if os.path.exists(self._path) and not os.path.isdir(self._path):
            raise NotADirectoryError(
                f"cannot write {self.name!r}: it is a file, and a data set needs a folder"
            )
        with named(self.name):
            os.makedirs(self._path, exist_ok=True)

    def names(self) -> set[str]:
        """See `Folder`."""
        if not os.path.isdir(self._path):
            return set()
        return {
            os.path.relpath(os.path.join(folder, file), self._path).replace(os.sep, "/")
            for folder, _, files in os.walk(self._path)
            for file in files
        }

    def size(self, name: str) -> int | None:
        """See `Folder`."""
        try:
            return os.stat(os.path.join(self._path, name)).st_size
        except FileNotFoundError:
            return None

    def read(self, name: str) -> bytes | None:
        """See `Folder`."""
        try:
            with self.open(name) as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None

    def open(self, name: str) -> Any:
        """See `Folder`."""
        return open_regular(os.path.join(self._path, name))

    def create(self, name: str) -> PartFile:
        """See `Folder`."""
        final = os.path.join(self._path, name)
        with named(self.name):
            for folder in (os.path.dirname(final), os.path.join(self._path, PARTIAL)):
                os.makedirs(folder, exist_ok=True)
                self._refuse_link(folder)
            claimed = claim_file(os.path.join(self._path, PARTIAL, _unique(name)))
        if claimed is None:
            raise FileNotFoundError(f"cannot write {self.name!r}: somebody else removes its {PARTIAL}")
        return _LocalFile(final, claimed, self.name)

    def remove(self, name: str) -> None:
        """See `Folder`."""
        import shutil

        path = os.path.join(self._path, name)
        self._refuse_link(os.path.dirname(path))
        with contextlib.suppress(FileNotFoundError):
            is_folder = os.path.isdir(path) and not os.path.islink(path)
            shutil.rmtree(path) if is_folder else os.unlink(path)

    def _refuse_link(self, folder: str) -> None:
        """A link in the place of one of our folders would have files written or removed elsewhere."""
        if folder != self._path and os.path.islink(folder):
            raise NotADirectoryError(
                f"cannot write {self.name!r}: {os.path.basename(folder)} in it is a link; remove it"
            )

    @contextlib.contextmanager
    def lock(self) -> Iterator[Lock]:
        """See `Folder`. The system lets go of the lock when the process ends, however it does."""
        path = os.path.join(self._path, LOCK)
        while True:
            with named(self.name):
                descriptor = open_lock(path)
            try:
                lock_file(descriptor)
                if not is_at(path, descriptor):  # its last holder has removed it meanwhile
                    os.close(descriptor)
                    continue
                found = os.read(descriptor, _LARGEST_LOCK)
                if found and _Holder.read(found) is None:
                    raise FileExistsError(
                        f"cannot write {self.name!r}: {LOCK} in it was not made by tracetide; remove it, or "
                        "name another folder"
                    )
            except BlockingIOError:
                holder = os.read(descriptor, _LARGEST_LOCK)
                os.close(descriptor)
                raise _being_written(self.name, holder) from None
            except BaseException:
                os.close(descriptor)
                raise
            break
        try:
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, _myself())
            yield _Held()
        finally:
            remove_locked(path, descriptor)

    def __reduce__(self) -> tuple[Any, ...]:
        return LocalFolder, (self._path,)


class _LocalFile(PartFile):
    def __init__(self, final: str, claimed: Claimed, name: str) -> None:
        self._final = final
        self._claimed = claimed
        self._name = name  # of the folder, for messages
        self._is_complete = False
        super().__init__(Output(claimed.descriptor, name))

    def commit(self) -> None:
        self._sink.flush()
        with named(self._name):
            os.fsync(self._claimed.descriptor)
            self._claimed.rename(self._final)
        self._is_complete = True
        sync_folder(os.path.dirname(self._final))

    def discard(self) -> None:
        if not self._is_complete:
            self._claimed.remove()


class _Held:
    def check(self) -> None:
        """The system keeps it."""


class RemoteFolder:
    """A place that an address names, through pyarrow's file systems or, for others, fsspec's.

    A file is uploaded under another name and moved when it is complete: closing a stream after an error would
    leave what has been written so far.
    """

    def __init__(self, address: str) -> None:
        """The place at `address`."""
        self.name = shown(address)
        self.address = address
        with discreet(address):
            self._files, self._path = _file_system(address)

    def prepare(self) -> None:
        """See `Folder`."""
        self._files.create_dir(self._path, recursive=True)

    def names(self) -> set[str]:
        """See `Folder`."""
        from pyarrow.fs import FileSelector, FileType

        selector = FileSelector(self._path, allow_not_found=True, recursive=True)
        return {
            os.path.relpath(info.path, self._path)
            for info in self._files.get_file_info(selector)
            if info.type == FileType.File
        }

    def size(self, name: str) -> int | None:
        """See `Folder`."""
        from pyarrow.fs import FileType

        info = self._files.get_file_info(f"{self._path}/{name}")
        return info.size if info.type == FileType.File else None

    def read(self, name: str) -> bytes | None:
        """See `Folder`."""
        if self.size(name) is None:
            return None
        with self.open(name) as file:
            return bytes(file.read())

    def open(self, name: str) -> Any:
        """See `Folder`."""
        return self._files.open_input_file(f"{self._path}/{name}")

    def create(self, name: str) -> PartFile:
        """See `Folder`."""
        final = f"{self._path}/{name}"
        for folder in (os.path.dirname(final), f"{self._path}/{PARTIAL}"):
            self._files.create_dir(folder, recursive=True)
        return _RemoteFile(self._files, final, f"{self._path}/{PARTIAL}/{_unique(name)}")

    def remove(self, name: str) -> None:
        """See `Folder`."""
        from pyarrow.fs import FileType

        path = f"{self._path}/{name}"
        with contextlib.suppress(FileNotFoundError):
            if self._files.get_file_info(path).type == FileType.Directory:
                self._files.delete_dir(path)
            elif self.size(name) is not None:
                self._files.delete_file(path)

    @contextlib.contextmanager
    def lock(self) -> Iterator[Lock]:
        """See `Folder`. A file that its holder refreshes; one that is not for two minutes counts no more."""
        lease = _Lease(self)
        lease.take()
        try:
            yield lease
        finally:
            lease.release()

    def __reduce__(self) -> tuple[Any, ...]:
        return RemoteFolder, (self.address,)


class _RemoteFile(PartFile):
    def __init__(self, files: Any, final: str, temporary: str) -> None:
        self._files = files
        self._final = final
        self._temporary: str | None = temporary
        super().__init__(files.open_output_stream(temporary))

    def commit(self) -> None:
        self._sink.close()
        self._files.move(self._temporary, self._final)
        self._temporary = None

    def discard(self) -> None:
        if self._temporary is not None:
            with contextlib.suppress(Exception):  # whatever is wrong, has been said
                self._sink.close()
                self._files.delete_file(self._temporary)


class _Lease:
    """A lock where there are none: two who write at once find out, at the latest after `_REFRESH_S`."""

    def __init__(self, folder: RemoteFolder) -> None:
        self._folder = folder
        self._token = secrets.token_hex(8)
        self._lost = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def take(self) -> None:
        """Become the holder."""
        data = self._folder.read(LOCK) or b""
        holder = _Holder.read(data)
        if holder is not None and time.time() - holder.time < _STALE_S:
            raise _being_written(self._folder.name, data)
        self._write()
        if not self._is_mine():
            raise _being_written(self._folder.name, self._folder.read(LOCK) or b"")
        self._thread.start()

    def check(self) -> None:
        """See `Lock`."""
        if self._lost:
            raise _being_written(self._folder.name, self._folder.read(LOCK) or b"")

    def release(self) -> None:
        """Be the holder no more."""
        self._done.set()
        self._thread.join()
        if self._is_mine():
            self._folder.remove(LOCK)

    def _keep(self) -> None:
        while not self._done.wait(_REFRESH_S):
            with contextlib.suppress(OSError):  # a later round may succeed
                if not self._is_mine():
                    self._lost = True
                    return
                self._write()

    def _write(self) -> None:
        text = {**json.loads(_myself()), "token": self._token, "time": time.time()}
        put(self._folder, LOCK, json.dumps(text).encode())

    def _is_mine(self) -> bool:
        holder = _Holder.read(self._folder.read(LOCK) or b"")
        return holder is not None and holder.token == self._token


def _file_system(address: str) -> tuple[Any, str]:
    import pyarrow as pa
    from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

    try:
        files, path = FileSystem.from_uri(address)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        try:
            from fsspec.core import url_to_fs

            other, path = url_to_fs(address)
        except (ImportError, ValueError) as reason:
            reasons = [str(one).splitlines()[0] for one in (error, reason)]
            raise ValueError(
                f"output: {shown(address)!r} is not allowed: pyarrow says {reasons[0]!r}, and fsspec "
                f"{reasons[1]!r}; name a folder, or install fsspec and its package for this kind of address"
            ) from None
        files = PyFileSystem(FSSpecHandler(other))
    return files, path.rstrip("/")


def _unique(name: str) -> str:
    return f"{os.path.basename(name)}.{secrets.token_hex(6)}"


def _myself() -> bytes:
    return json.dumps({"host": socket.gethostname(), "pid": os.getpid()}).encode()


def _being_written(name: str, holder: bytes) -> BlockingIOError:
    found = _Holder.read(holder)
    who = "another process" if found is None else f"the process {found.pid} on {found.host}"
    error = BlockingIOError(
        f"cannot write {name!r}: {who} is writing this data set; wait for it, or name another folder"
    )
    error.errno = errno.EAGAIN
    return error
