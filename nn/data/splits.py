"""What a data set is here: inputs and targets in equal order, as plain arrays; and how to divide it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import Array, RandomSource
from autograd_core.errors import ConfigError, DataError, DTypeError
from autograd_core.exchange import plain
from autograd_core.options import SWITCH, Whole
from autograd_core.randomness import source_of

from ._values import refuse_gaps

__all__ = ["DataSet", "Parts", "Split", "k_fold", "random_split", "stratified"]


class Split(NamedTuple):
    """One part of a data set; unpacks as ``inputs, targets``.

    Attributes
    ----------
    inputs : ndarray, shape (N, …)
    targets : ndarray, shape (N,) or (N, …)
    """

    inputs: Array
    targets: Array


class DataSet(Split):
    """A whole data set: a `Split` that knows what its columns and classes are called.

    It unpacks as ``inputs, targets``, and `stratified`, `random_split` and `k_fold` hand the names on.

    Attributes
    ----------
    columns : tuple of str
        What the columns of the inputs are, with their units; () where they have no names.
    classes : tuple of str
        What the class numbers 0, 1, … of the targets mean; () for regression.
    seed : int or None
        Pass it as ``rng`` for the same set again. None if a generator was passed, or nothing drawn.
    """

    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    seed: int | None = None

    @classmethod
    def of(
        cls,
        inputs: Array,
        targets: Array,
        *,
        columns: Iterable[str] = (),
        classes: Iterable[str] = (),
        seed: int | None = None,
    ) -> Self:
        """These inputs and targets, with names."""
        self = cls(inputs, targets)
        self.columns, self.classes = tuple(map(str, columns)), tuple(map(str, classes))
        self.seed = seed
        return self

    def __repr__(self) -> str:
        inputs, targets = self
        shown = [f"inputs {inputs.shape} {inputs.dtype}, targets {targets.shape} {targets.dtype}"]
        shown += [f"columns {', '.join(self.columns)}"] if self.columns else []
        shown += [f"classes {', '.join(self.classes)}"] if self.classes else []
        shown += [] if self.seed is None else [f"rng={self.seed}"]
        return f"{type(self).__name__}({'; '.join(shown)})"


class Parts(tuple[Split, ...]):
    """A data set in parts: a tuple of `Split` that knows the seed it was dealt out with.

    Attributes
    ----------
    columns, classes : tuple of str
        Those of the `DataSet` that it was made of. Then each part is one, too.
    seed : int or None
        Pass it as ``rng`` for the same parts again. None if a generator was passed, or nothing drawn.
    """

    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    seed: int | None = None

    @classmethod
    def of(cls, parts: Iterable[Split], seed: int | None, whole: Any = None) -> Self:
        """``parts`` that were dealt out with ``seed``, of a whole that may have names."""
        columns, classes = getattr(whole, "columns", ()), getattr(whole, "classes", ())
        if columns or classes:
            parts = [DataSet.of(*part, columns=columns, classes=classes) for part in parts]
        self = cls(parts)
        self.seed, self.columns, self.classes = seed, columns, classes
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
    bins: int | None = None,
    rng: RandomSource = None,
) -> Parts:
    """Deal ``data`` out at random so that every class has its share in every part.

    Parameters
    ----------
    data : Split, or (inputs, targets)
        With class labels as targets, shape (N,): integers or booleans. Numbers for regression, shape
        (N,) or (N, 1), are put into ``bins`` first.
    fractions : float, or sequence of them
        Of each part after the first, which takes the rest; each in [0, 1), the sum below 1. Within
        a class, counts are rounded half to even.
    bins : int, from 2, optional
        For regression: the targets are cut at quantiles into so many classes of (nearly) equal size, and
        each part gets its share of each. Equal targets stay in one class, so there may be fewer.
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
        If ``data`` is no pair of arrays of equal length, is empty, or has values that are not finite; or
        if a class has so few examples that a part with a fraction over 0 would be without it.
    DTypeError
        If the targets are no class labels and no ``bins`` are given.

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
    strata = _strata("stratified", targets, bins)
    source = source_of(rng, "stratified")
    generator = source.generator
    rows: list[list[Array]] = [[] for _ in range(1 + len(fractions))]
    for label in np.unique(strata):
        members = np.flatnonzero(strata == label)
        dealt = list(_dealt(members, fractions, generator))
        _refuse_gaps(label, members, fractions, [len(part) for part in dealt], bins)
        for part, chosen in zip(rows, dealt, strict=True):
            part.append(chosen)
    none = np.zeros(0, np.intp)
    orders = [generator.permutation(np.concatenate([none, *part])) for part in rows]
    return Parts.of((Split(inputs[order], targets[order]) for order in orders), source.seed, data)


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
        If ``data`` is no pair of arrays of equal length, is empty, or has values that are not finite.

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
    return Parts.of((Split(inputs[order], targets[order]) for order in orders), source.seed, data)


def k_fold(
    data: Split | tuple[Array, Array],
    folds: int = 5,
    *,
    by_class: bool = False,
    bins: int | None = None,
    rng: RandomSource = None,
) -> tuple[Parts, ...]:
    """Cross-validation: each example is held out once, in one of ``folds`` pairs of parts.

    Parameters
    ----------
    data : Split, or (inputs, targets)
    folds : int, from 2
        At most as many as there are examples.
    by_class : bool
        Whether each held-out part gets its share of each class, as `stratified` does; then every class
        has ``folds`` examples or more.
    bins : int, from 2, optional
        The same for regression: see `stratified`.
    rng : numpy.random.Generator or int, optional
        Source of the order, or its seed. Left out, a fresh seed is drawn, which the results show.

    Returns
    -------
    tuple of Parts
        ``folds`` times ``(train, held_out)``; the sizes of what is held out differ by 1 at most (by one
        for each class with ``by_class``). Copies.

    Raises
    ------
    ConfigError, DataError, DTypeError
        As for `stratified`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> pairs = nn.data.k_fold((np.arange(10.0)[:, None], np.arange(10.0)), 3, rng=0)
    >>> [(len(train.inputs), len(held.inputs)) for train, held in pairs]
    [(6, 4), (7, 3), (7, 3)]
    """
    inputs, targets = _arrays("k_fold", data)
    folds = Whole(2).check("k_fold: folds", folds)
    by_class = SWITCH.check("k_fold: by_class", by_class)
    if folds > len(inputs):
        raise ConfigError(
            "k_fold",
            f"expected at most as many folds as examples, {len(inputs)}; received {folds}.",
        )
    strata = np.zeros(len(inputs), int)
    if by_class or bins is not None:
        strata = _strata("k_fold", targets, bins)
        for label, count in zip(*np.unique(strata, return_counts=True), strict=True):
            if count < folds:
                raise DataError(
                    "k_fold",
                    f"{_called(label, bins)} has {count} examples, too few for {folds} folds that all "
                    "have it. Expected as many as folds, or more. Make fewer folds, or leave by_class "
                    "and bins out.",
                )
    source = source_of(rng, "k_fold")
    order = source.generator.permutation(len(inputs))
    order = order[np.argsort(strata[order], kind="stable")]  # class by class, random within
    fold = np.empty(len(inputs), int)
    fold[order] = np.arange(len(inputs)) % folds  # dealt out in turn, on from class to class
    pairs = []
    for k in range(folds):
        parts = (
            source.generator.permutation(np.flatnonzero(held)) for held in (fold != k, fold == k)
        )
        pairs.append(Parts.of((Split(inputs[i], targets[i]) for i in parts), source.seed, data))
    return tuple(pairs)


def _strata(operation: str, targets: Array, bins: int | None) -> Array:
    """Which class each example is of, for dealing out; of numbers, which quantile bin."""
    if bins is not None:
        bins = Whole(2).check(f"{operation}: bins", bins)
        if targets.size != len(targets) or targets.dtype.kind not in "fiu":
            raise DTypeError(
                operation,
                "bins are for targets that are one number each. Expected real numbers, shape (N,) or (N, 1); "
                f"received {targets.dtype}, shape {targets.shape}. Use nn.data.random_split, or no bins.",
            )
        values = targets.ravel().astype(np.float64)
        inner = np.quantile(values, np.arange(1, bins) / bins)
        return np.searchsorted(inner, values, side="left")
    if targets.ndim != 1 or targets.dtype.kind not in "iub":
        raise DTypeError(
            operation,
            "the targets are no class labels. Expected integers, shape (N,); received "
            f"{targets.dtype}, shape {targets.shape}. For regression, and for one-hot rows, use "
            "nn.data.random_split, or bins=10 for quantiles; labels kept as floats need "
            ".astype(np.int64), labels kept as text np.unique(labels, return_inverse=True)[1].",
        )
    return targets


def _called(label: Any, bins: int | None) -> str:
    return f"class {label}" if bins is None else f"the quantile bin {label} of {bins}"


def _refuse_gaps(
    label: Any, members: Array, fractions: Sequence[float], counts: list[int], bins: int | None
) -> None:
    """No part that should have a share of a class is without it."""
    gaps = [k for k, f in enumerate((1.0, *fractions)) if f > 0 and counts[k] == 0]
    if gaps:
        where = (
            "the first part" if gaps[0] == 0 else f"the part of fraction {fractions[gaps[0] - 1]:g}"
        )
        raise DataError(
            "stratified",
            f"{_called(label, bins)} has {len(members)} example{'s' * (len(members) > 1)}, and {where} would be "
            f"without it. Expected one in each part; the shares are {counts}. Get more examples of it, "
            "leave it out, change the fractions, or use nn.data.random_split.",
        )


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
    inputs, targets = (plain(operation, part) for part in data)
    if not inputs.ndim or not targets.ndim or len(inputs) != len(targets):
        raise DataError(
            operation,
            "expected as many inputs as targets, one row each; received shapes "
            f"{inputs.shape} and {targets.shape}.",
        )
    if not len(inputs):
        raise DataError(
            operation,
            f"the data set is empty. Expected an example or more; received shapes {inputs.shape} and "
            f"{targets.shape}. Look at what selected or read it.",
        )
    for what, array in (("inputs", inputs), ("targets", targets)):
        refuse_gaps(operation, what, array)
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
