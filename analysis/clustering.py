"""k-means by batch, SGD and mini-batch: one update, of which the three differ by b and by what they remember.

The error of centres c is the mean of ‖x − c‖² to the nearest. With every example kept at its nearest centre, half of
the sum has the gradient Σ(c − x) in c, over the n examples there, and the second derivative n: Newton's step goes to
their mean. So an update is gradient descent with η = 1/n for each centre (Bottou and Bengio 1995). n counts the
examples of this batch where a batch is all there are (Lloyd's iteration), and those of all batches so far where it is not
(MacQueen 1967 for one example, Sculley 2010 for some): the mean of what a centre ever got.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
import optim
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError, DataError
from autograd_core.exchange import plain
from autograd_core.options import COUNT, Choice, Whole
from optim.training.batches import batch_bounds
from optim.training.samplers import permutation

__all__ = [
    "METHODS",
    "Clustering",
    "Clusterings",
    "cluster_step",
    "clusterings",
    "k_means",
    "nearest",
]

METHODS = ("batch", "SGD", "mini-batch")
_ROWS = 8192  # examples at a time, where the error of all is looked at


def nearest(centres: Any, x: Any) -> ag.Tensor:
    """The number of the centre that each example is nearest to, shape (b,); of equally near ones the first.

    Parameters
    ----------
    centres : array_like, shape (k, d)
    x : array_like, shape (b, d)
    """
    c = ag.tensor(centres) if not isinstance(centres, ag.Tensor) else centres
    return ag.argmin(ag.sum(c * c, axis=1) / 2 - x @ c.T, axis=1)  # ½‖x − c‖² less ½‖x‖²


def _half_squares(centres: Any, x: Any, at: Any) -> ag.Tensor:
    """½ Σ ‖x − c‖², each example with the centre that it is at."""
    return ag.sum(ag.square(x - ag.take(centres, at, axis=0))) / 2


def cluster_step(centres: Any, counts: Any, x: Any, *, remember: bool) -> tuple[Any, Any]:
    """One update of k-means on a batch: ``(centres, counts)`` anew, in Tensor operators.

    Parameters
    ----------
    centres : array_like, shape (k, d)
    counts : array_like, shape (k,)
        Examples that each centre got so far.
    x : array_like, shape (b, d)
    remember : bool
        Whether ``counts`` goes on, for SGD and mini-batches, or begins anew, for batches of all examples.

    Returns
    -------
    (Tensor, Tensor)
        A centre that got no example stays where it is.

    Examples
    --------
    >>> from analysis import cluster_step
    >>> centres, counts = cluster_step(
    ...     [[0.0], [10.0]], [1.0, 0.0], [[2.0], [9.0], [8.0]], remember=True
    ... )
    >>> centres.tolist(), counts.tolist()
    ([[1.0], [8.5]], [2.0, 2.0])
    """
    centres = ag.tensor(centres) if not isinstance(centres, ag.Tensor) else centres
    at = nearest(centres, x)
    got = ag.sum(ag.one_hot(at, centres.shape[0], centres.dtype), axis=0)
    counts = counts + got if remember else got
    gradient = ag.grad(_half_squares)(centres, x, at)
    eta = ag.expand_dims(1 / ag.maximum(counts, 1), 1)
    (moved,) = optim.SGD.update(
        centres, gradient, step=1, lr=eta, momentum=None, nesterov=False, weight_decay=None
    )
    return moved, counts


@dataclass(frozen=True, eq=False)
class Clustering:
    """A run of k-means.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    size : int
        b.
    seed : int
    start, centres : ndarray, shape (k, d)
    counts : ndarray, shape (k,)
        Examples that each centre got: in the last batch by "batch", in all else. 0: it never moved.
    updates, examples : ndarray, shape (n,)
        Made and passed when the error was looked at; the first are 0.
    errors : ndarray, shape (n,)
        Mean squared distance to the nearest centre, of all examples.
    seconds : ndarray, shape (n,)
        Time of the updates alone, by a clock: other ones every time.
    """

    method: str
    size: int
    seed: int
    start: Array
    centres: Array
    counts: Array
    updates: Array
    examples: Array
    errors: Array
    seconds: Array

    @property
    def empty(self) -> tuple[int, ...]:
        """Numbers of the centres that got no example."""
        return tuple(np.flatnonzero(self.counts == 0).tolist())


def k_means(
    x: Any,
    k: int,
    method: str = "mini-batch",
    *,
    size: int = 100,
    examples: int | None = None,
    looks: int = 30,
    seed: int = 0,
    jit: bool = False,
    told: Callable[[int], None] = lambda passed: None,
) -> Clustering:
    """Find k centres, and see the error fall.

    Parameters
    ----------
    x : array_like, shape (T, d)
        Examples; whole numbers become float64, float32 stays, half precision becomes float32.
    k : int, from 1 to T
        Centres; they start at k examples drawn by ``seed``, the same for each method.
    method : {"batch", "SGD", "mini-batch"}
        b = T with counts of each batch alone; b = 1, or b = ``size``, with counts of all so far.
    size : int
        b of "mini-batch"; beyond T it is T.
    examples : int, optional
        How many are passed, at least: each pass is in a new random order. Default: ten passes.
    looks : int
        How often the error of all examples is looked at, ever less often.
    seed : int
    jit : bool
        Compile the update.
    told : callable
        Called after each update with how many examples were passed.

    Returns
    -------
    Clustering

    Raises
    ------
    DataError
        If ``x`` is no matrix of finite numbers with a row at least, or their squares are not finite.
    ConfigError
        If there are to be more centres than examples, or an option is outside its range.

    References
    ----------
    [SGD example], both slides. Bottou and Bengio (1995), Convergence properties of the k-means algorithms. Sculley
    (2010), Web-scale k-means clustering.

    Examples
    --------
    >>> from analysis import k_means
    >>> found = k_means([[0.0], [1.0], [10.0], [11.0]], 2, "batch", seed=1)
    >>> sorted(found.centres.ravel().tolist()), found.errors[-1].item()
    ([0.5, 10.5], 0.25)
    """
    x, shift = _checked(x)
    count = len(x)
    k = COUNT.check("k_means: k", k)
    if k > count:
        raise ConfigError(
            "k_means", f"k: expected at most the {count} examples there are; received {k}."
        )
    Choice(METHODS).check("k_means: method", method)
    own = COUNT.check("k_means: size", size)
    size = min({"batch": count, "SGD": 1, "mini-batch": own}[method], count)
    total = COUNT.check("k_means: examples", 10 * count if examples is None else examples)
    looks = COUNT.check("k_means: looks", looks)
    seed = Whole().check("k_means: seed", seed)
    rng = np.random.default_rng(seed)
    centres: Any = x[rng.choice(count, k, replace=False)]
    counts: Any = np.zeros(k, x.dtype)
    start = centres.copy()

    remember = method != "batch"
    run = _compiled(remember) if jit else functools.partial(cluster_step, remember=remember)
    if jit:  # compiled before the clock runs
        for length in {size, count % size or size}:
            run(centres, counts, x[:length])
    # The error is looked at when so many examples were passed: early ones often.
    due = iter([*np.geomspace(size, total, looks).tolist(), np.inf])
    next_look = next(due)
    updates, passed, spent = 0, 0, 0.0
    seen = [(0, 0, _error(centres, x), 0.0)]
    for batch in _batches(x, size, rng):
        began = time.perf_counter()
        centres, counts = run(centres, counts, batch)
        spent += time.perf_counter() - began
        updates, passed = updates + 1, passed + len(batch)
        told(passed)
        if passed >= next_look or passed >= total:
            seen.append((updates, passed, _error(centres.numpy(), x), spent))
            while passed >= next_look:
                next_look = next(due)
        if passed >= total:
            break
    columns = [np.array(column) for column in zip(*seen, strict=True)]
    return Clustering(
        method, size, seed, start + shift, centres.numpy() + shift, counts.numpy().copy(), *columns
    )


@functools.cache  # one for all runs, which is compiled once for each shape
def _compiled(remember: bool) -> Callable[..., tuple[Any, Any]]:
    def update(centres: Any, counts: Any, x: Any) -> tuple[Any, Any]:
        return cluster_step(centres, counts, x, remember=remember)

    compiled: Callable[..., tuple[Any, Any]] = ag.jit(update)
    return compiled


def _batches(x: Array, size: int, rng: np.random.Generator) -> Iterator[Array]:
    """Batches without end: each pass through the examples in a new order, its last batch perhaps short."""
    bounds = batch_bounds(len(x), size, "keep")
    while True:
        order = permutation(len(x), rng)
        for start, stop in bounds:
            yield x[order[start:stop]]


def _error(centres: Array, x: Array) -> float:
    """Mean squared distance to the nearest centre; some rows at a time."""
    total = 0.0
    with ag.no_grad():
        for n in range(0, len(x), _ROWS):
            rows = x[n : n + _ROWS]
            total += 2 * float(
                _half_squares(ag.tensor(centres), rows, nearest(centres, rows)).item()
            )
    return total / len(x)


def _checked(x: Any) -> tuple[Array, Array]:
    """Examples as floats about their mean, far from which differences would be lost in rounding; and the mean."""
    array = np.asarray(x.numpy() if isinstance(x, ag.Tensor) else plain("k_means: x", x))
    if array.dtype.kind not in "fiub" or array.ndim != 2 or not array.size:
        raise DataError(
            "k_means",
            f"x: expected a matrix of numbers, a row for each example; received shape {array.shape}, dtype "
            f"{array.dtype}.",
        )
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array).all(axis=1)))
        raise DataError("k_means", f"x: row {row} is not finite. Leave it out, or fill its gaps.")
    if array.dtype.kind != "f" or array.dtype.itemsize < 4:  # in half precision counts end at 2048
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.float64)
    # Squared distances, summed over columns and examples, have to be numbers too.
    largest = np.sqrt(float(np.finfo(array.dtype).max) / (16.0 * array.size))
    if float(np.abs(array).max()) > largest:
        row = int(np.argmax(np.abs(array).max(axis=1)))
        raise DataError(
            "k_means",
            f"x: row {row} has a number beyond {largest:.3g}, whose square leaves the range of {array.dtype}. Scale the "
            "columns first.",
        )
    mean = array.mean(axis=0, dtype=np.float64).astype(array.dtype)
    return array - mean, mean


@dataclass(frozen=True, eq=False)
class Clusterings:
    """Runs of k-means by several methods, over the same seeds and so from the same centres.

    Attributes
    ----------
    runs : dict of str to tuple of Clustering
        By method; each by seed.
    """

    runs: dict[str, tuple[Clustering, ...]]

    def errors(self, method: str) -> Array:
        """Shape (seeds, n): each seed's errors, looked at after the same numbers of examples."""
        return np.array([run.errors for run in self.runs[method]])

    def mean(self, method: str) -> Array:
        """Over the seeds, shape (n,)."""
        return np.asarray(self.errors(method).mean(axis=0))

    def spread(self, method: str) -> Array:
        """Standard deviation over the seeds, shape (n,): 0 for a single one."""
        found = self.errors(method)
        return np.asarray(found.std(axis=0, ddof=1) if len(found) > 1 else 0 * found[0])

    def examples(self, method: str) -> Array:
        """How many were passed at each look, shape (n,)."""
        return self.runs[method][0].examples

    def seconds(self, method: str) -> Array:
        """Median time of the updates until each look, shape (n,)."""
        return np.asarray(np.median([run.seconds for run in self.runs[method]], axis=0))


def clusterings(
    x: Any,
    k: int,
    *,
    methods: Sequence[str] = METHODS,
    seeds: Sequence[int] = range(10),
    size: int = 100,
    examples: int | None = None,
    looks: int = 30,
    jit: bool = False,
) -> Clusterings:
    """k-means by each method with each seed: the error against examples and time, and its spread.

    Parameters
    ----------
    x, k, size, examples, looks, jit
        See `k_means`.
    methods : sequence of str
        Of `METHODS`.
    seeds : sequence of int

    Returns
    -------
    Clusterings

    Raises
    ------
    ConfigError, DataError
        As `k_means`; and if there is no method or no seed.

    Examples
    --------
    >>> from analysis import clusterings
    >>> found = clusterings([[0.0], [1.0], [10.0], [11.0]], 2, seeds=range(3))
    >>> found.mean("batch")[-1].item(), found.spread("batch")[-1].item()
    (0.25, 0.0)
    """
    if not len(methods) or not len(seeds):
        raise ConfigError("clusterings", "expected a method and a seed at least; received none.")
    given: dict[str, Any] = {"size": size, "examples": examples, "looks": looks, "jit": jit}
    return Clusterings(
        {m: tuple(k_means(x, k, m, seed=seed, **given) for seed in seeds) for m in methods}
    )
