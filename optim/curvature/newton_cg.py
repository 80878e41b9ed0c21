"""Newton's method by conjugate gradients: no Hessian, products with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np

from autograd_core.aliases import Array
from autograd_core.options import COUNT

from ..hyperparameters import Fraction, NonNegative, Positive
from ..objective import Evaluation, Objective
from ..second_order import Move, SecondOrder

__all__ = ["NewtonCG"]

SHRINK, GROW = 0.25, 2.0  # of the radius, where the model was poor; where it was good and hindered
POOR, GOOD, WORTH = (
    0.25,
    0.75,
    1e-4,
)  # shares of what the model promised; below the last nothing is taken
TRIES = 30


class NewtonCG(SecondOrder):
    """Newton's step, solved for by conjugate gradients: for real networks, since H is never formed.

    ::

        w_{k+1} = w_k − p_k,    ‖(H_E(w_k) + μ I) p_k − ∇E(w_k)‖ ≤ ε_k ‖∇E(w_k)‖

    Each product H v costs about two gradients (`autograd_core.hvp`). Where the curvature along a
    direction is negative it is followed downhill, so that a saddle is left.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `SecondOrder`.
    lr : float, > 0
        With ``strategy="line_search"`` the share of p that is tried first.
    damping : float, ≥ 0
        μ.
    tolerance : float, in [0, 1)
        ε_k = min(ε, √‖∇E‖): solved more sharply as the gradient vanishes, so that convergence is
        faster than linear.
    most_products : int, ≥ 1
        How many products of H with a vector a step may take at most.
    radius : float, > 0
        Of the ball in which the first step is looked for, with ``strategy="trust_region"``.
    strategy : {"trust_region", "line_search"}
        What keeps a step from going too far. ``"trust_region"`` (Steihaug): p is looked for in a ball, which
        grows where the quadratic model was right and shrinks where it was not.
        ``"line_search"``: the strong Wolfe conditions along p.
    transforms, nonfinite, maximize, jit
        See `SecondOrder`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range.

    Notes
    -----
    On a quadratic of n coordinates conjugate gradients arrive in n products at most. The radius is part of
    the state. A trial at which the loss is not finite shrinks it.

    References
    ----------
    [Issues: 1. The Hessian]. Steihaug (1983), The conjugate gradient method and trust regions in large scale
    optimization. Martens (2010), Deep learning via Hessian-free optimization.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, optim
    >>> w = ag.tensor([-1.2, 1.0], requires_grad=True)
    >>> def rosenbrock():
    ...     return 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2
    >>> found = optim.minimize(optim.NewtonCG([w]), rosenbrock)
    >>> w.numpy().round(6).tolist(), found.stopped_by
    ([1.0, 1.0], 'gradient')
    """

    examples = ({}, {"strategy": "line_search"}, {"damping": 0.1})
    gauss_newton: ClassVar[bool] = False
    """Whether products are with the Gauss-Newton part of the Hessian."""

    lr: Positive = 1.0
    damping: NonNegative = 0.0
    tolerance: Fraction = 0.5
    most_products: Annotated[int, COUNT] = 250
    radius: Positive = 1.0
    _: KW_ONLY
    strategy: Literal["trust_region", "line_search"] = "trust_region"

    def prepare(self) -> None:
        """What it keeps between steps."""
        self.carried["radius"] = np.array(float(self.now("radius")))

    def move(self, objective: Objective, begin: Evaluation) -> Move:
        """Along p, as far as it can be trusted."""
        g = begin.gradient
        norm = float(np.linalg.norm(g))
        if not norm:
            return Move(np.zeros_like(g), begin, "gradient")
        product, damping = objective.product(begin.x, self.gauss_newton), self.now("damping")

        def times(v: Array) -> Array:
            return product(v) + damping * v

        allowed = min(float(self.now("tolerance")), norm**0.5) * norm
        most = int(self.now("most_products"))
        if self.strategy == "line_search":
            p = conjugate_gradients(times, g, allowed, most).p
            return self.along(objective, begin, p, self.now("lr"), "strong_wolfe")
        return self._trusted(objective, begin, times, allowed, most)

    def _trusted(
        self,
        objective: Objective,
        begin: Evaluation,
        times: Callable[[Array], Array],
        allowed: float,
        most: int,
    ) -> Move:
        g, radius, noise = begin.gradient, self.carried["radius"], self.noise(begin)
        for _ in range(TRIES):
            solved = conjugate_gradients(times, g, allowed, most, float(radius))
            length = float(np.linalg.norm(solved.p))
            end = objective.at(objective.moved(begin.x, solved.p))
            gained = begin.value - end.value
            if max(abs(gained), solved.promised) <= noise:  # rounding hides it: the slope decides
                share = float(np.linalg.norm(end.gradient) < np.linalg.norm(g))
            else:
                share = gained / solved.promised
            if not end.finite:
                share = -np.inf
            if share < POOR:
                radius[...] = SHRINK * length
            elif share > GOOD and solved.at_border:
                radius[...] = GROW * radius
            if share > WORTH:
                return Move(solved.p, end)
            if not radius > 1e-16 * (1 + np.linalg.norm(begin.x)):
                radius[...] = self.now("radius")
                break
        return Move(np.zeros_like(g), begin, "line search")


class Solved(NamedTuple):
    """What conjugate gradients have found.

    Attributes
    ----------
    p : array
        The displacement.
    promised : float
        By how much the quadratic model says that it descends.
    at_border : bool
        Whether the radius ended it.
    """

    p: Array
    promised: float
    at_border: bool


def conjugate_gradients(
    times: Callable[[Array], Array],
    g: Array,
    allowed: float,
    most: int,
    radius: float = np.inf,
) -> Solved:
    """A displacement p with H p ≈ −g, of at most that length.

    Parameters
    ----------
    times : callable
        v to H v.
    allowed : float
        Size of the residual at which it ends.
    most : int
        Products.
    radius : float
        Inf: without a border. Where a direction has no positive curvature, p goes on along it to the
        border; without one it ends before that, at −g if it is the first.
    """
    p, r = np.zeros_like(g), g.copy()
    d, square = -g, float(g @ g)
    bent = np.zeros_like(g)  # H p
    for k in range(most):
        if square**0.5 <= allowed:
            break
        curved = times(d)
        along = float(d @ curved)
        if not along > 0:
            if np.isfinite(radius):
                t = _to_border(p, d, radius)
                return _solved(p + t * d, bent + t * curved, g, True)
            if k == 0:
                return _solved(d, curved, g, False)
            break
        alpha = square / along
        if np.linalg.norm(p + alpha * d) >= radius:
            t = _to_border(p, d, radius)
            return _solved(p + t * d, bent + t * curved, g, True)
        p, bent, r = p + alpha * d, bent + alpha * curved, r + alpha * curved
        before, square = square, float(r @ r)
        d = -r + square / before * d
    return _solved(p, bent, g, False)


def _solved(p: Array, bent: Array, g: Array, at_border: bool) -> Solved:
    return Solved(p, float(-(g @ p) - p @ bent / 2), at_border)


def _to_border(p: Array, d: Array, radius: float) -> float:
    """The t > 0 with ‖p + t d‖ = radius."""
    a, b, c = float(d @ d), float(p @ d), float(p @ p) - radius * radius
    root = max(b * b - a * c, 0.0) ** 0.5
    return float(-c / (b + root)) if b > 0 else float((root - b) / a)
