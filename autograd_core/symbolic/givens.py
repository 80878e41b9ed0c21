"""What a theorem speaks of: arrays of symbolic shape, scalars and labels, as ordinary Tensors.

They hold no values. Operations on them are recorded as on all tensors, so a loss made of them is
the library's own forward at every size.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..abstract import Abstract
from ..errors import ConfigError
from ..shapes import Dim, Looks
from ..tensors import Tensor, leaf
from .indexed import POSITIVE

__all__ = ["arrays", "labels", "scalar"]


def arrays(text: str) -> tuple[Tensor, ...]:
    """Arrays of real symbols: ``z, gamma = arrays("z:B,D gamma:D")``.

    Parameters
    ----------
    text : str
        Names, each with a colon and its sizes, comma-separated: names of dims, integers, products of
        these, ``x:B,G*k``, and sums of those, ``x:C,2*m+1``; no sizes, but the colon, for a scalar. An
        axis of size 1 is one that broadcasts.

    Returns
    -------
    tuple of Tensor
        float64, without values; each requires a gradient.

    Raises
    ------
    ConfigError
        If a name or a size cannot be read, or a name is given twice.

    Examples
    --------
    >>> from autograd_core.symbolic import arrays
    >>> [t.shape for t in arrays("W:I,H b:H s:")]
    [(I, H), (H,), ()]
    """
    return tuple(
        leaf(Abstract(shape, np.dtype(np.float64)), True, name)
        for name, shape in _read("arrays", text)
    )


def labels(text: str) -> tuple[Tensor, ...]:
    """Arrays of integer labels, which index other arrays: ``(y,) = labels("y:B")``.

    Each label is taken to be in range wherever it is used.

    Parameters
    ----------
    text : str
        As for `arrays`.
    """
    return tuple(
        leaf(Abstract(shape, np.dtype(np.int64)), True, name)
        for name, shape in _read("labels", text)
    )


def scalar(name: str, positive: bool = False) -> Tensor:
    """A real number; with ``positive``, one above 0, such as an epsilon.

    Raises
    ------
    ConfigError
        If ``name`` is not a name, or ``positive`` neither True nor False.
    """
    if not isinstance(positive, (bool, np.bool_)):
        raise ConfigError("scalar", f"expected positive=True or False; received {positive!r:.40}.")
    if not isinstance(name, str) or not name.isidentifier():
        raise ConfigError(
            "scalar", f"{name!r:.40} is not a name. Use letters, digits, underscores."
        )
    return leaf(Abstract((), np.dtype(np.float64)), True, name, POSITIVE if positive else None)


_PRODUCT = r"\w+(?:\*\w+)*"
_SIZE = rf"{_PRODUCT}(?:\+{_PRODUCT})*"


def _read(operation: str, text: str) -> list[tuple[str, tuple[Any, ...]]]:
    shapes: dict[str, tuple[Any, ...]] = {}
    if not isinstance(text, str):
        raise ConfigError(
            operation,
            "expected names and sizes in one text, such as 'z:B,D gamma:D'; received "
            f"{text!r:.40} ({type(text).__name__}).",
        )
    looks = (Looks(),)
    for part in text.split():
        match = re.fullmatch(rf"([^\W\d]\w*):((?:{_SIZE}(?:,{_SIZE})*)?)", part)
        if match is None:
            raise ConfigError(
                operation,
                f"{part!r} cannot be read. Expected a name, a colon and sizes without "
                "spaces, such as 'z:B,D'; 's:' is a scalar.",
            )
        name, sizes = match.groups()
        if name in shapes:
            raise ConfigError(operation, f"the name {name!r} is given twice.")
        shape: list[Any] = []
        for n in (sizes or "").split(",") if sizes else []:
            total: Any = 0
            for factors in n.split("+"):
                product: Any = 1
                for f in factors.split("*"):
                    if f.isdecimal() and int(f) < 1:
                        raise ConfigError(
                            operation, f"{part!r} has a size {f}. Expected sizes from 1."
                        )
                    product = product * (int(f) if f.isdecimal() else Dim.named(f, looks=looks))
                total = total + product
            shape.append(total)
        shapes[name] = tuple(shape)
    if not shapes:
        raise ConfigError(operation, f"{text!r} names nothing. Expected names, such as 'z:B,D'.")
    return list(shapes.items())
