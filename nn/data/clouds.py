"""Clouds of points that textbooks use: two moons, and blobs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT, FLOATS, NON_NEGATIVE, POSITIVE, Whole
from autograd_core.randomness import source_of

from .splits import DataSet

__all__ = ["blobs", "moons"]


def moons(
    samples: int = 200,
    noise: float = 0.1,
    *,
    rng: RandomSource = None,
    dtype: npt.DTypeLike = np.float32,
) -> DataSet:
    """Two half circles that reach into each other.

    The upper moon, class 0, is (cos t, sin t), the lower, class 1, (1 − cos t, 1/2 − sin t), t evenly over
    [0, π]; then normal noise in both coordinates.

    Parameters
    ----------
    samples : int, from 2
        N.
    noise : float, ≥ 0
        Standard deviation.
    rng : numpy.random.Generator or int, optional
        Source of noise and order, or its seed. Left out, a fresh seed is drawn, which the result shows.
    dtype : dtype
        Of the inputs.

    Returns
    -------
    DataSet
        Inputs, shape (N, 2); targets, shape (N,), int64, in an order that is drawn.

    Notes
    -----
    The points of scikit-learn's ``make_moons``, whose default noise is none.

    Examples
    --------
    >>> import nn
    >>> x, lower = nn.data.moons(rng=0)
    >>> x.shape, int(lower.sum())
    ((200, 2), 100)
    """
    count = Whole(2).check("moons: samples", samples)
    noise = NON_NEGATIVE.check("moons: noise", noise)
    kind = FLOATS.check("moons: dtype", dtype)
    source = source_of(rng, "moons")
    first = count - count // 2
    t, u = np.linspace(0, np.pi, first), np.linspace(0, np.pi, count - first)
    upper = np.stack([np.cos(t), np.sin(t)], axis=1)
    lower = np.stack([1 - np.cos(u), 0.5 - np.sin(u)], axis=1)
    points = np.concatenate([upper, lower])
    points += source.generator.normal(0, noise, points.shape)
    order = source.generator.permutation(count)
    return DataSet.of(
        points[order].astype(kind),
        (order >= first).astype(np.int64),
        columns=("x1", "x2"),
        classes=("upper", "lower"),
        seed=source.seed,
    )


def blobs(
    samples: int = 300,
    centres: int | Sequence[Sequence[float]] = 3,
    *,
    features: int | None = None,
    deviation: float = 1.0,
    rng: RandomSource = None,
    dtype: npt.DTypeLike = np.float32,
) -> DataSet:
    """Round normal clouds, a class each.

    Parameters
    ----------
    samples : int
        N, at least one for each cloud; as equal for all as can be.
    centres : int, or array_like of shape (classes, features)
        Where the clouds stand; or how many, and then they are U(−10, 10) in each coordinate.
    features : int, optional
        How many coordinates, where centres are drawn. Default: 2.
    deviation : float, > 0
        Standard deviation in each coordinate.
    rng : numpy.random.Generator or int, optional
        Source of the draw, or its seed. Left out, a fresh seed is drawn, which the result shows.
    dtype : dtype
        Of the inputs.

    Returns
    -------
    DataSet
        Inputs, shape (N, features); targets, shape (N,), int64, in an order that is drawn.

    Raises
    ------
    ConfigError
        If an option is outside of its range, or centres are no table of numbers.

    Examples
    --------
    >>> import nn
    >>> x, which = nn.data.blobs(90, [[0, 0], [5, 5]], deviation=0.5, rng=0)
    >>> x[which == 1].mean(axis=0).round().tolist()
    [5.0, 5.0]
    """
    deviation = POSITIVE.check("blobs: deviation", deviation)
    kind = FLOATS.check("blobs: dtype", dtype)
    source = source_of(rng, "blobs")
    if isinstance(centres, int | np.integer):
        wide = COUNT.check("blobs: features", 2 if features is None else features)
        many = COUNT.check("blobs: centres", centres)
        at = source.generator.uniform(-10, 10, (many, wide))
    else:
        try:
            at = np.asarray(centres, np.float64)
        except (TypeError, ValueError):
            at = np.zeros(0)
        if at.ndim != 2 or not at.size or not np.isfinite(at).all():
            raise ConfigError(
                "blobs",
                "centres: expected how many, or a table of finite numbers of shape (classes, features); "
                f"received {centres!r:.60}.",
            )
        if features is not None and features != at.shape[1]:
            raise ConfigError(
                "blobs",
                f"features: expected {at.shape[1]}, which the centres have, or nothing; received {features}.",
            )
    count = Whole(len(at)).check("blobs: samples", samples)
    which = np.arange(count) % len(at)
    points = at[which] + source.generator.normal(0, deviation, (count, at.shape[1]))
    order = source.generator.permutation(count)
    return DataSet.of(
        points[order].astype(kind),
        which[order].astype(np.int64),
        columns=[f"x{k + 1}" for k in range(at.shape[1])],
        classes=map(str, range(len(at))),
        seed=source.seed,
    )
