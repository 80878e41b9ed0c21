"""Newton's method for each coordinate by itself."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any, ClassVar, Literal

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import LinAlgError

from ..hyperparameters import NonNegative
from ..objective import Evaluation, Objective
from ..second_order import LineSearch, Move, SecondOrder

__all__ = ["DiagonalNewton"]


class DiagonalNewton(SecondOrder):
    """Newton's step in each coordinate, as if the others stood still: Quickprop's first modification.

    ::

        w_i ← w_i − η E''(w_i)⁻¹ E'(w_i),    E''(w_i) = ∂²E/∂w_i², for all i at once

    No Hessian is inverted. On a quadratic with a diagonal A it arrives in one step; with a coupled A
    it converges for η < 2/λ, λ the largest eigenvalue of D⁻¹A with the diagonal D of A, which is between 1 and
    the number of coordinates: η = 1 may diverge.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `SecondOrder`.
    lr : float, ≥ 0
        η, which the slides leave out; with a line search the one that is tried first.
    damping : float, ≥ 0
        Added to each second derivative.
    negative : {"absolute", "raise", "skip"}
        Where E'' + damping ≤ 0, the step would go uphill. ``"absolute"``: by the size of E''; where it is
        0, not at all. ``"raise"``: LinAlgError. ``"skip"``: that coordinate stays.
    line_search : {"none", "backtracking", "strong_wolfe"}
        By which steps are shortened that do not descend.
    transforms, nonfinite, maximize, jit
        See `SecondOrder`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range.
    LinAlgError
        At a step, with ``negative="raise"``. No parameter was changed.

    Notes
    -----
    The second derivatives are exact: up to ``DiagonalNewton.max_entries`` numbers the Hessian is formed,
    beyond, its product with each unit vector is taken, as many as there are parameters.

    References
    ----------
    [QuickProp: Modification 1]. Becker and LeCun (1988), Improving the convergence of back-propagation
    learning with second-order methods.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = optim.DiagonalNewton([w])
    >>> loss = optimizer.step(lambda: w[0] ** 2 + 10 * (w[1] - 1) ** 2)
    >>> w.numpy().tolist()
    [0.0, 1.0]
    """

    examples = ({"lr": 0.5}, {"line_search": "backtracking"})
    max_entries: ClassVar[int] = 10**7

    lr: NonNegative = 1.0
    damping: NonNegative = 0.0
    _: KW_ONLY
    negative: Literal["absolute", "raise", "skip"] = "absolute"
    line_search: LineSearch = "none"

    @staticmethod
    def normalized(g: Any, second: Any, damping: Any) -> Any:
        """E' over E'', element by element."""
        return g / (second + damping)

    def move(self, objective: Objective, begin: Evaluation) -> Move:
        """Along −E'/E'', coordinate by coordinate."""
        g, damping = begin.gradient, self.now("damping")
        if not g.any():
            return Move(np.zeros_like(g), begin, "gradient")
        second = self._diagonal(objective, begin.x)
        bad = second + damping <= 0
        if self.negative == "raise" and (bad & (g != 0)).any():
            count = int((bad & (g != 0)).sum())
            raise LinAlgError(
                "DiagonalNewton.step",
                f"{count} of {len(g)} second derivatives are not positive, the least {second.min():.3g}. Expected "
                "positive ones: Newton's step goes uphill there. No parameter was changed. Pass damping, or "
                'negative="absolute" or "skip".',
            )
        if self.negative == "absolute":
            second = np.where(bad, np.abs(second), second)
        live = (second + damping > 0) & (g != 0)
        direction = np.zeros_like(g)
        direction[live] = -self.normalized(g[live], second[live], damping)
        if not direction.any():
            return Move(direction, begin, "curvature")
        return self.along(objective, begin, direction, self.now("lr"), self.line_search)

    def _diagonal(self, objective: Objective, x: Array) -> Array:
        """∂²E/∂w_i² for each i."""
        if x.size**2 <= self.max_entries:
            return np.diagonal(objective.hessian(x, self.max_entries)).copy()
        times, unit, found = objective.product(x), np.zeros_like(x), np.empty_like(x)
        for i in range(x.size):
            unit[i] = 1.0
            found[i] = times(unit)[i]
            unit[i] = 0.0
        return found
