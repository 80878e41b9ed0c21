"""What an initializer is, and how a layer asks it for a parameter."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError, DTypeError, ShapeError
from autograd_core.options import FLOATS

__all__ = ["Initializer"]


class Initializer(Protocol):
    """What ``weight_init=`` accepts: a function such as `he_normal`."""

    def __call__(
        self, shape: tuple[int, ...], *, rng: np.random.Generator, dtype: npt.DTypeLike
    ) -> Array:
        """Return first values of the given shape and dtype."""


def rounded(values: Any, dtype: npt.DTypeLike, operation: str) -> Array:
    """What was drawn, as an array of a float dtype.

    Raises
    ------
    DTypeError
        If ``dtype`` is none.
    ConfigError
        If a value is not finite in it.
    """
    kind = FLOATS.check(f"{operation}: dtype", dtype)
    with np.errstate(over="ignore"):
        found: Array = np.asarray(values).astype(kind)
    if not np.isfinite(found).all():
        raise ConfigError(
            operation,
            f"expected values that are finite in {kind}; received {values!r:.60}. Use a smaller spread, or "
            "another dtype.",
        )
    return found


def parameter_from(
    init: Initializer,
    where: str,
    shape: tuple[int, ...],
    rng: np.random.Generator,
    dtype: npt.DTypeLike,
) -> ag.Tensor:
    """A parameter with the first values that ``init`` gives.

    Raises
    ------
    ShapeError
        If it gives another shape; says ``where`` it was set.
    DTypeError
        If it gives no real numbers.
    ConfigError
        If a value is NaN or infinite.
    """
    values = np.asarray(init(shape, rng=rng, dtype=dtype))
    if values.shape != shape:
        raise ShapeError(
            where,
            f"expected an array of shape {shape}; received {values.shape}. An initializer returns an "
            "array of the shape it is given.",
        )
    if values.dtype.kind not in "fiub":
        raise DTypeError(where, f"expected real numbers; received {values.dtype}.")
    return ag.tensor(rounded(values, dtype, where), requires_grad=True)
