"""Decay in steps."""

from __future__ import annotations

from typing import Annotated, Any

import autograd_core as ag
from autograd_core.options import COUNT, NON_NEGATIVE, Interval

from .schedule import Schedule

__all__ = ["Step"]


class Step(Schedule):
    """η_k = η0 α^⌊k/n⌋: lowered by a factor every n updates.

    Parameters
    ----------
    initial : float, ≥ 0
        η0, the number at k = 0.
    every : int, ≥ 1
        n, in updates.
    factor : float, in (0, 1]
        α. The slides' factor on a plateau is 0.1.

    References
    ----------
    [Decaying learning rate], where it is done by hand: train until it stands still, lower, go on.

    Examples
    --------
    >>> [round(float(Step(0.5, every=100)(k)), 4) for k in (0, 99, 100, 250)]
    [0.5, 0.5, 0.05, 0.005]
    """

    examples = ({"initial": 0.1, "every": 3},)

    initial: Annotated[float, NON_NEGATIVE]
    every: Annotated[int, COUNT]
    factor: Annotated[float, Interval(0.0, 1.0, open_low=True, open_high=False)] = 0.1

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        return self.initial * self.factor ** ag.floor(k / self.every)
