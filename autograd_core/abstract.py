"""Arrays without values: a shape, a dtype, and a refusal to compute.

A traced Tensor is an ordinary Tensor whose data is an `Abstract`. NumPy's functions meet it and
fail with `AbstractOperand`; the recorder then asks the primitive's kind for the result's shape.
So tracing costs eager mode nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .context import CONTEXT, refused
from .errors import CaptureError
from .frames import user_line
from .shapes import Shape

__all__ = ["Abstract", "AbstractOperand", "native", "without_values"]


class AbstractOperand(CaptureError):  # noqa: N818 - a signal to the recorder first
    """Raised when NumPy touches an `Abstract`.

    The recorder catches it. It is seen where another library has dug up what a traced tensor holds.
    """


def _touched() -> AbstractOperand:
    return AbstractOperand(
        "An array without values, of a trace or a capture, was handed to a function that is none of "
        "ours, such as those of NumPy's masked arrays. Expected functions of autograd_core, or "
        f"NumPy's own on the tensor. Call others outside of {_reading()} and jit."
    )


def _reading() -> str:
    """What reads the function that met an array without values."""
    capture = CONTEXT.get().capture
    return "trace" if capture is None else capture.reading


def _refuse(*args: Any, **kwargs: Any) -> Any:
    raise _touched()


def without_values(question: str, shape: Shape) -> CaptureError:
    """The error for Python code that asks a captured array for its values."""
    line = user_line()
    where = f", asked at {line}" if line else ""
    return refused(
        CaptureError(
            question,
            f"this array of shape {shape} is traced and has no values yet{where}. Expected code "
            "that does not look at them. Branch with ag.where, return the tensor and look at it outside, "
            f"call the function outside of {_reading()} and jit, or, for table[i], write ag.take(table, i).",
        )
    )


def native(dtype: Any) -> np.dtype[Any]:
    """A dtype in this machine's order of bytes, the only one that tensors and programs have."""
    found = np.dtype(dtype)
    return found if found.isnative else found.newbyteorder("=")


class Abstract:
    """An array of known shape and dtype and of unknown values.

    Parameters
    ----------
    shape : tuple of int or Dim
        Symbolic sizes stand for every positive integer.
    dtype : dtype-like
        Default float64. Taken in this machine's order of bytes.
    weak : bool
        A Python number: takes the dtype of what it meets (NEP 50).
    """

    __slots__ = ("dtype", "shape", "weak")

    def __init__(self, shape: Shape, dtype: Any = np.float64, weak: bool = False) -> None:
        self.shape = tuple(shape)
        self.dtype = native(dtype)
        self.weak = weak

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        sizes = ", ".join(map(str, self.shape))
        return f"Abstract(({sizes}{',' if self.ndim == 1 else ''}), {self.dtype})"

    def unknown(self, question: str) -> CaptureError:
        """The error for Python code that asks for values."""
        return without_values(question, self.shape)

    # NumPy's doors, all closed: the recorder catches the signal and asks the kind instead.
    __array__ = __array_ufunc__ = __array_function__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = (
        _refuse
    )
    __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __neg__ = __abs__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __bool__ = __len__ = __iter__ = __getitem__ = __float__ = __int__ = __index__ = _refuse
    # Equality is a primitive too; identity remains for the interpreter's own use.
    __eq__ = __ne__ = _refuse
    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # protocol probes by copy, pickle and NumPy
            raise AttributeError(name)
        raise _touched()
