"""Exponential decay."""

from __future__ import annotations

from typing import Annotated, Any

import autograd_core as ag
from autograd_core.options import NON_NEGATIVE, POSITIVE

from .schedule import Schedule

__all__ = ["Exponential"]


class Exponential(Schedule):
    """η_k = η0 e^(−βk): the slides' exponential decay; Σ η_k is finite, against [When does SGD work].

    Parameters
    ----------
    initial : float, ≥ 0
        η0, the number at k = 0.
    beta : float, > 0
        β, per update: the number is halved every ln 2 / β updates.

    Notes
    -----
    Σ η_k = η0 / (1 − e^(−β)) is finite: the first of the two conditions of [When does SGD work] fails.
    From k ≈ 745/β on it is 0 in double precision, and nothing moves any more.

    References
    ----------
    [Decaying learning rate].

    Examples
    --------
    >>> from math import log
    >>> [round(float(Exponential(0.8, beta=log(2) / 10)(k)), 6) for k in (0, 10, 20)]
    [0.8, 0.4, 0.2]
    """

    examples = ({"initial": 0.1, "beta": 0.05},)

    initial: Annotated[float, NON_NEGATIVE]
    beta: Annotated[float, POSITIVE]

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        return self.initial * ag.exp(-self.beta * k)
