"""A file of results: a line a trial, written when it is finished, so that a search goes on where it was killed.

The first line says of which search they are; each other is a JSON object. A line that was cut short by a kill
is the last one, and is taken off when the file is opened again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import stat
import time
from collections.abc import Mapping, Sequence
from typing import Any

from autograd_core import files
from autograd_core.errors import CheckpointError, StateError

try:
    import fcntl
except ImportError:  # Windows: two searches at once in one file are not noticed there
    fcntl = None  # type: ignore[assignment]

__all__ = ["Store"]

FORMAT = "gradproof search, version 1"
_SYNC = 1.0  # seconds between two times that the disk is waited for
_NAMED = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}  # numbers for which JSON has no word
_OPEN: set[tuple[int, int]] = set()  # files that this process has open: locks are between processes


class Store:
    """An open file of results.

    Parameters
    ----------
    operation : str
        For messages.
    path : path-like
    search : mapping
        What the file has to be of.
    open_to : sequence of str
        What of that may differ, since nobody said it; the file's counts.

    Attributes
    ----------
    rows : list of dict
        The rows that were there.
    search : dict
        What the file says that it is of.

    Raises
    ------
    CheckpointError
        If it cannot be read or written, is in use, is damaged before its last line, or is no such file.
        What is no such file is not touched.
    StateError
        If it is of another search; lists what differs.
    """

    def __init__(
        self,
        operation: str,
        path: str | os.PathLike[str],
        search: Mapping[str, Any],
        open_to: Sequence[str] = (),
    ) -> None:
        self._operation, self.path, self._open_to = (
            operation,
            files.checked_path(operation, path),
            open_to,
        )
        self._synced = time.monotonic()
        self._handle: int | None = None
        try:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            self._reserve()
            content = self._read()
        except (OSError, ValueError) as error:  # ValueError: a null byte in the path
            self.close()
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(
                operation,
                f"the results file {self.path} cannot be opened: {getattr(error, 'strerror', None) or error}. "
                "Expected a file that can be read and written. Check the path and its permissions.",
            ) from error
        try:
            self.search, self.rows = self._understood(content, dict(search))
        except BaseException:
            self.close()
            raise

    # --- opening ------------------------------------------------------------------------------------

    def _reserve(self) -> None:
        """Make sure that nobody else writes here."""
        handle = self._handle
        if handle is None:
            return
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise CheckpointError(
                self._operation,
                f"{self.path} is not a regular file. Expected the path of a file of results.",
            )
        self._identity = status.st_dev, status.st_ino
        busy = self._identity in _OPEN
        if not busy and fcntl is not None:
            try:
                # Of the process, not of the descriptor: workers that outlive a killed search do not hold it.
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                busy = True
            except OSError:  # a file system without locks
                pass
        if busy:
            os.close(handle)
            self._handle = None
            raise CheckpointError(
                self._operation,
                f"{self.path} is in use by another search. Expected one at a time. Wait for it, or choose another file.",
            )
        _OPEN.add(self._identity)

    def _read(self) -> bytes:
        handle = self._handle
        if handle is None:
            return b""
        parts = []
        os.lseek(handle, 0, os.SEEK_SET)
        while part := os.read(handle, 2**20):
            parts.append(part)
        return b"".join(parts)

    def _understood(
        self, content: bytes, search: dict[str, Any]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        header = _line({"format": FORMAT, **search})
        # Alike in another search's beginning or not: what is shorter than a line says nothing yet.
        if not content or (b"\n" not in content and header.startswith(content[:20])):
            self._truncate(0)
            self._append(header)
            return search, []
        first, *lines = content.split(b"\n")
        said = _object(first)
        if said is None or said.pop("format", None) != FORMAT:
            raise CheckpointError(
                self._operation,
                f"{self.path} is no file of results that this version reads; it was not touched. Expected one that a "
                "search wrote, or none. Choose another path.",
            )
        faults = [
            f"{name}: the file has {said.get(name)!r}, this search {search.get(name)!r}"
            for name in dict.fromkeys([*search, *said])
            if said.get(name) != search.get(name) and name not in self._open_to
        ]
        if faults:
            raise StateError.listing(
                self._operation,
                f"{self.path} holds the results of another search; nothing was changed.",
                faults,
                "Search as before, or choose another file.",
            )
        return said, self._rows(lines, len(first) + 1)

    def _rows(self, lines: list[bytes], whole: int) -> list[dict[str, Any]]:
        """The rows, and the file without a last line that was cut short."""
        rows: dict[str, dict[str, Any]] = {}
        torn = lines.pop()  # b"" where the file ends with a line's end
        for i, line in enumerate(lines):
            row = _row(line)
            if row is None and i == len(lines) - 1:
                torn = line
                break
            if row is None:
                raise CheckpointError(
                    self._operation,
                    f"{self.path}: line {i + 2} is damaged: {line[:60]!r}. Expected a JSON object. Take the line "
                    "out, and its trial is run again.",
                )
            rows.setdefault(f"{row['repeat']} {json.dumps(row['config'], sort_keys=True)}", row)
            whole += len(line) + 1
        if torn:
            self._truncate(whole)
        return list(rows.values())

    # --- writing ------------------------------------------------------------------------------------

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row, at once and whole.

        Raises
        ------
        CheckpointError
            If it cannot be written; the rows before stand.
        """
        self._append(_line({**row, "values": _without_nan(row["values"]),
                            "reports": [_without_nan(report) for report in row["reports"]]}))  # fmt: skip

    def keep(self, rows: list[dict[str, Any]]) -> None:
        """Only these of the rows that were there."""
        self._truncate(0)
        self._append(_line({"format": FORMAT, **self.search}))
        for row in rows:
            self.add(row)
        self.rows = rows

    def _append(self, line: bytes) -> None:
        handle = self._handle
        if handle is None:
            raise CheckpointError(self._operation, f"{self.path} is closed.")
        size = os.fstat(handle).st_size
        try:
            place = os.stat(self.path)
            if (place.st_dev, place.st_ino) != self._identity:
                raise FileNotFoundError(errno.ENOENT, "another file was put in its place")
            files.write_all(handle, line)
            if time.monotonic() - self._synced > _SYNC:
                os.fsync(handle)
                self._synced = time.monotonic()
        except OSError as error:
            with contextlib.suppress(
                OSError
            ):  # what is left of the line is taken off at the next opening
                os.ftruncate(handle, size)
            raise CheckpointError(
                self._operation,
                f"the results file {self.path} cannot be written: {error.strerror or error}. Expected it to be there, "
                "with room for a line. Trials that were stored before stand: mend that, and start the same search again.",
            ) from error

    def _truncate(self, size: int) -> None:
        if self._handle is not None:
            try:
                os.ftruncate(self._handle, size)
            except OSError as error:
                raise CheckpointError(
                    self._operation,
                    f"the results file {self.path} cannot be written: {error.strerror or error}. Expected a file that "
                    "can be. Check its permissions.",
                ) from error

    def close(self) -> None:
        """Wait for the disk, and let others have the file."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._handle)
            with contextlib.suppress(OSError):
                os.close(self._handle)
            _OPEN.discard(getattr(self, "_identity", (-1, -1)))
            self._handle = None


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, allow_nan=False).encode("ascii") + b"\n"


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _row(line: bytes) -> dict[str, Any] | None:
    row = _object(line)
    if row is None:
        return None
    try:
        row["values"] = _with_nan(row["values"])
        row["reports"] = [_with_nan(report) for report in row["reports"]]
        good = isinstance(row["config"], dict) and isinstance(row["repeat"], int)
        good = good and isinstance(row["error"], str | None) and isinstance(row["seed"], int)
        row["seconds"] = float(row["seconds"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return row if good else None


def _without_nan(numbers: Mapping[str, float]) -> dict[str, Any]:
    return {name: n if math.isfinite(n) else str(float(n)) for name, n in numbers.items()}


def _with_nan(numbers: Mapping[str, Any]) -> dict[str, float]:
    return {name: _NAMED[n] if isinstance(n, str) else float(n) for name, n in numbers.items()}
