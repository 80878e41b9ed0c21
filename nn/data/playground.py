"""The data sets of playground.tensorflow.org, point by point as its source makes them.

Six clouds of points of the plane, within about (−6, 6)², with a ``noise`` from 0 to 0.5, which is that page's
slider (0 to 50) over 100. Formulas: ``src/dataset.ts`` of github.com/tensorflow/playground. Theirs are in ±1 and
in order of class before they are shuffled; here the positive class is 1, the negative one 0 (`plus_minus` gives
their form), and the order is drawn.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import Array, RandomSource
from autograd_core.options import FLOATS, Interval, Whole
from autograd_core.randomness import Source, source_of

from .splits import DataSet

__all__ = ["circle", "multi_gaussian", "plane", "spiral", "two_gaussians", "xor"]

_NOISE = Interval(0.0, 1.0, open_high=False)
_POINTS = Whole(2)
_COLUMNS = ("x1", "x2")
_CLASSES = ("negative", "positive")


def circle(
    samples: int = 500,
    noise: float = 0.0,
    *,
    rng: RandomSource = None,
    dtype: npt.DTypeLike = np.float32,
) -> DataSet:
    """A disc inside of a ring; a circle parts them, and no straight line does.

    Half of the points have radius r ~ U(0, 2.5), the others r ~ U(3.5, 5), at an angle ~ U(0, 2π):
    x = (r sin φ, r cos φ). A point is positive where ‖x + n‖ < 2.5 with n ~ U(−5, 5)² · ``noise``: noise
    turns labels and moves no point.

    Parameters
    ----------
    samples : int, from 2
        N. The playground has 500 for classification.
    noise : float, in [0, 1]
        The playground's slider over 100, which goes to 0.5.
    rng : numpy.random.Generator or int, optional
        Source of the draw, or its seed; equal ones give equal sets. Left out, a fresh seed is drawn, which
        the result shows.
    dtype : dtype
        Of the inputs.

    Returns
    -------
    DataSet
        Inputs, shape (N, 2); targets, shape (N,), int64: 1 inside, 0 outside.

    Raises
    ------
    ConfigError
        If an option is outside of its range.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x, inside = nn.data.circle(rng=0)
    >>> bool(((np.linalg.norm(x, axis=1) < 2.5) == (inside == 1)).all())
    True
    """
    count, noise, source = _asked("circle", samples, noise, rng)
    draw, inner = source.generator, count - count // 2
    radius = np.concatenate([draw.uniform(0, 2.5, inner), draw.uniform(3.5, 5, count - inner)])
    angle = draw.uniform(0, 2 * np.pi, count)
    points = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    seen = points + draw.uniform(-5, 5, points.shape) * noise
    inside = np.linalg.norm(seen, axis=1) < 2.5
    return _made(points, inside, source, _kind("circle", dtype))


def xor(
    samples: int = 500,
    noise: float = 0.0,
    *,
    rng: RandomSource = None,
    dtype: npt.DTypeLike = np.float32,
) -> DataSet:
    """Four squares; the class is whether both coordinates have one sign.

    Coordinates are U(−5, 5), moved 0.3 away from the axes. A point is positive where (x1 + n1)(x2 + n2) ≥ 0
    with n ~ U(−5, 5)² · ``noise``: noise turns labels and moves no point.

    Parameters
    ----------
    samples, noise, rng, dtype
        As for `circle`.

    Returns
    -------
    DataSet
        Inputs, shape (N, 2); targets, shape (N,), int64.

    Examples
    --------
    >>> import nn
    >>> x, same_sign = nn.data.xor(rng=0)
    >>> bool(((x[:, 0] * x[:, 1] > 0) == (same_sign == 1)).all())
    True
    """
    count, noise, source = _asked("xor", samples, noise, rng)
    points = source.generator.uniform(-5, 5, (count, 2))
    points += np.where(points > 0, 0.3, -0.3)
    seen = points + source.generator.uniform(-5, 5, points.shape) * noise
    return _made(points, seen[:, 0] * seen[:, 1] >= 0, source, _kind("xor", dtype))


def two_gaussians(
    samples: int = 500,
    noise: float = 0.0,
    *,
    rng: RandomSource = None,
    dtype: npt.DTypeLike = np.float32,
) -> DataSet:
    """Two round clouds, around (2, 2), the positive one, and around (−2, −2).

    Both normal with the *variance* 0.5 + 7 · ``noise`` in each coordinate: noise widens the clouds until they
    overlap.

    Parameters
    ----------
    samples, noise, rng, dtype
        As for `circle`.

    Returns
    -------
    DataSet
        Inputs, shape (N, 2); targets, shape (N,), int64.

    Examples
    --------
    >>> import nn
    >>> x, upper = nn.data.two_gaussians(rng=0)
    >>> bool(((x.sum(axis=1) > 0) == (upper == 1)).all())
    True
    """
    count, noise, source = _asked("two_gaussians", samples, noise, rng)
    upper = np.arange(count) < count - count // 2
    centres = np.where(upper, 2.0, -2.0)[:, None]
    points = centres + source.generator.normal(0, np.sqrt(0.5 + 7 * noise), (count, 2))
    return _made(points, upper, source, _kind("two_gaussians", dtype))


def spiral(
    samples: int = 500,
    noise: float = 0.0,
    *,
    rng: RandomSource = None,
    dtype: npt.DTypeLike = np.float32,
) -> DataSet:
    """Two arms that wind around each other one and three quarter times.

    Point i of n of an arm has radius r = 5 i/n and the angle t = 1.75 · 2π i/n, plus π for the negative arm:
    x = (r sin t, r cos t) + U(−1, 1)² · ``noise``: here noise moves points.

    Parameters
    ----------
    samples, noise, rng, dtype
        As for `circle`.

    Returns
    -------
    DataSet
        Inputs, shape (N, 2); targets, shape (N,), int64.

    Examples
    --------
    >>> import nn
    >>> nn.data.spiral(200, 0.1, rng=0)
    DataSet(inputs (200, 2) float32, targets (200,) int64; columns x1, x2; classes negative, positive; rng=0)
    """
    count, noise, source = _asked("spiral", samples, noise, rng)
    arms = []
    for n, start in ((count - count // 2, 0.0), (count // 2, np.pi)):
        share = np.arange(n) / n
        turn = 1.75 * share * 2 * np.pi + start
        arms.append(5 * share[:, None] * np.stack([np.sin(turn), np.cos(turn)], axis=1))
    points = np.concatenate(arms)
    points += source.generator.uniform(-1, 1, points.shape) * noise
    return _made(points, np.arange(count) < len(arms[0]), source, _kind("spiral", dtype))


def plane(
    samples: int = 1200,
    noise: float = 0.0,
    *,
    rng: RandomSource = None,
    dtype: npt.DTypeLike = np.float32,
) -> DataSet:
    """Regression of a plane: y = (x1 + x2)/10, of points ~ U(−6, 6)².

    With noise, y is that of x + n, n ~ U(−6, 6)² · ``noise``.

    Parameters
    ----------
    samples, noise, rng, dtype
        As for `circle`; the playground has 1200 for regression.

    Returns
    -------
    DataSet
        Inputs, shape (N, 2); targets, shape (N, 1), of the dtype of the inputs.

    Examples
    --------
    >>> import nn
    >>> x, y = nn.data.plane(rng=0)
    >>> float(abs(y[:, 0] - x.sum(axis=1) / 10).max()) < 1e-6
    True
    """
    count, noise, source = _asked("plane", samples, noise, rng)
    points, seen = _field(count, noise, source)
    return _made(points, seen.sum(axis=1) / 10, source, _kind("plane", dtype))


# Centre and sign of each bump.
_BUMPS = np.array(
    [
        [-4.0, 2.5, 1.0], [0.0, 2.5, -1.0], [4.0, 2.5, 1.0],
        [-4.0, -2.5, -1.0], [0.0, -2.5, 1.0], [4.0, -2.5, -1.0],
    ]
)  # fmt: skip


def multi_gaussian(
    samples: int = 1200,
    noise: float = 0.0,
    *,
    rng: RandomSource = None,
    dtype: npt.DTypeLike = np.float32,
) -> DataSet:
    """Regression of six bumps of alternating sign, of points ~ U(−6, 6)².

    A bump around c gives ± max(0, 1 − ‖x − c‖/2), and y is the one that is largest in size. (They are cones,
    whatever their name there.) With noise, y is that of x + n, n ~ U(−6, 6)² · ``noise``.

    Parameters
    ----------
    samples, noise, rng, dtype
        As for `plane`.

    Returns
    -------
    DataSet
        Inputs, shape (N, 2); targets, shape (N, 1), of the dtype of the inputs, in [−1, 1].

    Examples
    --------
    >>> import nn
    >>> x, y = nn.data.multi_gaussian(rng=0)
    >>> float(abs(y).max()) <= 1
    True
    """
    count, noise, source = _asked("multi_gaussian", samples, noise, rng)
    points, seen = _field(count, noise, source)
    apart = np.linalg.norm(seen[:, None, :] - _BUMPS[:, :2], axis=2)
    bumps = np.maximum(0, 1 - apart / 2)
    nearest = bumps.argmax(axis=1)
    values = _BUMPS[nearest, 2] * bumps[np.arange(count), nearest]
    return _made(points, values, source, _kind("multi_gaussian", dtype))


def _field(count: int, noise: float, source: Source) -> tuple[Array, Array]:
    """Points of the square, and where the noise makes them seem to be."""
    points = source.generator.uniform(-6, 6, (count, 2))
    return points, points + source.generator.uniform(-6, 6, (count, 2)) * noise


def _asked(
    operation: str, samples: int, noise: float, rng: RandomSource
) -> tuple[int, float, Source]:
    return (
        _POINTS.check(f"{operation}: samples", samples),
        _NOISE.check(f"{operation}: noise", noise),
        source_of(rng, operation),
    )


def _kind(operation: str, dtype: npt.DTypeLike) -> np.dtype:
    return FLOATS.check(f"{operation}: dtype", dtype)


def _made(points: Array, values: Array, source: Source, dtype: np.dtype) -> DataSet:
    """Points and what stands at them, in an order that is drawn."""
    order = source.generator.permutation(len(points))
    classed = values.dtype == bool
    targets = values[order].astype(np.int64 if classed else dtype)
    return DataSet.of(
        points[order].astype(dtype),
        targets if classed else targets[:, None],
        columns=_COLUMNS,
        classes=_CLASSES if classed else (),
        seed=source.seed,
    )
