"""predict: what a model gives for many examples, a batch at a time, in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array, ArrayLike
from autograd_core.errors import ConfigError, DataError, ShapeError
from autograd_core.exchange import plain
from autograd_core.modes import mode
from autograd_core.options import COUNT
from autograd_core.trees import flatten, unflatten

from .module import Module

__all__ = ["predict"]


def predict(
    model: Module, x: ArrayLike | tuple[ArrayLike, ...] | Iterator[Any], *, batch_size: int = 256
) -> Any:
    """Outputs of a model for all of ``x``: in evaluation mode, without a graph, a batch at a time.

    Parameters
    ----------
    model : Module
        Afterwards in the mode that it was in, each part of it.
    x : array_like, tuple of array_like, or iterator
        Examples, one a row; several inputs as a tuple. An iterator or generator gives whole batches, each
        such an array or tuple, of which one is held at a time.
    batch_size : int, ≥ 1
        Examples at a time; changes results by rounding only. Not looked at for an iterator.

    Returns
    -------
    ndarray
        The outputs, one a row; where the model returns a tuple, list or dict of tensors, that of arrays.

    Raises
    ------
    ConfigError
        If ``model`` is no Module, or ``batch_size`` no count.
    DataError
        If there is nothing in ``x``, inputs differ in number, or they are no arrays of rows.
    ShapeError
        If an output does not have one row for each example.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.Sequential(nn.Linear(3, 2, rng=0), nn.Dropout(0.5, rng=0))
    >>> nn.predict(model, np.zeros((1000, 3))).shape, model.training
    ((1000, 2), True)
    >>> nn.predict(model, (np.zeros((n, 3)) for n in (5, 2))).shape
    (7, 2)
    """
    if not isinstance(model, Module):
        raise ConfigError(
            "predict", f"expected a Module first; received {type(model).__name__}, and x behind it."
        )
    batches = (
        (_rows(batch) for batch in x)
        if isinstance(x, Iterator)
        else _cut(_rows(x), COUNT.check("predict: batch_size", batch_size))
    )
    parts: list[list[Array]] = []
    structure: Any = None
    with ag.no_grad(), mode(model, training=False):
        for inputs in batches:
            leaves, structure = flatten(model(*inputs))
            count, arrays = len(inputs[0]), [_array(leaf) for leaf in leaves]
            for array in arrays:
                if array.ndim == 0 or len(array) != count:
                    raise ShapeError(
                        "predict",
                        f"{type(model).__name__} gave shape {array.shape} for {count} examples. Expected "
                        "one row for each. Call model(x) for what is no output of rows.",
                    )
            parts.append(arrays)
    if not parts:
        raise DataError("predict", "expected at least one batch; the iterator gave none.")
    whole = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    return unflatten(structure, whole)


def _rows(x: Any) -> tuple[Array, ...]:
    """Inputs of one number of rows."""
    given = x if isinstance(x, tuple) else (x,)
    inputs = tuple(
        part.numpy() if isinstance(part, ag.Tensor) else np.asarray(plain("predict", part))
        for part in given
    )
    lengths = [len(part) if part.ndim else None for part in inputs]
    if not inputs or None in lengths or len(set(lengths)) > 1 or 0 in lengths:
        raise DataError(
            "predict",
            "expected arrays of one number of rows, one or more; received "
            f"{', '.join(str(part.shape) for part in inputs) or 'no inputs'}. A single example is x[None].",
        )
    return inputs


def _cut(inputs: tuple[Array, ...], size: int) -> Iterable[tuple[Array, ...]]:
    for start in range(0, len(inputs[0]), size):
        yield tuple(part[start : start + size] for part in inputs)


def _array(output: Any) -> Array:
    return output.numpy() if isinstance(output, ag.Tensor) else np.asarray(output)
