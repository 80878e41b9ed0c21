"""Quickprop: Newton's step for each weight by itself, its second derivative from two first ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import autograd_core as ag

from ..hyperparameters import NonNegative, Positive, Term
from ..optimizer import Optimizer
from ..schedules.schedule import Schedule

__all__ = ["Quickprop"]

Growth = Annotated[float | Schedule, Term(0.0)]


class Quickprop(Optimizer):
    """Steps of each weight to where the line through its last two derivatives is 0: a secant.

    With the slides' letters, E' = ∂E/∂w and Δw^(k−1) = w^(k) − w^(k−1)::

        D = (E'(w^(k)) − E'(w^(k−1))) / Δw^(k−1)
        w^(k+1) = w^(k) − η D⁻¹ E'(w^(k))          if D > 0
        w^(k+1) = w^(k) − ε E'(w^(k))              where there is no secant yet, and as the safeguard

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float, ≥ 0
        η of [QuickProp], the share of the secant's step; 1 on the slides that follow.
    descent : float, > 0
        ε, the rate of plain descent: for the first step, which no slide gives, and wherever there is no secant, the
        weight not having moved or its derivative not having changed.
    safeguard : bool
        What becomes of D < 0, where the secant leads to a maximum: a step of plain descent instead. Switched off,
        the step is the printed formula's.
    mu : float, ≥ 0
        μ, Fahlman's limit of growth: a secant's step is at most μ times the step before, 1.75 in his paper; 0 for
        none, as on the slides.
    transforms, nonfinite
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range.

    Notes
    -----
    Slots: ``slope``, E'(w^(k−1)), and ``moved``, Δw^(k−1), both from 0.

    The last line of the slides, Δ^(k) = Δ^(k−1) E'_k / (E'_k − E'_{k−1}) with w − Δ^(k), takes its own Δ^(k−1) with
    the other sign than the line above it, and walks away from the minimum (erratum X2).

    The first of the two modifications by itself, with the second derivative in place of D, is `DiagonalNewton`.

    D is the second derivative of a quadratic only if A is diagonal. Weights that move together see
    a₁₁ + a₁₂ Δw₂/Δw₁ instead, of any sign (X33): where they are strongly coupled, give ``lr`` below 1 and a ``mu``.

    References
    ----------
    [QuickProp], [QuickProp: Modification 2], [Quickprop]. Fahlman (1988), An empirical study of learning speed in
    back-propagation networks.

    Examples
    --------
    On a parabola the second step arrives:

    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([4.0, -1.0], requires_grad=True)
    >>> optimizer = optim.Quickprop([w], descent=0.125)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (ag.tensor([1.0, 2.0]) * w * w).sum().backward()
    ...     optimizer.step()
    >>> w.tolist()
    [0.0, 0.0]
    """

    examples = ({}, {"safeguard": False}, {"lr": 0.5, "mu": 1.75})
    on_quadratics: ClassVar[Mapping[str, Any]] = {"mu": 1.75}

    lr: NonNegative = 1.0
    descent: Positive = 0.1
    safeguard: bool = True
    mu: Growth = 0.0

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``slope`` and ``moved``, always."""
        return ("slope", "moved")

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        slope: Any,
        moved: Any,
        *,
        step: Any,
        lr: Any,
        descent: Any,
        safeguard: bool,
        mu: Any,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, slope, moved) -> (theta, slope, moved)``, without side effects."""
        eta, epsilon = lr, descent
        change = g - slope
        curved = ag.sign(change) * ag.sign(moved)  # the sign of D; 0 where there is no secant
        there = curved > 0 if safeguard else curved * curved > 0
        secant = -eta * (g / ag.where(there, change, 1)) * moved
        if mu is not None:
            longest = mu * ag.absolute(moved)
            secant = ag.minimum(ag.maximum(secant, -longest), longest)
        moved = ag.where(there, secant, -epsilon * g)
        return theta + moved, g, moved
