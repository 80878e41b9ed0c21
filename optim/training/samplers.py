"""In which order an epoch goes through the examples: ``sampler(count, rng) -> indices``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["Sampler", "in_order", "permutation"]

Sampler = Callable[[int, np.random.Generator], npt.NDArray[np.intp]]


def permutation(count: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """A new random permutation, each order equally likely.

    [Incremental Update: Stochastic Gradient Descent]: "Randomly permute" stands inside the loop.

    Examples
    --------
    >>> permutation(4, np.random.default_rng(0)).tolist()
    [2, 0, 1, 3]
    """
    return rng.permutation(count)


def in_order(count: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """The order of the data, in every epoch.

    For comparison only: it may run in cycles [Caveats: order of presentation].

    Examples
    --------
    >>> in_order(4, np.random.default_rng(0)).tolist()
    [0, 1, 2, 3]
    """
    return np.arange(count)
