"""Named arrays in a file that is either whole or refused.

The file is an ordinary safetensors file: eight bytes that give the header's length, a JSON header,
the arrays' bytes. On top of the format stand

- a SHA-256 of every array, and one of the header itself, so that every bit of the file is covered
  (the format alone accepts many flipped bits);
- C-contiguous little-endian copies of whatever layout is given (the safetensors library writes
  wrong values for Fortran-ordered, transposed, strided, reversed and broadcast arrays);
- a write that either happens or does not: a temporary file in the same folder, flushed to the
  disk, read back by the safetensors library, renamed over the old file, the folder flushed. A
  writer that is killed leaves at most its temporary file, which the next save removes.

No pickle is written or read. Any program that reads safetensors can read these files.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np
from safetensors import SafetensorError, safe_open

from .aliases import Array, ArrayLike
from .errors import CheckpointError, ConfigError, DTypeError
from .files import replacing, sweep, sync_folder, write_all

__all__ = ["DTYPES", "load", "load_arrays", "save"]

# The format's names for NumPy's dtypes: all that can be saved.
DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "C64": np.dtype("<c8"),
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I16": np.dtype("<i2"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "I8": np.dtype("i1"),
    "U16": np.dtype("<u2"),
    "U32": np.dtype("<u4"),
    "U64": np.dtype("<u8"),
    "U8": np.dtype("u1"),
}
_CODES = {dtype: code for code, dtype in DTYPES.items()}

_VERSION = "1"
_HEADER_LIMIT = 2**24  # bytes: about 100,000 arrays; bounds the memory that a hostile header takes
_NAME_LIMIT = 1024
_DEPTH_LIMIT = 256  # of brackets in brackets; how deep Python's own reader goes differs by version
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_ZEROS = b"0" * 64  # stands in the header where its own checksum will be
# Inside a JSON string the quotes would be escaped, so only the field itself can match.
_HEADER_SUM = re.compile(rb'"header_sha256":"([0-9a-f]{64})"')

_REMEDIES = {
    errno.EACCES: "Check the permissions of the file and its folder.",
    errno.EDQUOT: "The quota is used up: remove files, or save elsewhere.",
    errno.EISDIR: "Pass the path of a file, not of a folder.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ENOENT: "Check the path, and create the folder first: Path(path).parent.mkdir(parents=True).",
    errno.ENOSPC: "The disk is full: free space, or save elsewhere.",
    errno.ENOTDIR: "A part of the path is a file: check the path.",
    errno.EPERM: "Check the permissions of the file and its folder.",
    errno.EROFS: "The file system is read-only: save elsewhere.",
}
_DAMAGED = "Nothing was loaded. Use an older copy of the file, or make it again."


class _Entry(NamedTuple):
    """One array of a file: where its bytes lie, counted from the end of the header."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


def save(
    path: str | os.PathLike[str],
    arrays: Mapping[str, ArrayLike],
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write named arrays and JSON metadata to a file: all of it, or nothing.

    Parameters
    ----------
    path : path-like
        The file. An older one is replaced at once; a symbolic link is followed.
    arrays : mapping of str to array_like
        Of any layout and byte order; dtypes as in `DTYPES` (bool, integers of 8 to 64 bits,
        float16 to float64, complex64). Names are printable, without slashes.
    metadata : mapping of str to JSON value, optional
        Strings, finite numbers, booleans, None, lists, and dicts with str keys.

    Raises
    ------
    CheckpointError
        If the file could not be written and read back. The old file, if any, is intact and no
        temporary file stays behind.
    DTypeError
        If an array has a dtype that the format does not know.
    ConfigError
        If a name cannot be used, the metadata would not come back equal from JSON, or the arguments
        stand in another order.

    Notes
    -----
    Equal arrays and metadata give equal bytes. Peers differ: ``safetensors.numpy.save_file``
    writes wrong values for arrays that are not C-contiguous, and has no checksums.

    Examples
    --------
    >>> import pathlib, tempfile, numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights.safetensors"
    >>> save(path, {"W": np.arange(6.0).reshape(2, 3).T}, {"epoch": 3})
    >>> arrays, metadata = load(path)
    >>> arrays["W"].shape, arrays["W"][2, 1], metadata
    ((3, 2), np.float64(5.0), {'epoch': 3})
    """
    if not isinstance(path, (str, bytes, os.PathLike)) or not hasattr(arrays, "items"):
        swapped = isinstance(arrays, (str, bytes, os.PathLike)) and hasattr(path, "items")
        raise ConfigError(
            "save",
            "expected a path and then a mapping of names to arrays; received "
            f"{type(path).__name__} and {type(arrays).__name__}. "
            + ("Write save(path, arrays)." if swapped else 'Write save(path, {"name": array}).'),
        )
    if metadata is not None and not hasattr(metadata, "items"):
        raise ConfigError(
            "save", f"expected metadata as a mapping; received {type(metadata).__name__}."
        )
    ready = {_checked_name(name): _plain(name, value) for name, value in arrays.items()}
    sums = {name: hashlib.sha256(_bytes(array)).hexdigest() for name, array in ready.items()}
    # Wide elements first: every array then starts at a multiple of its element size.
    order = sorted(ready, key=lambda name: (-ready[name].itemsize, name))
    header, annotations = _header(ready, order, sums, dict(metadata or {}))
    with _explained("save", path, "The old file, if there was one, is unchanged."):
        target = os.path.realpath(path)
        sweep(target)
        with replacing(target) as (handle, temporary):
            write_all(handle, len(header).to_bytes(8, "little") + header)
            for name in order:
                write_all(handle, _bytes(ready[name]))
            os.fsync(handle)
            _read_back(temporary, sums, annotations)
    # From here on the new file is in place.
    with _explained("save", path, "The new file is in place, but may not survive a loss of power."):
        sync_folder(os.path.dirname(target))


def load(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read a file that `save` wrote, or refuse it.

    Returns
    -------
    arrays : dict of str to ndarray
        In the order they were saved in; C-contiguous, writable, in memory of their own.
    metadata : dict
        As it was saved.

    Raises
    ------
    CheckpointError
        If the file is missing, is not a file of `save`, or differs from what was written by as
        much as one bit. Never more memory is taken than the file's size and its header need.

    Examples
    --------
    >>> load("no/such/file")
    Traceback (most recent call last):
    ...
    autograd_core.errors.CheckpointError: load: no/such/file: No such file or directory. ...
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise ConfigError("load", f"expected a path; received {type(path).__name__}.")
    with _explained("load", path, "Nothing was loaded."):
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for ever
            raise CheckpointError(
                "load", f"{path}: not a regular file. Pass the path of a saved file."
            )
        with open(path, "rb") as handle:
            size = os.fstat(handle.fileno()).st_size
            entries, sums, metadata = _read_header(path, handle, size)
            arrays = {entry.name: _read(path, handle, entry, sums[entry.name]) for entry in entries}
    return {name: arrays[name] for name in sums}, metadata


def load_arrays(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays of a file that `save` wrote, without its metadata; errors are those of `load`.

    Public as ``ag.load``: what ``model.load_state_dict`` takes.
    """
    return load(path)[0]


# --- writing ----------------------------------------------------------------------------------


def _checked_name(name: object) -> str:
    if not _is_name(name):
        raise ConfigError(
            "save",
            f"{name!r} cannot name an array. Expected 1 to {_NAME_LIMIT} printable characters "
            'without slashes, not only dots. Write "layer.weight" instead of "layer/weight".',
        )
    return str(name)


def _is_name(name: object) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name) <= _NAME_LIMIT
        and name.isprintable()
        and not any(slash in name for slash in "/\\")
        and bool(name.strip("."))
        and name != "__metadata__"
    )


def _plain(name: str, value: ArrayLike) -> Array:
    """``value`` as a C-contiguous array of little-endian numbers; copied only if it must be."""
    if isinstance(value, np.ma.MaskedArray):
        raise DTypeError("save", f"{name}: a mask would be lost. Save array.data and array.mask.")
    # Of a tensor its values, whether or not it asks for a gradient.
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    except ValueError as error:
        raise DTypeError("save", f"{name}: the values do not form an array: {error}.") from None
    # order="C" and not ascontiguousarray, which gives a 0-d array an axis.
    dtype = array.dtype.newbyteorder("<")
    if dtype not in _CODES:
        raise DTypeError(
            "save",
            f"{name}: dtype {array.dtype} cannot be saved. Expected one of "
            f"{', '.join(sorted(str(d) for d in _CODES))}. Convert with array.astype(...).",
        )
    return np.asarray(array, dtype, order="C")


def _bytes(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _header(
    arrays: dict[str, Array], order: list[str], sums: dict[str, str], metadata: dict[str, Any]
) -> tuple[bytes, dict[str, str]]:
    """The header's bytes, checksum filled in, and the annotations that it holds."""
    annotations = {
        "gradproof": _VERSION,
        "header_sha256": _ZEROS.decode(),
        "metadata": _json(metadata),
        "sha256": json.dumps(sums, separators=(",", ":")),
    }
    entries: dict[str, Any] = {"__metadata__": annotations}
    begin = 0
    for name in order:
        array = arrays[name]
        end = begin + array.nbytes
        entries[name] = {
            "dtype": _CODES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
        begin = end
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    if len(header) > _HEADER_LIMIT:
        raise ConfigError(
            "save",
            f"the header would take {len(header)} bytes; the limit is {_HEADER_LIMIT}. "
            "Keep long lists as arrays rather than as metadata.",
        )
    digest = hashlib.sha256(header).hexdigest()
    annotations["header_sha256"] = digest
    return header.replace(_ZEROS, digest.encode(), 1), annotations


def _json(metadata: dict[str, Any]) -> str:
    """The metadata as JSON text that certainly gives the same metadata back."""
    try:
        text = json.dumps(metadata, allow_nan=False, separators=(",", ":"))
        _check_depth(text)
        if _same(json.loads(text), metadata):
            return text
        reason = "tuples would come back as lists, or other keys as strings"
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    raise ConfigError(
        "save",
        f"the metadata is not plain JSON: {reason}. Expected str keys and strings, finite "
        "numbers, booleans, None, lists and dicts. Convert NumPy numbers with .item(), tuples with "
        "list(...), and save arrays as arrays.",
    )


def _same(a: Any, b: Any) -> bool:
    """Equality that tells 1 from 1.0 and True, unlike ``==``."""
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and bool(a == b)


def _read_back(temporary: str, sums: dict[str, str], annotations: dict[str, str]) -> None:
    """Compare what the reference reader finds in the file with what was to be written."""
    try:
        with safe_open(temporary, framework="np") as stored:
            equal = stored.metadata() == annotations and set(stored.keys()) == set(sums)
            equal = equal and all(
                hashlib.sha256(_bytes(np.asarray(stored.get_tensor(name), order="C"))).hexdigest()
                == value
                for name, value in sums.items()
            )
    except SafetensorError as error:
        raise OSError(errno.EIO, f"the written file cannot be read back ({error})") from error
    if not equal:
        raise OSError(
            errno.EIO,
            "the written file reads back different: an array was changed while it was being saved, "
            "or the disk fails",
        )


@contextlib.contextmanager
def _explained(operation: str, path: str | os.PathLike[str], state: str) -> Iterator[None]:
    """Turn the system's errors into a CheckpointError with path, state of affairs and remedy."""
    try:
        yield
    except CheckpointError:
        raise
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        if "\0" in os.fsdecode(path):  # which every version of Python words differently
            reason = "the path has a null byte"
        remedy = _REMEDIES.get(number or 0, "Check the disk and the path.")
        if operation == "load" and number == errno.ENOENT:
            remedy = f"Check the path; relative ones begin at {os.getcwd()}."
        raise CheckpointError(operation, f"{path}: {reason}. {state} {remedy}") from error


# --- reading ----------------------------------------------------------------------------------


def _refuse(path: Any, reason: str) -> NoReturn:
    raise CheckpointError("load", f"{path}: {reason}. {_DAMAGED}")


def _read_header(
    path: Any, handle: BinaryIO, size: int
) -> tuple[list[_Entry], dict[str, str], dict[str, Any]]:
    """Entries in the order of the file, checksums in the order of saving, metadata."""
    length = int.from_bytes(handle.read(8), "little")
    if size < 10 or length < 2 or length > size - 8:
        _refuse(path, f"the file of {size} bytes is cut short, or is no safetensors file")
    if length > _HEADER_LIMIT:
        _refuse(path, f"the header claims {length} bytes; at most {_HEADER_LIMIT} are accepted")
    raw = handle.read(length)
    # The checksum comes first: JSON is only made of bytes that are known to be as written.
    match = _HEADER_SUM.search(raw)
    if len(raw) < length or match is None:
        _refuse(
            path,
            "the header has no checksum: it is damaged, or the file was written by another program "
            "(for such files: safetensors.numpy.load_file, then load_state_dict)",
        )
    blank = raw[: match.start(1)] + _ZEROS + raw[match.end(1) :]
    if hashlib.sha256(blank).hexdigest().encode() != match[1]:
        _refuse(path, "the header is damaged: its checksum differs")
    try:
        return _parsed(raw, match[1].decode(), size - 8 - length)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        _refuse(path, f"the header is not valid ({error})")


def _parsed(
    raw: bytes, digest: str, data_size: int
) -> tuple[list[_Entry], dict[str, str], dict[str, Any]]:
    header = _object(raw.decode())
    annotations = header.pop("__metadata__")
    if annotations["gradproof"] != _VERSION:
        raise ValueError(f"version {annotations['gradproof']!r} of the file; {_VERSION!r} is known")
    if annotations["header_sha256"] != digest:
        raise ValueError("checksum in the wrong place")
    sums, metadata = _object(annotations["sha256"]), _object(annotations["metadata"])
    entries = sorted((_entry(name, fields) for name, fields in header.items()), key=lambda e: e[3:])
    position = 0
    for entry in entries:
        if entry.begin != position:
            raise ValueError(f"{entry.name}: starts at byte {entry.begin} instead of {position}")
        position = entry.end
    if position != data_size:
        raise ValueError(f"arrays of {position} bytes, where the file holds {data_size}")
    if sums.keys() != header.keys():
        raise ValueError("the list of arrays and the list of checksums differ")
    return entries, sums, metadata


def _object(text: str) -> dict[str, Any]:
    """A JSON object; doubled keys and NaN are refused."""
    _check_depth(text)
    value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _check_depth(text: str) -> None:
    """Refuse JSON of deep nesting, of which every level would be made before the reader gives up."""
    if text.count("[") + text.count("{") <= _DEPTH_LIMIT:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > _DEPTH_LIMIT:
                raise ValueError(f"more than {_DEPTH_LIMIT} brackets inside one another")
        elif match[0] in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice")
    return result


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _entry(name: str, fields: Any) -> _Entry:
    if not _is_name(name):
        raise ValueError(f"{name[:80]!r} cannot name an array")
    if set(fields) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name}: unknown fields")
    dtype, shape = DTYPES[fields["dtype"]], fields["shape"]
    begin, end = fields["data_offsets"]
    if not isinstance(shape, list) or not all(map(_is_size, [*shape, begin, end])):
        raise ValueError(f"{name}: sizes must be integers of 0 or more")
    # Python integers do not overflow, so a claim of 10**18 elements is caught here.
    nbytes = dtype.itemsize
    for n in shape:
        nbytes *= n
    if end - begin != nbytes:
        raise ValueError(f"{name}: {end - begin} bytes for shape {shape} of {dtype}")
    return _Entry(name, dtype, tuple(shape), begin, end)


def _is_size(n: object) -> bool:
    return type(n) is int and 0 <= n < 2**63


def _read(path: Any, handle: BinaryIO, entry: _Entry, expected: str) -> Array:
    try:
        array = np.empty(entry.shape, entry.dtype)
    except ValueError as error:  # more axes, or larger empty ones, than NumPy knows
        _refuse(path, f"{entry.name}: {error}")
    data = _bytes(array)
    if data.nbytes and handle.readinto(data) != data.nbytes:  # type: ignore[attr-defined]
        _refuse(path, f"{entry.name}: the file is cut short")
    if hashlib.sha256(data).hexdigest() != expected:
        _refuse(path, f"{entry.name}: the values are damaged: their checksum differs")
    if entry.dtype == bool and bool((array.view(np.uint8) > 1).any()):
        _refuse(path, f"{entry.name}: a boolean that is neither 0 nor 1")
    return array.astype(entry.dtype.newbyteorder("="), copy=False)
