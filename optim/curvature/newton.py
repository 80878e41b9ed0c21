"""Newton's method: steps normalized by the whole Hessian."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any, ClassVar, Literal

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import LinAlgError, SingularError

from ..hyperparameters import NonNegative
from ..objective import Evaluation, Objective
from ..second_order import LineSearch, Move, SecondOrder

__all__ = ["Newton"]


class Newton(SecondOrder):
    """Steps along the gradient, normalized by the Hessian: the slides' update with H_E⁻¹.

    ::

        w_{k+1} = w_k − η (H_E(w_k) + μ I)⁻¹ ∇E(w_k)ᵀ

    On a quadratic with η = 1 and μ = 0 it arrives in one step, from anywhere; with another η every
    error shrinks by 1 − η, in all directions alike.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `SecondOrder`.
    lr : float, ≥ 0
        η; with a line search the one that is tried first.
    damping : float, ≥ 0
        μ: shortens steps where there is little curvature (Levenberg).
    indefinite : {"raise", "shift", "absolute", "ignore"}
        Where H + μI is not positive definite, its step does not lead to a minimum (erratum X36).
        ``"raise"``: LinAlgError. ``"shift"``: with the least eigenvalue λ < 0, 2|λ| is added to all.
        ``"absolute"``: each eigenvalue counts by its size, so the step leads away from a saddle.
        ``"ignore"``: the formula as it is printed, which goes to the saddle or maximum.
    line_search : {"none", "backtracking", "strong_wolfe"}
        By which steps are shortened that do not descend; with it, and without ``"ignore"``, it
        converges from far away, too.
    transforms, nonfinite, maximize, jit
        See `SecondOrder`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range; at a step, if the Hessian would have more than
        ``Newton.max_entries`` numbers.
    LinAlgError
        At a step, see ``indefinite``; SingularError if H + μI cannot be solved for. No parameter was changed.

    Notes
    -----
    Parameters that the loss does not depend on at all have a derivative of 0 with no curvature: they stay.
    `NewtonCG` takes the same steps without forming H.

    References
    ----------
    [Convergence for quadratic surfaces], [Issues: 1. The Hessian]. Dauphin et al. (2014), Identifying and
    attacking the saddle point problem (``"absolute"``).

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = optim.Newton([w])
    >>> loss = optimizer.step(lambda: w[0] ** 2 + w[0] * w[1] + 4 * w[1] ** 2 - w[0])
    >>> w.numpy().round(12).tolist()  # where 2 w1 + w2 = 1 and w1 + 8 w2 = 0
    [0.533333333333, -0.066666666667]
    """

    examples = ({}, {"damping": 0.1}, {"line_search": "backtracking"})
    max_entries: ClassVar[int] = 10**7
    """Of the Hessian: 0.08 GB, and some seconds to solve with."""

    lr: NonNegative = 1.0
    damping: NonNegative = 0.0
    _: KW_ONLY
    indefinite: Literal["raise", "shift", "absolute", "ignore"] = "raise"
    line_search: LineSearch = "none"

    @staticmethod
    def normalized(g: Any, curve: Any, damping: Any) -> Any:
        """(H + μI)⁻¹ g: in Tensor operators, so that a proof runs it on symbols."""
        return ag.linalg.solve(curve + damping * ag.eye(g.shape[0]), g)

    def move(self, objective: Objective, begin: Evaluation) -> Move:
        """Along −(H + μI)⁻¹ ∇E."""
        g, damping = begin.gradient, self.now("damping")
        curve = objective.hessian(begin.x, self.max_entries)
        live = curve.any(axis=0) | (g != 0)
        direction = np.zeros_like(g)
        if live.any():
            curve = self._definite(curve[np.ix_(live, live)], damping)
            direction[live] = -self._solved(g[live], curve, damping)
        if not g.any():
            return Move(np.zeros_like(g), begin, "gradient")
        return self.along(objective, begin, direction, self.now("lr"), self.line_search)

    def _solved(self, g: Array, curve: Array, damping: float) -> Array:
        try:
            with np.errstate(all="ignore"):
                found: Array = self.normalized(ag.tensor(g), ag.tensor(curve), damping).numpy()
        except np.linalg.LinAlgError:
            found = np.full_like(g, np.nan)
        if not np.isfinite(found).all():
            raise SingularError(
                "Newton.step",
                f"the Hessian of shape {curve.shape}, with damping {damping:g}, is singular: along some direction "
                "there is a slope and no curvature. No parameter was changed. Pass damping=1e-3, or "
                "use optim.NewtonCG or optim.LBFGS.",
            )
        return found

    def _definite(self, curve: Array, damping: float) -> Array:
        """The Hessian, changed as ``indefinite`` says where it has to be."""
        if self.indefinite == "ignore":
            return curve
        values = np.linalg.eigvalsh(curve)
        size = float(np.abs(values).max())
        least = float(values[0])
        if least + damping > len(values) * np.finfo(float).eps * size:
            return curve
        if self.indefinite == "raise":
            negative = int((values + damping < 0).sum())
            words = (
                f"has {negative} negative eigenvalues of {len(values)}, the least {least:.3g}: its step leads "
                "to a saddle or a maximum"
                if negative
                else f"is singular to rounding: its eigenvalues go from {least:.3g} to {size:.3g}"
            )
            raise LinAlgError(
                "Newton.step",
                f"the Hessian of shape {curve.shape} {words}. Expected a positive definite one. No parameter "
                'was changed. Pass damping above its size, or indefinite="shift" or "absolute".',
            )
        floor = 1e-8 * size or 1.0
        if self.indefinite == "absolute":
            values, vectors = np.linalg.eigh(curve)
            found: Array = (vectors * np.maximum(np.abs(values), floor)) @ vectors.T
            return found
        return curve + max(2 * abs(least), floor) * np.eye(len(curve))
