"""Quadratic decay: one over the square of the count."""

from __future__ import annotations

from typing import Annotated, Any

from autograd_core.options import NON_NEGATIVE

from .schedule import Schedule

__all__ = ["Quadratic"]


class Quadratic(Schedule):
    """η_k = η0 / (k + 1)²: the slides' quadratic decay; Σ η_k is finite, against [When does SGD work].

    Parameters
    ----------
    initial : float, ≥ 0
        η0, the number at k = 0.

    Notes
    -----
    Σ η_k = η0 π²/6 is finite: the first of the two conditions of [When does SGD work] fails, and
    descent cannot get further than that many gradients from where it starts.

    References
    ----------
    [Decaying learning rate].

    Examples
    --------
    >>> [round(Quadratic(0.9)(k), 3) for k in (0, 1, 2)]
    [0.9, 0.225, 0.1]
    """

    examples = ({"initial": 0.1},)

    initial: Annotated[float, NON_NEGATIVE]

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        return self.initial / (k + 1) / (k + 1)  # an integer's square may overflow
