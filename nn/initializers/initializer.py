"""What an initializer is."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import Array

__all__ = ["Initializer"]


class Initializer(Protocol):
    """What ``weight_init=`` accepts: a function such as `he_normal`."""

    def __call__(
        self, shape: tuple[int, ...], *, rng: np.random.Generator, dtype: npt.DTypeLike
    ) -> Array:
        """Return first values of the given shape and dtype."""
