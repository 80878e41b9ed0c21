"""IDX files, the format of MNIST: read with suspicion, since they come from anywhere.

An IDX file is two zero bytes, a type (8: unsigned byte), the number of axes, each axis as a
big-endian uint32, then the values in C order. It may be compressed by gzip.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import RandomSource
from autograd_core.errors import ConfigError, DataError
from autograd_core.options import FLOATS, FRACTION
from autograd_core.randomness import source_of

from .splits import DataSet, Parts, Split, stratified

__all__ = ["mnist", "read_idx"]

_UNSIGNED_BYTE = 8
_CHUNK = 2**20
_AXES = 32  # as many as any NumPy array may have
_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def read_idx(
    path: str | os.PathLike[str], axes: int | None = None, limit: int = 2**30
) -> npt.NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes, plain or gzip (told by its content, not its name).

    Parameters
    ----------
    path : path-like
    axes : int, optional
        Expected number of axes: 3 for images, 1 for labels. Default: any.
    limit : int
        Most bytes of values that are accepted. No file, whatever it claims or expands to, makes
        this function hold much more.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    DataError
        If the file is missing, unreadable, no IDX file of unsigned bytes, of another number of
        axes, too short, too long, over the limit, or damaged. Names file, expectation, finding
        and remedy.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not packed:
                return _parse(file, path, axes, limit)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _parse(unpacked, path, axes, limit)  # type: ignore[arg-type]
    except FileNotFoundError:
        raise _fault(path, "the file is not there", "an IDX file", "none") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _fault(
            path, "the compressed data is damaged", "a whole gzip file", str(error)
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise _fault(path, "the file cannot be read", "a readable file", reason) from None


def _parse(file: BinaryIO, path: Path, axes: int | None, limit: int) -> npt.NDArray[np.uint8]:
    magic = _take(file, 4, path, "magic number")
    if magic[:2] != b"\0\0" or magic[2] != _UNSIGNED_BYTE or not 0 < magic[3] <= _AXES:
        expected = f"00 00 08 {axes:02x}" if axes else "00 00 08 and the number of axes"
        raise _fault(path, "the magic number is wrong", expected, magic.hex(" "))
    if axes is not None and magic[3] != axes:
        raise _fault(path, "the number of axes is wrong", str(axes), str(magic[3]))
    header = _take(file, 4 * magic[3], path, "axes")
    shape = tuple(int(n) for n in np.frombuffer(header, ">u4"))
    size = 1
    for n in shape:
        size *= n
    if size == 0:
        raise _fault(path, "the file holds no values", "sizes from 1", f"{shape}")
    if size > limit:
        raise _fault(path, "the file claims too much", f"at most {limit:,} bytes", f"{shape}")
    # One byte more than there should be: enough to see that there is more.
    values = _read(file, size + 1)
    if len(values) != size:
        received = f"{len(values):,}" if len(values) < size else "more"
        fault = "the file is too short" if len(values) < size else "bytes follow the last value"
        raise _fault(path, fault, f"{size:,} bytes of values for shape {shape}", received)
    return np.frombuffer(values, np.uint8).reshape(shape)


def _take(file: BinaryIO, count: int, path: Path, what: str) -> bytes:
    found = _read(file, count)
    if len(found) < count:
        raise _fault(path, f"the file ends in its {what}", f"{count} bytes", f"{len(found)}")
    return bytes(found)


def _read(file: BinaryIO, count: int) -> bytearray:
    """Up to ``count`` bytes, in pieces: a false claim of size costs no memory."""
    found = bytearray()
    while len(found) < count:
        piece = file.read(min(_CHUNK, count - len(found)))
        if not piece:
            break
        found += piece
    return found


def _fault(path: Path, what: str, expected: str, found: str) -> DataError:
    return DataError(
        f"IDX file {path}",
        f"{what}. Expected {expected}; found {found}. "
        "Get the file again from where the data set is published, and keep it unchanged.",
    )


def mnist(
    folder: str | os.PathLike[str],
    *,
    validation: float = 0,
    rng: RandomSource = None,
    dtype: npt.DTypeLike = np.float32,
    flatten: bool = True,
    classes: Sequence[str] = tuple("0123456789"),
) -> Parts:
    """Read MNIST, or a set in the same files, from a folder. Nothing is fetched.

    Parameters
    ----------
    folder : path-like
        Holding ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte``
        and ``t10k-labels-idx1-ubyte``, each plain or with ``.gz``.
    validation : float
        Fraction of the training images, of each class alike, to set apart; in [0, 1).
    rng : numpy.random.Generator or int, optional
        Source of that draw, or its seed. Left out, a fresh seed is drawn, which the result shows.
    dtype : dtype
        Of the inputs.
    flatten : bool
        False keeps the two axes of the images.
    classes : sequence of 10 str
        What the labels 0 to 9 mean; for Fashion-MNIST, say, its garments. The result has them.

    Returns
    -------
    Parts
        A tuple of Split: ``(train, test)``, or ``(train, validation, test)`` if ``validation`` is not 0: inputs,
        shape (N, 784) or (N, 28, 28), scaled from 0 … 255 to [0, 1]; targets, shape (N,), int64.
        60,000 and 10,000 images, in the order of the files unless a validation part is drawn.

    Raises
    ------
    DataError
        If a file is missing or damaged (see `read_idx`), images are not 28 × 28, images and labels
        differ in number, or a label is over 9.
    ConfigError
        If ``validation`` is outside [0, 1), or ``rng`` is neither a generator nor a seed.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document
    recognition. Fashion-MNIST (Xiao et al., 2017) has the same form.
    """
    kind = FLOATS.check("mnist: dtype", dtype)
    if isinstance(classes, str) or len(classes) != 10:
        raise ConfigError("mnist", f"classes: expected ten names; received {classes!r:.60}.")
    validation = FRACTION.check("mnist: validation", validation)
    source = source_of(rng, "mnist") if validation else None
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(
            "mnist",
            f"there is no folder {folder}. Expected a folder with the four IDX files "
            f"{', '.join(name for pair in _FILES.values() for name in pair)}, plain or .gz. "
            "Download them from where MNIST is published; gradproof fetches nothing.",
        )
    train, test = (_part(folder, *names) for names in _FILES.values())
    parts: tuple[Split, ...] = (train,)
    if source is not None:
        parts = stratified(train, (validation,), rng=source.generator)
    if flatten:
        parts, test = tuple(_flat(part) for part in parts), _flat(test)
    return Parts.of(
        (Split(images.astype(kind) / kind.type(255), labels) for images, labels in (*parts, test)),
        None if source is None else source.seed,
        DataSet.of(*train, classes=classes),
    )


def _flat(part: Split) -> Split:
    return Split(part.inputs.reshape(len(part.inputs), -1), part.targets)


def _part(folder: Path, images_name: str, labels_name: str) -> Split:
    images_path, labels_path = _find(folder, images_name), _find(folder, labels_name)
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if images.shape[1:] != (28, 28):
        raise _fault(images_path, "the images have another size", "28 × 28", f"{images.shape[1:]}")
    if len(images) != len(labels):
        raise _fault(
            labels_path,
            f"labels and images ({images_path.name}) differ in number",
            f"{len(images):,} labels",
            f"{len(labels):,}",
        )
    if labels.max() > 9:
        raise _fault(labels_path, "a label is no digit", "0 to 9", str(labels.max()))
    return Split(images, labels.astype(np.int64))


def _find(folder: Path, name: str) -> Path:
    # Some mirrors write a dot for the hyphen before "idx".
    names = [name, f"{name}.gz", name.replace("-idx", ".idx"), name.replace("-idx", ".idx") + ".gz"]
    for candidate in names:
        if (folder / candidate).is_file():
            return folder / candidate
    raise DataError(
        "mnist",
        f"{name} is missing in {folder}. Expected one of {', '.join(names)}; found none. "
        "Put the four files of the data set there, unchanged; gradproof fetches nothing.",
    )
