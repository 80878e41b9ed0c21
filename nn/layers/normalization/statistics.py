"""Statistics of data: taken in batches, and asked for before there are any."""

from __future__ import annotations

from typing import Self

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.context import CONTEXT
from autograd_core.errors import DataError, ShapeError, StateError

__all__: list[str] = []  # nothing of it is public


def check_taken(layer: object, statistic: ag.Tensor, remedy: str) -> None:
    """Refuse to use a statistic that was never taken, which is NaN.

    In a compiled step it is asked when that is recorded. A state without statistics that is loaded
    afterwards gives NaN.

    Raises
    ------
    StateError
        Says ``remedy``, what to do first.
    """
    capture = CONTEXT.get().capture  # where a call may have been given other values
    values = (statistic if capture is None else capture.current(statistic))._value
    if isinstance(values, np.ndarray | np.generic) and values.size and np.isnan(values.flat[0]):
        raise StateError(
            str(layer), f"it has no statistics of data to normalize by. Expected some; {remedy}"
        )


class Moments:
    """Mean and variance over all axes but some, of data that comes in batches; exact to rounding.

    Each batch is summed around its own mean, and batches are merged by their counts, so that nothing
    large is subtracted from something large. A value that never changes has variance 0, whatever
    rounding did to its mean.

    Attributes
    ----------
    count : int
        How many values there were for each mean.
    mean, squares : ndarray
        Means, and sums of squared distances from them.

    References
    ----------
    Chan, Golub and LeVeque (1983), Algorithms for computing the sample variance, eq. 2.1.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count = 0
        self.mean, self.squares = np.zeros(shape), np.zeros(shape)
        self._low, self._high = np.full(shape, np.inf), np.full(shape, -np.inf)

    def add(self, batch: Array, axes: tuple[int, ...], where: str) -> Self:
        """Take in a batch of real numbers; ``axes`` are those that are averaged over.

        Raises
        ------
        DataError
            If a value is NaN or infinite; says ``where``.
        """
        values = batch.astype(np.float64)
        if not np.isfinite(values).all():
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise DataError(
                where,
                f"the data has {np.count_nonzero(~np.isfinite(values))} values that are NaN or "
                f"infinite, the first at {at}. Expected finite numbers. Leave such rows out, or fill in what is missing.",
            )
        count = int(np.prod([values.shape[axis] for axis in axes]))
        if count == 0:
            return self
        with np.errstate(over="ignore", invalid="ignore"):  # `taken` looks at what comes out
            return self._merged(values, axes, count)

    def _merged(self, values: Array, axes: tuple[int, ...], count: int) -> Self:
        low, high = values.min(axis=axes), values.max(axis=axes)
        # The mean of the distances from any value of the data: exact where nothing varies.
        around = values - np.expand_dims(low, axes)
        mean = around.mean(axis=axes)
        squares = np.square(around - np.expand_dims(mean, axes)).sum(axis=axes)
        gap, total = (low + mean) - self.mean, self.count + count
        self.mean = self.mean + gap * (count / total)
        self.squares = self.squares + squares + np.square(gap) * (self.count * count / total)
        self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        self.count = total
        return self

    def taken(self, where: str) -> tuple[Array, Array, Array]:
        """Mean, variance (divided by the count), and which of the values never changed.

        Raises
        ------
        ShapeError
            If there were fewer than two values; says ``where``.
        DataError
            If the values are too large for their squares.
        """
        if self.count < 2:
            raise ShapeError(
                where,
                f"{'one value has' if self.count else 'no values have'} no variance to normalize by. "
                f"Expected at least 2 for each mean; received {self.count}. Pass all training data.",
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.squares).all()):
            raise DataError(
                where,
                "the squares of distances from the mean have no float64. Expected values below 1e150. "
                "Scale the data, or take its logarithm.",
            )
        constant = self._low == self._high
        mean = np.where(constant, self._low, self.mean)
        return mean, np.where(constant, 0.0, self.squares / self.count), constant

    def __repr__(self) -> str:
        return f"Moments({self.count} values for each of {self.mean.size} means)"
