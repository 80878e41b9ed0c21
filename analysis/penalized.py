"""Penalties and hard constraints on a loss of one's own: λ and r, and what quadratics say of the optimum.

`soft_to_hard` and `hard_to_soft` go from the strength λ of a penalty to the bound r that it stands for,
and back. `quadratic_view` takes a loss at its optimum for the quadratic of its Hessian, as the slides do,
and shows what they derive beside where the penalized loss does have its optimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import autograd_core as ag
import nn
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError
from autograd_core.options import NON_NEGATIVE, POSITIVE, Interval
from nn.constraints.newton import constrained, minimum

__all__ = [
    "QuadraticView",
    "Tradeoff",
    "hard_to_soft",
    "quadratic_view",
    "soft_to_hard",
]

Function = Callable[[Any], Any]
LARGEST = 2000  # numbers whose Hessian is written out
_ROUNDS = 100


@dataclass(frozen=True, eq=False)
class Tradeoff:
    """A minimiser of L + λR, which is that of L under R ≤ r.

    Attributes
    ----------
    at : ndarray
        θ, of the shape of the start.
    lam : float
        λ ≥ 0.
    bound : float
        r = R(θ); where λ is 0, R of the minimum of L, which the constraint does not touch.
    error : float
        L(θ).
    residual : float
        The largest element of ∇L + λ∇R: what is left of the conditions of Karush, Kuhn and Tucker.
    """

    at: Array
    lam: float
    bound: float
    error: float
    residual: float


def soft_to_hard(loss: Function, penalty: Function, lam: float, start: Any) -> Tradeoff:
    """The bound r that a penalty of strength λ stands for: R at the minimiser of L + λR.

    Parameters
    ----------
    loss, penalty : callable
        L and R: of an array of the shape of ``start``, to one number, in Tensor operators; convex and
        smooth. Of a model: ``lambda w: criterion(nn.functional_call(model, {"weight": w}, (x,)), d)``.
    lam : float, ≥ 0
        λ.
    start : array_like
        Where the search begins.

    Returns
    -------
    Tradeoff

    Raises
    ------
    ConfigError
        If λ is negative, or L + λR is seen not to be convex, has a kink at its minimum or none.

    References
    ----------
    [Regularization as hard constraint], [Regularization as soft constraint]

    Examples
    --------
    >>> import autograd_core as ag
    >>> from analysis import soft_to_hard
    >>> found = soft_to_hard(
    ...     lambda w: ag.sum((w - 3) ** 2) / 2, lambda w: ag.sum(w * w), 0.25, [0.0]
    ... )
    >>> found.at.round(9).tolist(), round(found.bound, 9)
    ([2.0], 4.0)
    """
    lam = NON_NEGATIVE.check("soft_to_hard: lam", lam)
    error, size, first, shape = _flat("soft_to_hard", start, loss, penalty)
    found = minimum("soft_to_hard", lambda w: error(w) + lam * size(w), first)
    return Tradeoff(
        found.at.reshape(shape), lam, _at(size, found.at), _at(error, found.at), found.slope
    )


def hard_to_soft(loss: Function, penalty: Function, bound: float, start: Any) -> Tradeoff:
    """The strength λ* for which the soft minimiser is that of L under R ≤ r; 0 where it does not bind.

    Parameters
    ----------
    loss, penalty : callable
        See `soft_to_hard`.
    bound : float
        r, above the least value of R.
    start : array_like
        Where the search begins.

    Returns
    -------
    Tradeoff

    Raises
    ------
    ConfigError
        As `soft_to_hard`; and if no point with R ≤ r is found.

    Examples
    --------
    >>> import autograd_core as ag
    >>> from analysis import hard_to_soft
    >>> found = hard_to_soft(
    ...     lambda w: ag.sum((w - 3) ** 2) / 2, lambda w: ag.sum(w * w), 4.0, [0.0]
    ... )
    >>> round(found.lam, 6), found.at.round(6).tolist()
    (0.25, [2.0])
    """
    bound = Interval().check("hard_to_soft: bound", bound)
    error, size, first, shape = _flat("hard_to_soft", start, loss, penalty)
    free = minimum("hard_to_soft", error, first)
    if _at(size, free.at) <= bound:
        return Tradeoff(
            free.at.reshape(shape), 0.0, _at(size, free.at), _at(error, free.at), free.slope
        )
    found = constrained("hard_to_soft", error, size, bound, free.at)
    return Tradeoff(
        found.at.reshape(shape), found.multiplier, found.value, _at(error, found.at), found.residual
    )


@dataclass(frozen=True, eq=False)
class QuadraticView:
    """A loss at its optimum θ*, seen as the quadratic of its Hessian there, under penalties of strength α.

    Attributes
    ----------
    optimum : ndarray, shape (n,)
        θ*.
    alpha : float
        α > 0, of ½α‖θ‖² and of α Σ|θ|.
    hessian : ndarray, shape (n, n)
        H, symmetric.
    slope : float
        The largest element of ∇L(θ*), which is 0 at an optimum.
    l2, l1 : ndarray, shape (n,)
        Where the loss itself has its optimum under either penalty: not by way of the quadratic.
    residual : float
        What is left of the conditions at `l1`: ∇L = −α sign(θ), or |∇L| ≤ α where θ = 0.
    """

    optimum: Array
    alpha: float
    hessian: Array
    slope: float
    l2: Array
    l1: Array
    residual: float

    @cached_property
    def _axes(self) -> tuple[Array, Array]:
        values, vectors = np.linalg.eigh(self.hessian)
        return values, vectors

    @property
    def eigenvalues(self) -> Array:
        """λ, ascending, shape (n,)."""
        return self._axes[0]

    @property
    def directions(self) -> Array:
        """Eigenvectors as columns, shape (n, n)."""
        return self._axes[1]

    @property
    def factors(self) -> Array:
        """λ_i/(λ_i + α): what the penalty leaves of θ* along each eigenvector."""
        values = np.maximum(self.eigenvalues, 0)
        return values / (values + self.alpha)

    @property
    def l2_predicted(self) -> Array:
        """(H + αI)⁻¹Hθ*, which is Q(Λ + αI)⁻¹ΛQᵀθ*."""
        n = len(self.optimum)
        return np.linalg.solve(self.hessian + self.alpha * np.eye(n), self.hessian @ self.optimum)

    @property
    def l1_predicted(self) -> Array:
        """sign(θ*) max(|θ*| − α/H_ii, 0), from the diagonal of H alone."""
        diagonal = np.diag(self.hessian)
        flat = diagonal <= 0
        width = self.alpha / np.where(flat, 1.0, diagonal)
        shrunk = nn.functional.soft_threshold(self.optimum, width).numpy()
        return np.where(flat, 0.0, shrunk)

    @property
    def off_diagonal(self) -> float:
        """The share of Σ|H_ij| that is off the diagonal: 0 where `l1_predicted` is exact for a quadratic."""
        sizes = np.abs(self.hessian)
        return float(1 - np.trace(sizes) / sizes.sum()) if sizes.any() else 0.0

    @property
    def l2_distance(self) -> float:
        """‖`l2_predicted` − `l2`‖: 0 for a quadratic."""
        return float(np.linalg.norm(self.l2_predicted - self.l2))

    @property
    def l1_distance(self) -> float:
        """‖`l1_predicted` − `l1`‖: 0 for a quadratic with a diagonal H."""
        return float(np.linalg.norm(self.l1_predicted - self.l1))


def quadratic_view(
    loss: Function, optimum: Any, alpha: float, *, refine: bool = False
) -> QuadraticView:
    """See a loss at its optimum as the slides do: by its Hessian, under L2 and L1 penalties.

    Parameters
    ----------
    loss : callable
        L: of an array of the shape of ``optimum``, to one number, in Tensor operators; convex around
        the optima, with second derivatives. Of a model: see `soft_to_hard`.
    optimum : array_like
        θ*, with no more than 2000 elements.
    alpha : float, > 0
        α.
    refine : bool
        Whether to go to the optimum first, by Newton's method, from where ``optimum`` is.

    Returns
    -------
    QuadraticView
        Of the elements of ``optimum``, end to end.

    Raises
    ------
    ConfigError
        If ``optimum`` is none: the gradient is not 0 there, or the Hessian has an eigenvalue below 0; if
        there are too many elements, or α is not above 0.

    References
    ----------
    [Effect on the optimal solution], all slides of that name. Goodfellow, Bengio and Courville (2016), Deep
    learning, section 7.1.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> from analysis import quadratic_view
    >>> h = np.array([1.0, 4.0])
    >>> view = quadratic_view(lambda w: ag.sum(h * (w - [2.0, 0.1]) ** 2) / 2, [2.0, 0.1], 0.5)
    >>> view.factors.round(3).tolist(), view.l1.tolist(), round(view.l1_distance, 9)
    ([0.667, 0.889], [1.5, 0.0], 0.0)
    """
    name = "quadratic_view"
    alpha = POSITIVE.check(f"{name}: alpha", alpha)
    error, _, first, _ = _flat(name, optimum, loss, ag.sum)
    if first.size > LARGEST:
        raise ConfigError(
            name,
            f"expected at most {LARGEST} numbers, whose Hessian is written out; received {first.size}. "
            "Take a layer, or ag.hvp for products with it.",
        )
    if refine:
        first = minimum(name, error, first).at
    slope = float(np.abs(ag.grad(error)(first).numpy()).max())
    hessian = ag.hessian(error)(first).numpy()
    hessian = (hessian + hessian.T) / 2
    scale = max(1.0, float(np.abs(hessian).max()) * max(1.0, float(np.abs(first).max())))
    if not slope <= 1e-6 * scale:
        raise ConfigError(
            name,
            f"expected an optimum, with a gradient of 0; received one of {slope:.3g}. Pass refine=True to "
            "go there first.",
        )
    least = float(np.linalg.eigvalsh(hessian)[0])
    if least < -1e-8 * scale:
        raise ConfigError(
            name,
            f"expected a minimum, with a Hessian of no negative eigenvalue; received one of {least:.3g}: "
            "a saddle, or a maximum.",
        )
    shrunk = minimum(name, lambda w: error(w) + alpha * nn.functional.l2([w]), first).at
    sparse, residual = _lasso(name, error, alpha, shrunk)
    return QuadraticView(first, alpha, hessian, slope, shrunk, sparse, residual)


def _lasso(name: str, error: Function, alpha: float, start: Array) -> tuple[Array, float]:
    """The minimum of L(θ) + αΣ|θ|, by Newton's method with a proximal step in each coordinate in turn."""
    slope, curve = ag.grad(error), ag.hessian(error)

    def value(w: Array) -> float:
        return _at(error, w) + alpha * float(np.abs(w).sum())

    w, left = start.copy(), np.inf
    for _ in range(_ROUNDS):
        g = slope(w).numpy()
        # Where θ_i is 0 the condition is |g_i| ≤ α; elsewhere g_i = −α sign(θ_i).
        gaps = np.where(w == 0, np.maximum(np.abs(g) - alpha, 0), np.abs(g + alpha * np.sign(w)))
        left = float(gaps.max())
        if left <= 1e-10 * max(1.0, alpha):
            break
        h = curve(w).numpy()
        aim, rate = _by_coordinates(h, g, w, alpha), 1.0
        here = value(w)
        while rate > 1e-10 and not value(w + rate * (aim - w)) <= here:
            rate /= 2
        if rate <= 1e-10:
            break
        w = aim if rate == 1 else w + rate * (aim - w)
    if left > 1e-6 * max(1.0, alpha):
        raise ConfigError(
            name,
            f"the optimum under the L1 penalty was not found: {left:.3g} is left of its conditions. Expected "
            "a convex smooth loss.",
        )
    return w, left


def _by_coordinates(h: Array, g: Array, w: Array, alpha: float) -> Array:
    """The minimum of g·(v − w) + ½(v − w)·H(v − w) + αΣ|v|, one coordinate after the other."""
    v, slope = w.copy(), g.copy()
    diagonal = np.diag(h)
    for _ in range(1000):
        largest = 0.0
        for i in range(len(v)):
            if diagonal[i] <= 0:
                continue
            aim = v[i] - slope[i] / diagonal[i]
            new = np.sign(aim) * max(abs(aim) - alpha / diagonal[i], 0.0)
            if new != v[i]:
                slope += h[:, i] * (new - v[i])
                largest = max(largest, abs(new - v[i]))
                v[i] = new
        if largest <= 1e-15 * max(1.0, float(np.abs(v).max())):
            break
    return v


def _flat(
    name: str, start: Any, loss: Function, penalty: Function
) -> tuple[Function, Function, Array, tuple[int, ...]]:
    """L and R as functions of a vector, the start as one, and its shape."""
    values = np.array(start.numpy() if isinstance(start, ag.Tensor) else start, np.float64)
    if not values.size or not np.isfinite(values).all():
        raise ConfigError(name, f"expected finite numbers to start from; received {start!r:.60}.")
    shape = values.shape

    def of(function: Function) -> Function:
        if not callable(function):
            raise ConfigError(name, f"expected a function; received {function!r:.60}.")

        def called(w: Any) -> ag.Tensor:
            found = function(ag.reshape(w, shape))
            if not isinstance(found, ag.Tensor) or found.size != 1:
                raise ConfigError(
                    name,
                    "expected functions to one number in Tensor operators; received "
                    f"{getattr(found, 'shape', type(found).__name__)}.",
                )
            return ag.reshape(found, ())

        return called

    return of(loss), of(penalty), values.ravel(), shape


def _at(function: Function, w: Array) -> float:
    return float(function(ag.tensor(w)).item())
