"""L-BFGS: the curvature along the last steps, from the gradients at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import Annotated, Any

import numpy as np

from autograd_core.aliases import Array
from autograd_core.options import COUNT

from ..hyperparameters import Positive
from ..objective import Evaluation, Objective
from ..second_order import LineSearch, Move, SecondOrder

__all__ = ["LBFGS"]


class LBFGS(SecondOrder):
    """Steps along the gradient, normalized by the curvature seen along the last few steps.

    With s_k = w_{k+1} − w_k and y_k = ∇E(w_{k+1}) − ∇E(w_k), the matrix H̃ that is built of the last m pairs
    has H̃ y_k = s_k for the newest, as the slides' H_E⁻¹ has on a quadratic::

        w_{k+1} = w_k − α_k H̃_k ∇E(w_k)

    H̃ is never formed: two passes over the pairs give its product with the gradient. α_k = 1 is tried
    first, and the line search makes sure that y_kᵀ s_k > 0, without which H̃ would not lead downhill.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `SecondOrder`.
    lr : float, > 0
        The α that is tried first; with ``line_search="none"`` the one that is taken. At the first step,
        which knows no curvature, over ‖∇E‖ where that is more than 1.
    history_size : int, ≥ 1
        m, how many pairs are kept: 2m arrays of the parameters' size, in double precision.
    line_search : {"strong_wolfe", "backtracking", "none"}
        See `strong_wolfe` in ``line_search.py``.
    transforms, nonfinite, maximize, jit
        See `SecondOrder`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range.

    Notes
    -----
    One step is one update; in PyTorch ``step`` makes up to 20, and its default is no line search.
    A pair is of one closure with one batch, both ends of it. `optim.minimize` makes many steps and
    evaluates each point once.

    Where a pair shows no positive curvature (without a line search) it is left out. Where the line search
    finds nothing better, the pairs are forgotten and it is tried along the gradient.

    References
    ----------
    [Issues: 1. The Hessian]. Nocedal (1980), Updating quasi-Newton matrices with limited storage. Liu and
    Nocedal (1989), On the limited memory BFGS method for large scale optimization.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, optim
    >>> w = ag.tensor([-1.2, 1.0], requires_grad=True)
    >>> def rosenbrock():
    ...     return 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2
    >>> found = optim.minimize(optim.LBFGS([w]), rosenbrock)
    >>> w.numpy().round(6).tolist(), found.stopped_by
    ([1.0, 1.0], 'gradient')
    """

    examples = ({}, {"history_size": 3}, {"line_search": "backtracking"})

    lr: Positive = 1.0
    history_size: Annotated[int, COUNT] = 10
    _: KW_ONLY
    line_search: LineSearch = "strong_wolfe"

    def prepare(self) -> None:
        """What it keeps between steps."""
        self._make_room(0)

    def _make_room(self, kept: int) -> None:
        """Arrays for as many pairs as are to be kept; of those there are, the newest."""
        count, size = int(self.history_size), sum(t.size for t in self.params)
        for name in ("s", "y"):
            rows = np.zeros((count, size))
            kept = min(kept, count)
            if kept:
                rows[-kept:] = self.carried[name][-kept:]
            self.carried[name] = rows

    def forget(self) -> None:
        """Forget the pairs: the next step goes along the gradient."""
        self.carried["s"][...] = self.carried["y"][...] = 0.0

    def move(self, objective: Objective, begin: Evaluation) -> Move:
        """Along H̃ ∇E, by the line search."""
        if len(self.carried["s"]) != self.history_size:
            self._make_room(len(self.carried["s"]))
        g, lr = begin.gradient, self.now("lr")
        if not g.any():
            return Move(np.zeros_like(g), begin, "gradient")
        columns = self.columns(objective.loss)
        pairs = self._pairs(columns)
        move = Move(np.zeros_like(g), begin, "line search")
        for known in [pairs, []] if pairs else [[]]:
            direction = -two_loops(g, known) if known else -g / max(1.0, length(g))
            if not np.isfinite(direction).all() or not g @ direction < 0:  # rounding, an overflow
                continue
            move = self.along(objective, begin, direction, lr, self.line_search)
            if move.words == "moved":
                break
            self.forget()
        end = move.end
        if end is None:
            end = objective.at(objective.moved(begin.x, move.displacement))
        if end.finite:
            self._remember(columns, end.x - begin.x, end.gradient - g)
        return move._replace(end=end)

    def _pairs(self, columns: Any) -> list[tuple[Array, Array]]:
        """The pairs, the oldest first, with positive curvature among the parameters trained now."""
        rows = zip(self.carried["s"], self.carried["y"], strict=True)
        pairs = [(s[columns], y[columns]) for s, y in rows if s.any()]
        return [(s, y) for s, y in pairs if curved(s, y)]

    def _remember(self, columns: Any, s: Array, y: Array) -> None:
        if curved(s, y):
            for name, row in (("s", s), ("y", y)):
                rows = self.carried[name]
                rows[:-1] = rows[1:]
                rows[-1] = 0.0
                rows[-1, columns] = row


def length(g: Array) -> float:
    """‖g‖, of squares that do not overflow."""
    largest = float(np.abs(g).max(initial=0.0))
    return largest * float(np.linalg.norm(g / largest)) if largest else 0.0


def curved(s: Array, y: Array) -> bool:
    """Whether a pair shows positive curvature, beyond rounding."""
    return bool(s @ y > 1e-14 * np.linalg.norm(s) * np.linalg.norm(y))


def two_loops(g: Any, pairs: Sequence[tuple[Any, Any]]) -> Any:
    """H̃ g, from pairs (s, y), the oldest first; g itself without any.

    Operators alone, so that a proof runs it on symbols.
    """
    r, alphas = g, []
    for s, y in reversed(pairs):
        alpha = (s @ r) / (y @ s)
        r = r - alpha * y
        alphas.append(alpha)
    if pairs:
        s, y = pairs[-1]
        r = (y @ s) / (y @ y) * r  # the size of H̃, by the newest pair
    for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
        r = r + (alpha - (y @ r) / (y @ s)) * s
    return r
