"""A straight line between two numbers."""

from __future__ import annotations

from typing import Annotated, Any

import autograd_core as ag
from autograd_core.options import COUNT, NON_NEGATIVE

from .schedule import Schedule

__all__ = ["Ramp"]


class Ramp(Schedule):
    """η_k = a + (b − a) min(k, n)/n: a straight line from a to b, up or down.

    Parameters
    ----------
    start, end : float, ≥ 0
        a at k = 0, b from k = n on.
    updates : int, ≥ 1
        n.

    Notes
    -----
    A warm-up that leads to the first number of another schedule is `WarmUp`. The slides' "linear decay" is `Linear`, which is no
    straight line.

    References
    ----------
    Goyal et al. (2017), Accurate, large minibatch SGD: training ImageNet in 1 hour (warm-up).

    Examples
    --------
    >>> [float(Ramp(1.0, 0.0, updates=4)(k)) for k in range(6)]
    [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """

    examples = (
        {"start": 0.0, "end": 0.1, "updates": 5},
        {"start": 0.2, "end": 0.1, "updates": 3},
    )

    start: Annotated[float, NON_NEGATIVE]
    end: Annotated[float, NON_NEGATIVE]
    updates: Annotated[int, COUNT]

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        share = ag.minimum(k, self.updates) / self.updates
        return (1 - share) * self.start + share * self.end
