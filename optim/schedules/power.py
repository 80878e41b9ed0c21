"""Decay along a power of the count."""

from __future__ import annotations

from typing import Annotated, Any

from autograd_core.options import NON_NEGATIVE, POSITIVE

from .schedule import Schedule

__all__ = ["Power"]


class Power(Schedule):
    """η_k = η0 / (k + 1)^p: `Linear` at p = 1, `Quadratic` at 2, and what lies between.

    Parameters
    ----------
    initial : float, ≥ 0
        η0, the number at k = 0.
    power : float, > 0
        p. For ½ < p ≤ 1, and for no other, Σ η_k diverges and Σ η_k² converges, as [When does SGD
        work] asks for.

    References
    ----------
    [When does SGD work]. Robbins and Monro (1951), A stochastic approximation method; scikit-learn's
    ``learning_rate="invscaling"``, which counts from 1 too.

    Examples
    --------
    >>> [float(Power(0.1, power=0.5)(k)) for k in (0, 3, 99)]
    [0.1, 0.05, 0.01]
    """

    examples = ({"initial": 0.1, "power": 0.5}, {"initial": 0.1, "power": 0.75})

    initial: Annotated[float, NON_NEGATIVE]
    power: Annotated[float, POSITIVE]

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        return self.initial / (k + 1) ** self.power
