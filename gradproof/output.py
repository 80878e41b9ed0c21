"""The folder that a command writes to."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from autograd_core.errors import ConfigError
from autograd_core.files import write

__all__ = ["prepare"]


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
        probe = path / f".probe.{secrets.token_hex(6)}"
        write(probe, b"?")
        probe.unlink()
    except OSError as error:
        raise ConfigError(
            "--out",
            f"{path} cannot be written to ({error.strerror or error}). Expected a folder of "
            "your own. Choose another with --out DIR.",
        ) from error
    return path
