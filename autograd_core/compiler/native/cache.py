"""Object code on disk, found by what it was made from; anything doubtful is made anew.

The folder is ``$GRADPROOF_CACHE``, else ``gradproof`` in the user's cache folder. A file's name is a
hash of the LLVM text, the processor with its features, and the versions of llvmlite, LLVM and this
package; it begins with a hash of its contents, so that a damaged one is seen and made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import pathlib
import sys
import tempfile

from .machine import Machine, versions

__all__ = ["assembled", "folder"]

_DIGEST = 32  # bytes of SHA-256


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
            return code, True
    code = machine.assemble(text)
    with contextlib.suppress(OSError):
        _write(path, hashlib.sha256(code).digest() + code)
    return code, False


def _write(path: pathlib.Path, content: bytes) -> None:
    """All of a file or nothing, for readers in other processes too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".object-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _package() -> str:
    try:
        return importlib.metadata.version("gradproof")
    except importlib.metadata.PackageNotFoundError:
        return ""
