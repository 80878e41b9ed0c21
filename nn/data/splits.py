"""What a data set is here: inputs and targets in equal order, as plain arrays; and how to divide it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import Array, RandomSource
from autograd_core.errors import ConfigError, DataError, DTypeError
from autograd_core.randomness import source_of

__all__ = ["Parts", "Split", "random_split", "stratified"]


class Split(NamedTuple):
    """One part of a data set; unpacks as ``inputs, targets``.

    Attributes
    ----------
    inputs : ndarray, shape (N, …)
    targets : ndarray, shape (N,) or (N, …)
    """

    inputs: Array
    targets: Array


class Parts(tuple[Split, ...]):
    """A data set in parts: a tuple of `Split` that knows the seed it was dealt out with.

    Attributes
    ----------
    seed : int or None
        Pass it as ``rng`` for the same parts again. None if a generator was passed, or nothing drawn.
    """

    seed: int | None = None

    @classmethod
    def of(cls, parts: Iterable[Split], seed: int | None) -> Self:
        """``parts`` that were dealt out with ``seed``."""
        self = cls(parts)
        self.seed = seed
        return self

    def _names(self) -> Sequence[str]:
        return [""] * len(self)

    def __repr__(self) -> str:
        shown = [
            f"{name}{': ' if name else ''}inputs {i.shape} {i.dtype}, targets {t.shape} {t.dtype}"
            for name, (i, t) in zip(self._names(), self, strict=True)
        ]
        options = [] if self.seed is None else [f"rng={self.seed}"]
        return f"{type(self).__name__}({'; '.join([*shown, *options])})"


def stratified(
    data: Split | tuple[Array, Array],
    fractions: float | Sequence[float],
    *,
    rng: RandomSource = None,
) -> Parts:
    """Deal ``data`` out at random so that every class has its share in every part.

    Parameters
    ----------
    data : Split, or (inputs, targets)
        With class labels as targets, shape (N,): integers or booleans.
    fractions : float, or sequence of them
        Of each part after the first, which takes the rest; each in [0, 1), the sum below 1. Within
        a class, counts are rounded half to even.
    rng : numpy.random.Generator or int, optional
        Source of the draw, or its seed; equal ones give equal parts. Left out, a fresh seed is
        drawn, which the result shows.

    Returns
    -------
    Parts
        ``1 + len(fractions)`` parts, each in random order; copies. A tuple of Split.

    Raises
    ------
    ConfigError
        If the fractions are not as said, or ``rng`` is neither a generator nor a seed.
    DataError
        If ``data`` is no pair of arrays of equal length.
    DTypeError
        If the targets are no class labels: then `random_split` is what is meant.

    Examples
    --------
    >>> import numpy as np, nn
    >>> labels = np.repeat([0, 1], [60, 40])
    >>> train, test = nn.data.stratified((np.zeros((100, 2)), labels), 0.2, rng=0)
    >>> np.bincount(train.targets).tolist(), np.bincount(test.targets).tolist()
    ([48, 32], [12, 8])
    """
    inputs, targets = _arrays("stratified", data)
    fractions = _checked("stratified", fractions)
    if targets.ndim != 1 or targets.dtype.kind not in "iub":
        raise DTypeError(
            "stratified",
            "the targets are no class labels. Expected integers, shape (N,); received "
            f"{targets.dtype}, shape {targets.shape}. For regression, and for one-hot rows, use "
            "nn.data.random_split; labels kept as floats need .astype(np.int64).",
        )
    source = source_of(rng, "stratified")
    generator = source.generator
    classes = [np.flatnonzero(targets == label) for label in np.unique(targets)]
    rows: list[list[Array]] = [[] for _ in range(1 + len(fractions))]
    for members in classes:
        for part, chosen in zip(rows, _dealt(members, fractions, generator), strict=True):
            part.append(chosen)
    none = np.zeros(0, np.intp)
    orders = [generator.permutation(np.concatenate([none, *part])) for part in rows]
    return Parts.of((Split(inputs[order], targets[order]) for order in orders), source.seed)


def random_split(
    data: Split | tuple[Array, Array],
    fractions: float | Sequence[float],
    *,
    rng: RandomSource = None,
) -> Parts:
    """Deal ``data`` out at random, whatever its targets are: for regression.

    Parameters
    ----------
    data : Split, or (inputs, targets)
    fractions : float, or sequence of them
        Of each part after the first, which takes the rest; each in [0, 1), the sum below 1. Counts
        are rounded half to even.
    rng : numpy.random.Generator or int, optional
        Source of the draw, or its seed; equal ones give equal parts. Left out, a fresh seed is
        drawn, which the result shows.

    Returns
    -------
    Parts
        ``1 + len(fractions)`` parts, each in random order; copies. A tuple of Split.

    Raises
    ------
    ConfigError
        If the fractions are not as said, or ``rng`` is neither a generator nor a seed.
    DataError
        If ``data`` is no pair of arrays of equal length.

    Notes
    -----
    PyTorch's function of this name takes sizes or fractions of all parts; here the first part is
    the rest, as for `stratified`, which keeps the shares of classes equal.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.linspace(0, 1, 100)[:, None]
    >>> train, validation, test = nn.data.random_split((x, x**2), [0.15, 0.2], rng=0)
    >>> len(train.inputs), len(validation.inputs), len(test.inputs)
    (65, 15, 20)
    """
    inputs, targets = _arrays("random_split", data)
    fractions = _checked("random_split", fractions)
    source = source_of(rng, "random_split")
    orders = _dealt(np.arange(len(inputs)), fractions, source.generator)
    return Parts.of((Split(inputs[order], targets[order]) for order in orders), source.seed)


def _dealt(
    members: npt.NDArray[np.intp], fractions: Sequence[float], rng: np.random.Generator
) -> Iterator[npt.NDArray[np.intp]]:
    """Some rows in random order, cut into the rest and a part for each fraction."""
    members = rng.permutation(members)
    ends = np.cumsum([round(fraction * len(members)) for fraction in fractions]).tolist()
    starts = [0, *ends]
    yield members[starts[-1] :]
    for start, stop in zip(starts, ends, strict=False):
        yield members[start:stop]


def _arrays(operation: str, data: Any) -> tuple[Array, Array]:
    if not isinstance(data, tuple | list) or len(data) != 2:
        of = f" of {len(data)}" if isinstance(data, tuple | list) else ""
        raise DataError(
            operation,
            f"expected a pair (inputs, targets) of arrays; received {type(data).__name__}{of}.",
        )
    inputs, targets = np.asarray(data[0]), np.asarray(data[1])
    if not inputs.ndim or not targets.ndim or len(inputs) != len(targets):
        raise DataError(
            operation,
            "expected as many inputs as targets, one row each; received shapes "
            f"{inputs.shape} and {targets.shape}.",
        )
    return inputs, targets


def _checked(operation: str, fractions: Any) -> tuple[float, ...]:
    if isinstance(fractions, float | np.floating):
        fractions = [float(fractions)]
    numbers = isinstance(fractions, tuple | list | np.ndarray) and all(
        isinstance(f, int | float | np.integer | np.floating) for f in fractions
    )
    if not numbers or not all(0 <= f < 1 for f in fractions) or sum(fractions) >= 1:
        raise ConfigError(
            operation,
            "the fractions leave nothing to train on, or are none. Expected those of the "
            "parts after the first, a list of numbers in [0, 1) with a sum below 1, such as [0.2]; "
            f"received {fractions!r}.",
        )
    return tuple(fractions)
