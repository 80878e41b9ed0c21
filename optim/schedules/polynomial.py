"""Decay along a power of the time that is left."""

from __future__ import annotations

from typing import Annotated, Any

import autograd_core as ag
from autograd_core.options import COUNT, NON_NEGATIVE, POSITIVE

from .schedule import Schedule

__all__ = ["Polynomial"]


class Polynomial(Schedule):
    """η_k = η1 + (η0 − η1) (1 − min(k, n)/n)^p: from η0 to η1 along a power of the time left.

    Parameters
    ----------
    initial : float, ≥ 0
        η0, the number at k = 0.
    updates : int, ≥ 1
        n: the number is η1 from k = n on.
    power : float, > 0
        p: 1 is a straight line (`Ramp`), 2 ends gently.
    final : float, ≥ 0
        η1.

    Notes
    -----
    The slides' "quadratic decay" is `Quadratic`, which never ends.

    References
    ----------
    Liu, Rabinovich and Berg (2015), ParseNet: looking wider to see better, whose "poly" policy it is;
    PyTorch's ``PolynomialLR``.

    Examples
    --------
    >>> [float(Polynomial(1.0, updates=4, power=2.0)(k)) for k in range(6)]
    [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """

    examples = (
        {"initial": 0.1, "updates": 8},
        {"initial": 0.1, "updates": 5, "power": 2.0, "final": 0.01},
        {"initial": 0.1, "updates": 5, "power": 0.5},
    )

    initial: Annotated[float, NON_NEGATIVE]
    updates: Annotated[int, COUNT]
    power: Annotated[float, POSITIVE] = 1.0
    final: Annotated[float, NON_NEGATIVE] = 0.0

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        left = (1 - ag.minimum(k, self.updates) / self.updates) ** self.power
        return left * self.initial + (1 - left) * self.final
