"""How the values of a tensor meet other libraries: read-only views, DLPack, notebooks.

One rule for all of them: memory that a graph may need is either seen and never written, or copied.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from .abstract import Abstract
from .aliases import Array
from .errors import AutogradError, ConfigError, DTypeError, ExportError, ShapeError
from .frames import called
from .markup import escaped
from .nodes import Node

__all__ = [
    "CPU",
    "as_numpy",
    "capsule",
    "locked",
    "masked",
    "notebook",
    "plain",
    "refuse_masked",
    "written",
]

CPU = (1, 0)  # DLPack's number for main memory, and the device's own
_VERSIONED = np.lib.NumpyVersion(np.__version__) >= "2.1.0"  # whether NumPy speaks DLPack 1.0
_MANY = 1_000  # numbers beyond which an array is not written out
_NUMBERS = frozenset([bool, int, float])


def masked(operation: str, complaint: str) -> DTypeError:
    """The error where a tensor and one of NumPy's masked arrays meet."""
    return DTypeError(
        operation,
        f"{complaint}, and a tensor has no mask: it would be dropped in silence. Expected a plain "
        "array. Keep the mask as an array of its own, x = m.filled(0.0) and "
        "kept = ~np.ma.getmaskarray(m), and choose with ag.where(kept, x, 0.0).",
    )


def refuse_masked(operation: str, values: Any) -> None:
    """Refuse masked arrays, and lists with one inside.

    Raises
    ------
    DTypeError
    """
    ma = sys.modules.get("numpy.ma")  # where that was not imported there is none
    if ma is not None and _holds(ma.MaskedArray, values):
        raise masked(called(operation), "an operand is a NumPy masked array")


def _holds(kind: type, values: Any) -> bool:
    if isinstance(values, kind):
        return True
    if not isinstance(values, (list, tuple)) or _NUMBERS.issuperset(map(type, values)):
        return False
    return any(_holds(kind, v) for v in values)


def plain(operation: str, values: Any) -> Any:
    """``values`` as an array, for what NumPy does with them: places, counts, conditions.

    Raises
    ------
    DTypeError
        If they are a masked array.
    ShapeError
        If they are ragged lists.
    """
    refuse_masked(operation, values)
    try:
        return np.asarray(values)
    except ValueError as error:
        if isinstance(error, AutogradError):
            raise
        raise ShapeError(
            called(operation), f"the values do not form an array: {str(error).rstrip('.')}."
        ) from None


def locked(values: Any) -> Array:
    """``values`` as an array that is read-only for good.

    NumPy lets a view become writable again as long as any array below it is. Below this one lies
    a read-only buffer, so ``setflags(write=True)`` raises. It takes no longer than a plain view.
    Only who digs up the buffer's owner (``view.base.obj``) finds the memory itself.
    """
    buffer: Any = np.asarray(values)  # NumPy's types do not say that an array is one
    return np.asarray(memoryview(buffer).toreadonly())


def as_numpy(values: Any, dtype: Any, copy: bool | None) -> Array:
    """What ``np.asarray(tensor, dtype, copy=copy)`` gives: a locked view, or a copy to write to.

    Raises
    ------
    ConfigError
        If ``copy=False`` and the values lie in no array of that dtype.
    """
    converts = dtype is not None and values.dtype != dtype
    if copy is False and (converts or not isinstance(values, np.ndarray)):
        wanted = f" of dtype {np.dtype(dtype)}" if converts else ""
        raise ConfigError(
            "np.asarray(tensor, copy=False)",
            f"a copy is needed for an array{wanted}; the tensor has "
            f"shape {values.shape} and dtype {values.dtype}. Leave copy out.",
        )
    if converts or copy:
        return np.array(values, dtype)
    return locked(values)


def capsule(
    values: Any,
    stream: Any,
    max_version: tuple[int, int] | None,
    dl_device: tuple[int, int] | None,
    copy: bool | None,
) -> Any:
    """A DLPack capsule of a copy of ``values``.

    Always of a copy: DLPack 1.0 can mark memory as read-only, but consumers are free to overlook
    it (PyTorch 2.13 does, and writes).

    Raises
    ------
    ExportError
        If memory is to be shared, to lie on another device, or has a dtype that DLPack lacks.
    """
    refused, remedy = "", ""
    if copy is False:
        refused = "copy=False: the consumer could write into memory that a graph needs"
        remedy = "Leave copy out; np.asarray(t.detach()) is a read-only view"
    elif dl_device is not None and tuple(dl_device) != CPU:
        refused = f"dl_device={dl_device!r}: the values lie in main memory, device {CPU}"
        remedy = "Move them with the other library"
    elif stream is not None:
        refused, remedy = f"stream={stream!r}: main memory has no streams", "Pass stream=None"
    if refused:
        raise ExportError("__dlpack__", f"{refused}. {remedy}.")
    array = np.array(values)
    try:
        if _VERSIONED and max_version is not None:
            return array.__dlpack__(max_version=max_version)
        return array.__dlpack__()
    except (BufferError, TypeError) as error:
        raise ExportError(
            "__dlpack__",
            f"dtype {array.dtype}: {error} Expected one that DLPack knows; convert with "
            "t.astype(np.float64).",
        ) from None


def written(values: Array, prefix: str) -> str:
    """The numbers of an array as text: a few from each edge of a large one."""
    # Of many axes NumPy would write every corner.
    if math.prod(min(n, 6) for n in values.shape) > _MANY:
        first, last = (
            ", ".join(str(v) for v in values.flat[part]) for part in (slice(3), slice(-3, None))
        )
        return f"[{first}, …, {last}], shape={values.shape}"
    return np.array2string(values, separator=", ", prefix=prefix, threshold=100, edgeitems=3)


def notebook(t: Node, include: Iterable[str] | None, exclude: Iterable[str] | None) -> Any:
    """The ``_repr_mimebundle_`` of a tensor: plain text, and HTML in which all text is escaped."""
    bundle = {
        "text/plain": repr(t),
        "text/html": f"<div><div><small>{_shown(_caption(t))}</small></div>"
        f'<pre style="font-family: monospace">{_shown(repr(t))}</pre></div>',  # columns line up
    }
    wanted = set(bundle if include is None else include) - set(exclude or ())
    return {kind: text for kind, text in bundle.items() if kind in wanted}


def _caption(t: Node) -> str:
    """What a tensor is, in one line: shape, dtype, labels, and how it stands to gradients."""
    data = t._value
    if isinstance(data, tuple):
        return f"{len(data)} results of {t._op.name}"
    facts = [f"shape {t.shape}", str(t.dtype)]
    facts += [
        f"{what} {label[:80]!r}" for what, label in (("name", t.name), ("role", t.role)) if label
    ]
    if isinstance(data, Abstract):
        facts.append("traced, without values")
    if t._op is not None:
        facts.append(f"result of {t._op.name}")
    if t.requires_grad:
        facts.append("carries a gradient" if t._op is not None else "requires a gradient")
        facts += ["has one in .grad"] if t.grad is not None else []
    else:
        facts.append("no gradient")
    return " · ".join(facts)


def _shown(text: str) -> str:
    """Text for HTML: markup as entities, invisible characters spelt out, cut where it is endless."""
    kept = text if len(text) <= 20_000 else f"{text[:20_000]}… +{len(text) - 20_000:,} characters"
    return escaped(kept, keep="\n")
