"""The noise of mini-batches: how far error and gradient of a batch are from those of all examples.

The divergences of T examples have a mean and a variance v (over T: all there is). A batch of b has v/b of it
if its examples are drawn each anew, and v/b · (T−b)/(T−1) if none comes twice, as under a permutation. `Noise`
has the variances as measured, of batches that were drawn, beside those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import nn
from autograd_core.aliases import Array, RandomSource
from autograd_core.errors import ConfigError
from autograd_core.modes import mode
from autograd_core.options import COUNT, Whole as WholeNumber
from autograd_core.randomness import source_of
from optim.training.batches import Examples

from .each_example import Whole

__all__ = ["Draws", "GradientNoise", "finite_population", "gradient_noise"]


def finite_population(count: Any, size: Any) -> Any:
    """(T − b)/(T − 1): the share of the variance that is left where no example comes twice.

    Parameters
    ----------
    count : number, Tensor or array
        T. Of one example there is one batch, which does not vary: ask for T > 1.
    size : number, Tensor or array
        b, from 1 to T.

    Examples
    --------
    >>> from analysis import finite_population
    >>> [finite_population(5, b) for b in (1, 3, 5)]
    [1.0, 0.5, 0.0]
    """
    return (count - size) / (count - 1)


@dataclass(frozen=True, eq=False)
class Draws:
    """Batches that were drawn, and what became of their error and gradient.

    Attributes
    ----------
    replacement : bool
        Whether an example may come twice in a batch.
    sizes : ndarray, shape (n,)
        b, ascending.
    errors : ndarray, shape (n, draws)
        Of each batch.
    distances : ndarray, shape (n, draws)
        ‖g_batch − g‖², with g the gradient of all examples.
    error, error_variance, error_fourth : float
        Mean, variance and fourth central moment of all T divergences.
    gradient_variance, gradient_fourth : float
        Means of ‖g_t − g‖² and of ‖g_t − g‖⁴ over all T.
    count : int
        T.
    """

    replacement: bool
    sizes: Array
    errors: Array
    distances: Array
    error: float
    error_variance: float
    error_fourth: float
    gradient_variance: float
    gradient_fourth: float
    count: int

    @property
    def share(self) -> Array:
        """What theory leaves of the variance of one example, shape (n,): 1/b, or (T−b)/(T−1)/b."""
        if self.replacement:
            return 1 / self.sizes
        if self.count == 1:
            return np.zeros(len(self.sizes))
        left = finite_population(self.count, self.sizes)
        return np.asarray(left / self.sizes)

    @property
    def error_expected(self) -> Array:
        """Variance of the batch error by theory, shape (n,)."""
        return self.error_variance * self.share

    @property
    def gradient_expected(self) -> Array:
        """Mean of ‖g_batch − g‖² by theory, shape (n,)."""
        return self.gradient_variance * self.share

    @property
    def error_measured(self) -> Array:
        """Mean of (batch error − error)² over the draws, shape (n,)."""
        return np.asarray(((self.errors - self.error) ** 2).mean(axis=1))

    @property
    def gradient_measured(self) -> Array:
        """Mean of ‖g_batch − g‖² over the draws, shape (n,)."""
        return np.asarray(self.distances.mean(axis=1))

    @property
    def error_uncertainty(self) -> Array:
        """Standard error of `error_measured` by theory, shape (n,)."""
        return self._uncertainty(self.error_variance, self.error_fourth)

    @property
    def gradient_uncertainty(self) -> Array:
        """What the standard error of `gradient_measured` is at the most, by theory, shape (n,)."""
        return self._uncertainty(self.gradient_variance, self.gradient_fourth)

    def _uncertainty(self, variance: float, fourth: float) -> Array:
        # Not from the draws, which may have missed the rare example that makes most of the variance. Of a mean of b
        # the fourth moment is (m₄ + 3(b − 1)v²)/b³, for vectors at the most; without replacement it shrinks with v².
        b = self.sizes
        spread = (fourth + 3 * (b - 1) * variance**2) / b**3 - (variance / b) ** 2
        left = self.share * b
        return np.asarray(left * np.sqrt(np.maximum(spread, 0) / self.errors.shape[1]))


@dataclass(frozen=True, eq=False)
class GradientNoise:
    """The noise of mini-batches of one model on one set of examples.

    Attributes
    ----------
    with_replacement, without : Draws
        Of the same sizes; ``without`` of those up to T.
    gradient : ndarray, shape (P,)
        g, of all examples.
    vectorized : bool
        Whether gradients of single examples came out of `ag.vmap`.
    seed : int or None
        What the draws are repeated with; None if a generator was given.
    """

    with_replacement: Draws
    without: Draws
    gradient: Array
    vectorized: bool
    seed: int | None

    @property
    def scale(self) -> float:
        """tr Σ / ‖g‖²: the size of a batch from which on its gradient is more signal than noise; inf where g = 0.

        The "simple noise scale" of McCandlish, Kaplan and Amodei (2018), An empirical model of large-batch
        training, section 2.2.
        """
        signal = float(self.gradient @ self.gradient)
        noise = self.with_replacement.gradient_variance
        if signal > 0:
            return noise / signal
        return np.inf if noise > 0 else 0.0


def gradient_noise(
    model: nn.Module,
    criterion: Callable[..., Any],
    data: Any,
    sizes: Sequence[int] | None = None,
    *,
    draws: int = 200,
    rng: RandomSource = None,
    told: Callable[[], None] = lambda: None,
) -> GradientNoise:
    """Measure the variance of batch errors and batch gradients against b, with and without replacement.

    Parameters
    ----------
    model : Module
        In evaluation mode, and left as it is; see `per_example`.
    criterion : callable
        ``criterion(outputs, targets)``, the mean over a batch.
    data : (array_like, array_like)
        T examples.
    sizes : sequence of int, optional
        b. Default: 1, 2, 4, … and T. Sizes beyond T are drawn with replacement alone.
    draws : int, ≥ 2
        Batches of each size.
    rng : numpy.random.Generator or int, optional
        Draws them.
    told : callable
        Called after each draw of all sizes, both ways.

    Returns
    -------
    GradientNoise

    Raises
    ------
    ConfigError, AnomalyError, DataError
        As `per_example`; and if a size is not a positive integer.

    Notes
    -----
    The variances by theory come from each example's gradient (`ag.vmap`); those measured from the gradients of
    whole batches, as a training step takes them.

    References
    ----------
    [Mini Batches]: var(Err) = 1/b var(div) holds with replacement; its procedure draws without (erratum X19).

    Examples
    --------
    >>> import numpy as np, nn
    >>> from analysis import gradient_noise
    >>> model = nn.Linear(1, 1, bias=False, rng=0, dtype=np.float64)
    >>> x = np.linspace(-1, 1, 16)[:, None]
    >>> noise = gradient_noise(model, nn.MSELoss(), (x, x**3), [4, 16], draws=50, rng=0)
    >>> noise.without.share.tolist(), noise.without.gradient_measured[1].round(12).item()
    ([0.2, 0.0], 0.0)
    """
    examples = Examples.of("gradient_noise", "data", data)
    draws = WholeNumber(2).check("gradient_noise: draws", draws)
    source = source_of(rng, "gradient_noise")
    count = len(examples.inputs)
    chosen = _doubled(count) if sizes is None else sizes
    every = sorted({COUNT.check("gradient_noise: sizes", size) for size in chosen})
    if not every:
        raise ConfigError("gradient_noise", "sizes: expected one at least; received none.")
    with mode(model, training=False):
        whole = Whole("gradient_noise", model, criterion, examples)
        gradient, moments = _moments(whole)
        whole.check_mean(moments[0])

        few = [size for size in every if size <= count]
        kept = {
            way: (np.empty((len(sizes_), draws)), np.empty((len(sizes_), draws)))
            for way, sizes_ in ((True, every), (False, few))
        }
        for j in range(draws):
            for way, (errors, distances) in kept.items():
                for i, size in enumerate(every if way else few):
                    rows = source.generator.choice(count, size, replace=way)
                    errors[i, j], found = whole.batch(rows)
                    distances[i, j] = float(((found.astype(np.float64) - gradient) ** 2).sum())
            told()
    first, second = (
        Draws(way, np.array(every if way else few), *kept[way], *moments, count)
        for way in (True, False)
    )
    return GradientNoise(first, second, gradient, whole.vectorized, source.seed)


def _doubled(count: int) -> list[int]:
    return [2**k for k in range(count.bit_length()) if 2**k < count] + [count]


def _moments(whole: Whole) -> tuple[Array, tuple[float, float, float, float, float]]:
    """The gradient of all; mean, variance and fourth moment of errors, variance and fourth of gradients.

    In two passes, part by part: no difference of large sums, and no more than a part is kept.
    """
    error, gradient = 0.0, np.zeros(whole.size)
    for errors, gradients in whole.parts():
        error += float(errors.sum(dtype=np.float64)) / whole.count
        gradient += gradients.sum(axis=0, dtype=np.float64) / whole.count
    sums = np.zeros(4)
    for errors, gradients in whole.parts():
        off = (errors.astype(np.float64) - error) ** 2
        far = ((gradients.astype(np.float64) - gradient) ** 2).sum(axis=1)
        sums += off.sum(), (off**2).sum(), far.sum(), (far**2).sum()
    v, m, w, n = (float(total) / whole.count for total in sums)
    return gradient, (error, v, m, w, n)
