"""The folder that a command writes to, and files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from autograd_core.errors import ConfigError

__all__ = ["prepare", "write"]


def prepare(folder: str | os.PathLike[str]) -> Path:
    """Make sure, before any work is done, that results can be written into a folder.

    Parameters
    ----------
    folder : path-like
        Made, with its parents, if it is not there. What lies in it stays.

    Returns
    -------
    pathlib.Path
        Absolute.

    Raises
    ------
    ConfigError
        If it is a file, cannot be made, or cannot be written to.
    """
    path = Path(os.path.abspath(folder))
    if path.exists() and not path.is_dir():
        raise ConfigError(
            "--out",
            f"{path} is a file. Expected a folder, or a name that is free. Choose another "
            "with --out DIR.",
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
        # Asking the system about permissions is not enough: a disk may be read-only, or full.
        probe = _beside(path / "probe")
        probe.write_bytes(b"?")
        probe.unlink()
    except OSError as error:
        raise ConfigError(
            "--out",
            f"{path} cannot be written to ({error.strerror or error}). Expected a folder of "
            "your own. Choose another with --out DIR.",
        ) from error
    return path


def write(path: Path, content: str | bytes) -> None:
    """Write a file beside its place, then move it there: nobody ever reads half of it.

    Raises
    ------
    OSError
        If the disk is full or gone; the old file, if there was one, is untouched.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = _beside(path)
    try:
        with temporary.open("xb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
