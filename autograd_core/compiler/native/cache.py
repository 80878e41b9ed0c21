"""Object code on disk, found by what it was made from; anything doubtful is made anew.

The folder is ``$GRADPROOF_CACHE``, else ``gradproof`` in the user's cache folder. A file's name is a
hash of the LLVM text, the processor with its features, and the versions of llvmlite, LLVM and this
package; it begins with a hash of its contents, so that a damaged one is seen and made again.

What was not used for the longest time is removed where all take more than ``$GRADPROOF_CACHE_SIZE``
megabytes (256): that is looked at after the first file that a process writes, and every 64 files.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import itertools
import os
import pathlib
import sys
import time

from ...files import is_temporary, write
from .machine import Machine, versions

__all__ = ["assembled", "folder", "limit", "prune"]

_DIGEST = 32  # bytes of SHA-256
_DAY = 86400.0
_EVERY = 64
_WRITTEN = itertools.count()


def folder() -> pathlib.Path | None:
    """Where objects are kept; None where ``GRADPROOF_CACHE`` is empty, which turns the cache off."""
    given = os.environ.get("GRADPROOF_CACHE")
    if given is not None:
        return pathlib.Path(given) if given else None
    if sys.platform == "darwin":
        return pathlib.Path.home() / "Library" / "Caches" / "gradproof"
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "gradproof"


def assembled(machine: Machine, text: str) -> tuple[bytes, bool]:
    """Object code of LLVM text, and whether it was found on disk."""
    try:
        place = folder()
    except (OSError, RuntimeError):  # no home
        place = None
    if place is None:
        return machine.assemble(text), False
    about = "\n".join([machine.cpu, machine.features, *versions(), _package()])
    name = hashlib.sha256(f"{about}\n{text}".encode()).hexdigest()
    path = place / f"{name}.o"
    with contextlib.suppress(OSError):
        held = path.read_bytes()
        code = held[_DIGEST:]
        if code and hashlib.sha256(code).digest() == held[:_DIGEST]:
            with contextlib.suppress(OSError):
                os.utime(path)  # used last
            return code, True
    code = machine.assemble(text)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        content = hashlib.sha256(code).digest() + code
        write(path, content, durable=False, permissions=0o600)
        if next(_WRITTEN) % _EVERY == 0:
            prune(place)
    return code, False


def limit() -> float:
    """How many bytes are kept."""
    try:
        return float(os.environ.get("GRADPROOF_CACHE_SIZE", "")) * 1e6
    except ValueError:
        return 256e6


def prune(place: pathlib.Path) -> None:
    """Remove what was not used for the longest time, until three quarters of the limit are left."""
    now, total = time.time(), 0
    objects: list[tuple[float, int, str]] = []
    with os.scandir(place) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # another process was faster
                about = entry.stat()
                if is_temporary(entry.name):
                    if now - about.st_mtime > _DAY:  # of a process that has died
                        os.unlink(entry.path)
                elif entry.name.endswith(".o"):
                    objects.append((about.st_mtime, about.st_size, entry.path))
                    total += about.st_size
    most = limit()
    if total <= most:
        return
    for _, size, path in sorted(objects):
        with contextlib.suppress(OSError):
            os.unlink(path)
        total -= size
        if total <= 0.75 * most:
            return


def _package() -> str:
    try:
        return importlib.metadata.version("gradproof")
    except importlib.metadata.PackageNotFoundError:
        return ""
