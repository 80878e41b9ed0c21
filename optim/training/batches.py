"""Examples as arrays, and how an epoch is cut into batches."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError, DataError
from autograd_core.exchange import plain
from autograd_core.options import COUNT, Choice

__all__ = ["batch_bounds"]

LastBatch = Literal["merge", "keep", "drop", "pad"]


class Examples(NamedTuple):
    """Inputs and targets, one example per row of each, and what each counts for, if not 1."""

    inputs: Array
    targets: Array
    weights: Array | None = None

    @classmethod
    def of(cls, operation: str, name: str, data: Any, weights: bool = False) -> Examples:
        """``data`` as arrays, or a DataError that says what is wrong with it.

        Parameters
        ----------
        data : (array_like, array_like) or (array_like, array_like, array_like)
            Inputs, targets and weights of equal, positive length; floats are finite, weights not negative.
        weights : bool
            Whether examples may have weights; who does not look at them must not take them.
        """
        if isinstance(data, Examples):  # checked before
            return data
        if not isinstance(data, tuple | list) or len(data) not in (2, 3 if weights else 2):
            several = isinstance(data, tuple | list)
            raise DataError(
                operation,
                f"{name}: expected a pair (inputs, targets) of arrays"
                f"{', or (inputs, targets, weights)' if weights else ''}; received "
                f"{type(data).__name__}{f' of {len(data)}' if several else ''}.{_by_key(data)}",
            )
        arrays = [
            _array(operation, f"{name}: {part}", values)
            for part, values in zip(("inputs", "targets", "weights"), data, strict=False)
            if not (part == "weights" and values is None)
        ]
        inputs, targets = arrays[:2]
        if len(inputs) != len(targets) or not len(inputs):
            raise DataError(
                operation,
                f"{name}: expected as many inputs as targets, and at least one; received "
                f"{len(inputs)} and {len(targets)}.",
            )
        if len(arrays) < 3:
            return cls(inputs, targets)
        counts = arrays[2].astype(np.float64)
        if counts.shape != inputs.shape[:1] or (counts < 0).any():
            raise DataError(
                operation,
                f"{name}: weights: expected a number of at least 0 for each of {len(inputs)} examples; received "
                + (
                    f"{counts[counts < 0][0]}."
                    if counts.shape == inputs.shape[:1]
                    else f"shape {counts.shape}."
                ),
            )
        return cls(inputs, targets, counts)

    def take(self, rows: npt.NDArray[np.intp]) -> Examples:
        """Some of the examples, as arrays of their own."""
        return Examples(
            _frozen(self.inputs.take(rows, 0)),
            _frozen(self.targets.take(rows, 0)),
            None if self.weights is None else _frozen(self.weights.take(rows, 0)),
        )

    def part(self, start: int, stop: int) -> Examples:
        """Those from one place to another, as views."""
        weights = None if self.weights is None else self.weights[start:stop]
        return Examples(self.inputs[start:stop], self.targets[start:stop], weights)

    @property
    def weight(self) -> float:
        """What they count for together in a mean: their weights' sum, or how many they are."""
        return len(self.inputs) if self.weights is None else float(self.weights.sum())


def _by_key(data: Any) -> str:
    if not isinstance(data, Mapping):
        return ""
    first, second = [*map(repr, data), "'x'", "'d'"][:2]
    return f" Pick its parts: (batch[{first}], batch[{second}])."


def _array(operation: str, name: str, values: Any) -> Array:
    try:
        array = (
            values.numpy()
            if isinstance(values, ag.Tensor)
            else plain(f"{operation}: {name}", values)
        )
    except ValueError as error:
        raise DataError(operation, f"{name} do not form an array: {error}.") from None
    array = np.asarray(array)
    if array.dtype.kind not in "fiub":
        raise DataError(
            operation, f"{name} have dtype {array.dtype}. Expected real numbers or booleans."
        )
    if array.ndim == 0:
        raise DataError(operation, f"{name} have no axis. Expected one row per example.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        raise DataError(
            operation,
            f"{name}: {len(bad)} of {array.size} values are not finite, the first at "
            f"{tuple(bad[0].tolist())}. Fill the gaps or leave those examples out.",
        )
    return array


def _frozen(array: Array) -> Array:
    # The engine copies what somebody else might write to; nobody can write to this.
    array.flags.writeable = False
    return array


def held_out_of(
    examples: Examples, fraction: float, rng: np.random.Generator
) -> tuple[Examples, Examples, dict[str, Any]]:
    """The examples that are trained on, those that are held out, and what a resumed run must share."""
    count = len(examples.inputs)
    number = isinstance(fraction, float | np.floating) and 0 < fraction < 1
    held = round(fraction * count) if number else 0
    if not 0 < held < count:
        raise ConfigError(
            "fit",
            "validation_split: expected a fraction in (0, 1) that leaves examples on both sides; "
            f"received {fraction!r} of {count} examples.",
        )
    order = rng.permutation(count)
    # Other rows, after a resumption, would be validated on what the first part was trained on.
    print_ = zlib.crc32(np.sort(order[:held]).astype("<i8").tobytes())
    split = {"validation_split": [float(fraction), f"examples {print_:08x}"]}
    return examples.take(order[held:]), examples.take(order[:held]), split


def batch_bounds(
    count: int, batch_size: int, last_batch: LastBatch = "merge"
) -> list[tuple[int, int]]:
    """Where each batch of an epoch starts and stops.

    Parameters
    ----------
    count : int
        Examples.
    batch_size : int
        The b of [Incremental Update: Mini-batch update]; 1 is stochastic descent, ``count`` (or
        more) batch descent.
    last_batch : {"merge", "keep", "drop", "pad"}
        What becomes of the rest when b does not divide the count (the slide's t+b−1 overruns there,
        erratum X28). ``"keep"``: a short batch. ``"drop"``: left out of this epoch. ``"pad"``: filled up
        to b with the first examples of the epoch's order, which are thus seen, and counted, twice; the last
        stop is beyond the count. ``"merge"``: as "keep", but a single left-over example joins the batch
        before it, since a batch of one has no variance and batch norm refuses it.

    Raises
    ------
    ConfigError
        If the batch size is not a positive integer, the name is unknown, or nothing is left.

    Examples
    --------
    >>> (
    ...     batch_bounds(7, 3),
    ...     batch_bounds(7, 3, "keep"),
    ...     batch_bounds(7, 3, "drop"),
    ...     batch_bounds(7, 3, "pad"),
    ... )
    ([(0, 3), (3, 7)], [(0, 3), (3, 6), (6, 7)], [(0, 3), (3, 6)], [(0, 3), (3, 6), (6, 9)])
    """
    size = COUNT.check("batches: batch_size", batch_size)
    Choice(("merge", "keep", "drop", "pad")).check("batches: last_batch", last_batch)
    bounds = [(start, min(start + size, count)) for start in range(0, count, size)]
    left_over = count % size
    if left_over and last_batch == "drop":
        bounds.pop()
    elif left_over and last_batch == "pad":
        bounds[-1] = (bounds[-1][0], bounds[-1][0] + size)
    elif left_over == 1 and last_batch == "merge" and len(bounds) > 1:
        bounds.pop()
        bounds[-1] = (bounds[-1][0], count)
    if not bounds:
        raise ConfigError(
            "batches",
            f'last_batch="drop" leaves nothing of {count} examples in batches of {size}. '
            "Choose a smaller batch_size.",
        )
    return bounds
