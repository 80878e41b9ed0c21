"""The nearest points of convex sets: what hard constraints are kept by."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike, Axis
from autograd_core.errors import ShapeError
from autograd_core.options import NON_NEGATIVE

from ..inputs import as_quantities
from .penalties import incoming

__all__ = [
    "project_l1_ball",
    "project_l2_ball",
    "project_max_norm",
    "project_simplex",
]


def project_l2_ball(w: ArrayLike, radius: float = 1.0, axis: Axis = None) -> ag.Tensor:
    """The nearest w' with ‖w'‖₂ ≤ r: w min(1, r/‖w‖).

    Parameters
    ----------
    w : array_like, not empty
    radius : float, ≥ 0
        r; the slide's constraint is ‖θ‖² ≤ r².
    axis : int or tuple of int, optional
        Axes of the norm; all, unless told otherwise. Each place along the others is on its own.

    Returns
    -------
    Tensor, shape of w
        w itself, to the bit, where it is in the ball.

    Raises
    ------
    ConfigError
        If the radius is negative or not finite.
    ShapeError
        If there is nothing to project, or no such axis.

    References
    ----------
    [Regularization as hard constraint]

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.project_l2_ball(np.array([3.0, 4.0]), 1.0).numpy().round(12).tolist()
    [0.6, 0.8]
    """
    r = NON_NEGATIVE.check("project_l2_ball: radius", radius)
    w = _numbers("project_l2_ball", w)
    if r == 0:
        return ag.multiply(w, 0)
    if w.dtype == np.float16:  # whose squares overflow from 256 on
        return ag.cast(project_l2_ball(ag.cast(w, np.float32), r, axis), w.dtype)
    squares = ag.sum(ag.square(w / r), axis=axis, keepdims=True)
    return w / ag.sqrt(ag.maximum(squares, 1))


def project_max_norm(w: ArrayLike, c: float = 1.0, axis: int | None = None) -> ag.Tensor:
    """The nearest w' in which the weights that come into each unit have a norm of at most c.

    Parameters
    ----------
    w : array_like
        A matrix (in, out), kernels (out, in, …), or a vector, which is one unit.
    c : float, ≥ 0
    axis : int, optional
        The axis of the units; left out, the last of a matrix and the first of kernels.

    Returns, raises: see `project_l2_ball`.

    References
    ----------
    Srivastava et al. (2014), Dropout, section 5.1: c of 3 to 4.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = np.array([[3.0, 0.3], [4.0, 0.4]])
    >>> nn.functional.project_max_norm(w, 1.0).numpy().round(12).tolist()
    [[0.6, 0.3], [0.8, 0.4]]
    """
    w = _numbers("project_max_norm", w)
    c = NON_NEGATIVE.check("project_max_norm: c", c)
    return project_l2_ball(w, c, incoming(w, axis))


def project_l1_ball(w: ArrayLike, radius: float = 1.0) -> ag.Tensor:
    """The nearest w' with Σ|w'| ≤ r: `soft_threshold` at the t that leaves just r.

    Parameters
    ----------
    w : array_like, not empty
        All of it is one vector.
    radius : float, ≥ 0

    Returns
    -------
    Tensor, shape of w
        w itself where it is in the ball.

    Raises
    ------
    ConfigError, ShapeError
        See `project_l2_ball`.

    Notes
    -----
    Exact, by sorting: with u the |w| in descending order, t = max(0, max_j (u_1 + … + u_j − r)/j).
    These quotients rise as long as u_j is above them and fall from there on, so their largest is the
    one at which the sum of what is left is r.

    References
    ----------
    Duchi, Shalev-Shwartz, Singer and Chandra (2008), Efficient projections onto the l1-ball for learning in
    high dimensions. [Geometric Interpretation of L1 Minimization]

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.project_l1_ball(np.array([3.0, -2.0, 0.5]), 2.0).numpy().tolist()
    [1.5, -0.5, 0.0]
    """
    r = NON_NEGATIVE.check("project_l1_ball: radius", radius)
    w = _numbers("project_l1_ball", w)
    if w.dtype == np.float16:
        return ag.cast(project_l1_ball(ag.cast(w, np.float32), r), w.dtype)
    size = ag.absolute(w)
    return ag.sign(w) * ag.relu(size - ag.relu(_threshold(ag.ravel(size), r)))


def project_simplex(w: ArrayLike, total: float = 1.0, axis: int = -1) -> ag.Tensor:
    """The nearest w' ≥ 0 with Σ w' = s: max(w − t, 0) with the t that leaves just s.

    Parameters
    ----------
    w : array_like, not empty
    total : float, ≥ 0
        s.
    axis : int
        Along which the sum is taken; each place along the others is on its own.

    Returns
    -------
    Tensor, shape of w

    Raises
    ------
    ConfigError, ShapeError
        See `project_l2_ball`.

    References
    ----------
    Held, Wolfe and Crowder (1974), Validation of subgradient optimization. See `project_l1_ball`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.project_simplex(np.array([1.0, 0.5, -1.0])).numpy().tolist()
    [0.75, 0.25, 0.0]
    """
    s = NON_NEGATIVE.check("project_simplex: total", total)
    w = _numbers("project_simplex", w)
    if w.dtype == np.float16:
        return ag.cast(project_simplex(ag.cast(w, np.float32), s, axis), w.dtype)
    if w.ndim == 0 or not -w.ndim <= axis < w.ndim:
        raise ShapeError(
            "project_simplex",
            f"expected an axis of the array; received {axis} for shape {w.shape}.",
        )
    return ag.relu(w - _threshold(w, s, axis, keepdims=True))


def _threshold(w: Any, total: float, axis: int = -1, keepdims: bool = False) -> Any:
    """The t for which Σ max(w − t, 0) is ``total``; of the largest elements, means less ``total``."""
    n = w.shape[axis]
    places = [1] * w.ndim
    places[axis] = n
    counts = np.arange(1, n + 1).reshape(places).astype(w.dtype)
    falling = -ag.sort(-w, axis=axis)
    return ag.max((ag.cumsum(falling, axis=axis) - total) / counts, axis=axis, keepdims=keepdims)


def _numbers(name: str, w: ArrayLike) -> Any:
    w = as_quantities(w, name)
    if 0 in w.shape:
        raise ShapeError(name, f"expected an array that is not empty; received shape {w.shape}.")
    return w
