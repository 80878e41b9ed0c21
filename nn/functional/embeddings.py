"""Rows of a table, looked up by number."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike

from ..inputs import as_numbers, as_whole

__all__ = ["embedding"]


def embedding(x: ArrayLike, weight: ArrayLike, padding_idx: int | None = None) -> ag.Tensor:
    """The rows of a table with these numbers.

    Parameters
    ----------
    x : array_like of int, any shape
        From 0 to n - 1.
    weight : array_like, shape (n, size)
    padding_idx : int, optional
        A row that gets no gradient.

    Returns
    -------
    Tensor, shape (*x.shape, size)

    Raises
    ------
    DTypeError
        If the numbers are no integers.
    DataError
        If one is out of range; in a compiled step, at each run of it.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.embedding(np.array([2, 0]), np.eye(3)).numpy().tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    weight = as_numbers(weight)
    x = as_whole(x, weight.shape[0], "embedding", "an index", "Rows are counted from 0.")
    rows = ag.take(weight, x, axis=0)
    if padding_idx is None:
        return rows
    return ag.where(ag.expand_dims(ag.equal(x, padding_idx), -1), ag.stop_gradient(rows), rows)
