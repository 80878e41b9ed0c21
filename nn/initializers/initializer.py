"""What an initializer is, and how a layer asks it for a parameter."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import ShapeError

__all__ = ["Initializer"]


class Initializer(Protocol):
    """What ``weight_init=`` accepts: a function such as `he_normal`."""

    def __call__(
        self, shape: tuple[int, ...], *, rng: np.random.Generator, dtype: npt.DTypeLike
    ) -> Array:
        """Return first values of the given shape and dtype."""


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
    """
    values = np.asarray(init(shape, rng=rng, dtype=dtype))
    if values.shape != shape:
        raise ShapeError(
            where,
            f"expected an array of shape {shape}; received {values.shape}. An initializer returns an "
            "array of the shape it is given.",
        )
    return ag.tensor(values, dtype=dtype, requires_grad=True)
