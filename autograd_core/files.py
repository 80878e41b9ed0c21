"""Files that appear whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator

from .errors import ConfigError

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed: no lock is needed
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "checked_path",
    "is_temporary",
    "replacing",
    "sweep",
    "sync_folder",
    "write",
    "write_all",
]

_TEMPORARY = r"[0-9a-f]{16}\.tmp"  # how names end until all of a file is there


def checked_path(operation: str, path: str | os.PathLike[str]) -> str:
    """A path as text; anything else is an error that names the operation.

    Raises
    ------
    ConfigError
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ConfigError(operation, f"expected a path; received {path!r:.60}.")
    return os.fspath(path)


def write(
    target: str | os.PathLike[str],
    content: bytes | str,
    *,
    durable: bool = True,
    permissions: int = 0o666,
) -> None:
    """Write a file beside its place, then move it there: nobody ever reads half of it.

    Parameters
    ----------
    content : bytes or str
        Text is written as UTF-8.
    durable : bool
        Wait until the disk has it.
    permissions : int
        Less those that the process leaves out.

    Raises
    ------
    OSError
        If the disk is full or gone, or the place is a device's, a pipe's or a socket's; the old file, if there was
        one, is untouched. Of a link, the file that it leads to is replaced.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with replacing(os.path.realpath(target), permissions) as (handle, _):
        write_all(handle, data)
        if durable:
            os.fsync(handle)


@contextlib.contextmanager
def replacing(target: str, permissions: int = 0o666) -> Iterator[tuple[int, str]]:
    """A new file beside ``target`` that takes its place when the block ends without an error.

    Gives the file's descriptor and its path for now.
    """
    _refuse_what_is_no_file(target)
    handle, temporary = _create(target, permissions)
    try:
        try:
            yield handle, temporary
            if fcntl is not None:  # before the lock goes
                os.replace(temporary, target)
        finally:
            with contextlib.suppress(OSError):  # what matters was said by fsync
                os.close(handle)
        if fcntl is None:
            os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _refuse_what_is_no_file(target: str) -> None:
    """Moving a file to where a device or a pipe is would take it away: ``/dev/null``, from who may."""
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(target).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a folder is refused by the system
            raise OSError(errno.EINVAL, "not a regular file, and not to be replaced by one")


def _create(target: str, permissions: int) -> tuple[int, str]:
    """Open a new temporary file; its lock tells `sweep` in another process that it is in use."""
    folder, name = os.path.split(target)
    while True:
        temporary = os.path.join(folder, f".{name}.{secrets.token_hex(8)}.tmp")
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, permissions)
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks: never swept either
                fcntl.flock(handle, fcntl.LOCK_EX)
            if not os.path.exists(temporary):  # swept in the instant before the lock
                os.close(handle)
                continue
        return handle, temporary


def write_all(handle: int, data: bytes | memoryview) -> None:
    """All of ``data``, however little of it each call takes."""
    rest = memoryview(data)
    while rest:
        written = os.write(handle, rest)
        if written <= 0:
            raise OSError(errno.EIO, "nothing could be written")
        rest = rest[written:]


def sync_folder(folder: str) -> None:
    """Make the renaming itself survive a loss of power, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems without this call
            raise
    finally:
        os.close(handle)


def sweep(target: str) -> None:
    """Remove temporary files of writers that were killed; those of living writers are locked."""
    folder, name = os.path.split(target)
    pattern = re.compile(re.escape(f".{name}.") + _TEMPORARY)
    for entry in filter(pattern.fullmatch, os.listdir(folder)):
        stale = os.path.join(folder, entry)
        with contextlib.suppress(OSError):  # locked, or removed meanwhile
            if fcntl is None:
                os.unlink(stale)
                continue
            handle = os.open(stale, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(stale)
            finally:
                os.close(handle)


def is_temporary(name: str) -> bool:
    """Whether a file's name is one that `replacing` gives until all of the file is there."""
    return re.fullmatch(rf"\..*\.{_TEMPORARY}", name) is not None
