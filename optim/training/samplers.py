"""In which order an epoch goes through the examples: ``sampler(count, rng) -> indices``.

A sampler may give fewer indices than there are examples, or more: an epoch is what it gives. One that
remembers something between epochs has ``state_dict()`` and ``load_state_dict()``, and is resumed with the run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core.errors import DataError

__all__ = [
    "Sampler",
    "cyclic",
    "in_order",
    "one_sample",
    "permutation",
    "with_replacement",
]

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


cyclic = in_order


def with_replacement(count: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """As many draws as there are examples, each from all of them: some come twice, some not at all.

    The i.i.d. batches of which var(Err) = var(div)/b holds as the slides print it; a permutation's batches
    have the factor (T − b)/(T − 1) beside it (erratum X19).

    Examples
    --------
    >>> with_replacement(4, np.random.default_rng(0)).tolist()
    [3, 2, 2, 1]
    """
    return rng.integers(count, size=count)


def one_sample(count: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """One example, drawn at random: an epoch is one update.

    Examples
    --------
    >>> one_sample(4, np.random.default_rng(0)).tolist()
    [3]
    """
    return rng.integers(count, size=1)


def checked_order(sampler: Any, order: Any, count: int) -> npt.NDArray[np.intp]:
    """What a sampler gave, if it is a sequence of places among ``count`` examples.

    Raises
    ------
    DataError
        If it is something else; says which index.
    """
    name = getattr(sampler, "__name__", type(sampler).__name__)
    found = np.asarray(order)
    if found.ndim != 1 or found.dtype.kind not in "iu" or not len(found):
        raise DataError(
            "fit",
            f"sampler {name}: expected at least one index, in an array of integers; received "
            f"{found.dtype} of shape {found.shape}.",
        )
    low, high = int(found.min()), int(found.max())
    if low < 0 or high >= count:
        raise DataError(
            "fit",
            f"sampler {name}: expected indices from 0 to {count - 1}; received {low if low < 0 else high}.",
        )
    return found
